"""The elements of an iPhone's screen, and its measures.

Those of an iPhone 15: 1179 x 2556 pixels, three to a point. What WebDriverAgent tells is in points.
"""

from __future__ import annotations

from lab.phone.node import Bounds, Look, Node

WIDTH, HEIGHT = 1179, 2556
SCALE = 3
"""Pixels of a point."""
STATUS_BAR = 177
"""Pixels at the top that belong to the system."""
HOME_INDICATOR = 102
"""Pixels at the bottom that belong to the system."""
SPRINGBOARD = "com.apple.springboard"
"""The home screen, which is in front where no app is."""
BAR_ENDS = STATUS_BAR + 132
"""Where a navigation bar ends."""
LEFT, RIGHT = 48, WIDTH - 48

_TYPE = "XCUIElementType"
ALERT = f"{_TYPE}Alert"
APPLICATION = f"{_TYPE}Application"
BUTTON = f"{_TYPE}Button"
CELL = f"{_TYPE}Cell"
IMAGE = f"{_TYPE}Image"
INDICATOR = f"{_TYPE}ActivityIndicator"
KEYBOARD = f"{_TYPE}Keyboard"
LINK = f"{_TYPE}Link"
NAVIGATION_BAR = f"{_TYPE}NavigationBar"
OTHER = f"{_TYPE}Other"
SCROLL_VIEW = f"{_TYPE}ScrollView"
SECURE_FIELD = f"{_TYPE}SecureTextField"
SHEET = f"{_TYPE}Sheet"
STATIC_TEXT = f"{_TYPE}StaticText"
SWITCH = f"{_TYPE}Switch"
TABLE = f"{_TYPE}Table"
TEXT_FIELD = f"{_TYPE}TextField"
TEXT_VIEW = f"{_TYPE}TextView"
WEB_VIEW = f"{_TYPE}WebView"
WINDOW = f"{_TYPE}Window"

WHOLE: Bounds = (0, 0, WIDTH, HEIGHT)


def application(bundle_id: str, name: str) -> Node:
    """Return the root of an app's screen; what is in it goes into its window, its only child."""
    window = Node("window", WINDOW, WHOLE, bundle_id)
    root = Node("root", APPLICATION, WHOLE, bundle_id, name)
    root.children = [window]
    return root


def navigation_bar(bundle_id: str, title: str, back: str = "") -> Node:
    """Return the bar on top of a page; ``back`` names the button to the page before."""
    bar = Node("bar", NAVIGATION_BAR, (0, STATUS_BAR, WIDTH, BAR_ENDS), bundle_id)
    bar.resource_id = title
    if back:
        left = button("back", bundle_id, back, (LEFT - 24, STATUS_BAR, LEFT + 240, BAR_ENDS))
        left.look = Look.OUTLINED
        bar.children.append(left)
    middle = (LEFT + 252 if back else LEFT, STATUS_BAR, RIGHT - 252 if back else RIGHT, BAR_ENDS)
    heading = text("title", bundle_id, title, middle)
    heading.look = Look.HEADING
    bar.children.append(heading)
    return bar


def text(key: str, bundle_id: str, words: str, bounds: Bounds) -> Node:
    """Return words that are only to be read."""
    return Node(key, STATIC_TEXT, bounds, bundle_id, words, look=Look.PLAIN)


def button(key: str, bundle_id: str, label: str, bounds: Bounds) -> Node:
    """Return a button."""
    return Node(key, BUTTON, bounds, bundle_id, label, clickable=True, look=Look.OUTLINED)


def field(key: str, bundle_id: str, placeholder: str, bounds: Bounds) -> Node:
    """Return a text field of one line."""
    return Node(key, TEXT_FIELD, bounds, bundle_id, hint=placeholder, clickable=True)


def switch(key: str, bundle_id: str, label: str, bounds: Bounds) -> Node:
    """Return a switch."""
    return Node(key, SWITCH, bounds, bundle_id, label, clickable=True, checkable=True)


def alert(bundle_id: str, title: str, message: str, buttons: tuple[tuple[str, str], ...]) -> Node:
    """Return an alert with its ``buttons``, each a key and a label, as iOS stacks them."""
    height = 420 + 132 * len(buttons)
    top = (HEIGHT - height) // 2
    left, right = 180, WIDTH - 180
    node = Node("alert", ALERT, (left, top, right, top + height), bundle_id, title, look=Look.CARD)
    heading = text("alert/title", bundle_id, title, (left + 48, top + 48, right - 48, top + 168))
    heading.look = Look.HEADING
    words = text("alert/text", bundle_id, message, (left + 48, top + 180, right - 48, top + 396))
    node.children = [heading, *([words] if message else [])]
    for number, (key, label) in enumerate(buttons):
        at = top + 408 + 132 * number
        node.children.append(button(key, bundle_id, label, (left + 48, at, right - 48, at + 114)))
    return node


def keyboard(bundle_id: str) -> Node:
    """Return the keyboard, with the one key that does anything here."""
    top = HEIGHT - 1008
    node = Node("keyboard", KEYBOARD, (0, top, WIDTH, HEIGHT), bundle_id, look=Look.CARD)
    # Whatever is touched there is touched on the keyboard, and not behind it.
    node.clickable = True
    enter = button("return", bundle_id, "return", (900, HEIGHT - 360, WIDTH - 24, HEIGHT - 240))
    enter.resource_id = "Return"
    node.children = [enter]
    return node
