"""Fingers, alerts and buttons of the phone."""

from __future__ import annotations

from collections.abc import Iterator

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_nodes import (
    ALERT,
    BUTTON,
    HEIGHT,
    LINK,
    SCALE,
    STATIC_TEXT,
    WIDTH,
)
from lab.phone.ios.wda.element_commands import ElementCommands, keys_of, middle
from lab.phone.ios.wda.session import InSession, Route, Session
from lab.phone.node import Node
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.gestures import taps
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong

_SIZE = (WIDTH / SCALE, HEIGHT / SCALE)
_WAYS = ("up", "down", "left", "right")
_ELEMENT = "/wda/element/$element"


class Touches:
    """Carries out gestures. This phone's screen knows taps and, in lists, scrolling."""

    def __init__(self, screen: IPhoneScreen, elements: ElementCommands) -> None:
        self._screen = screen
        self._elements = elements

    def routes(self) -> list[Route]:
        """Return the commands. A gesture is on an element, or on a point of the screen."""
        return [
            ("POST", "/actions", self._actions),
            *self._gesture("tap", self.tap),
            *self._gesture("touchAndHold", self.tap),
            *self._gesture("doubleTap", self._double_tap),
            *self._gesture("swipe", self._swipe),
            *self._gesture("scroll", self._scroll),
            *(
                route
                for name in ("pinch", "rotate", "forceTouch", "dragfromtoforduration")
                for route in self._gesture(name, _no_gesture)
            ),
            ("GET", "/alert/text", lambda *_: self.alert_text()),
            ("POST", "/alert/text", self._fill_alert),
            ("POST", "/alert/accept", lambda s, _, body: self.answer(s, body, accept=True)),
            ("POST", "/alert/dismiss", lambda s, _, body: self.answer(s, body, accept=False)),
            ("GET", "/wda/alert/buttons", lambda *_: self.alert_buttons()),
            ("POST", "/wda/pressButton", lambda _, __, body: self.press(body.text("name"))),
        ]

    def tap(self, session: Session, values: Values, body: Parameters) -> None:
        """Tap an element, or a point: given in points, from its upper left corner."""
        element = values.get("element")
        if element is not None and "x" not in body.values:
            self._elements.tap(session, element)
            return
        x, y = body.number("x") * SCALE, body.number("y") * SCALE
        if element is not None:
            left, top, _, _ = session.elements.node(element).bounds
            x, y = left + x, top + y
        if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
            raise Failed(Code.INVALID_ARGUMENT, "the point is off the screen")
        session.elements.touch((x, y))

    def scroll(self, direction: str) -> None:
        """Scroll, so that what is further that way comes up. Raises Failed."""
        if direction not in _WAYS:
            raise wrong("direction", f"one of {', '.join(_WAYS)}")
        if direction in ("up", "down"):
            self._screen.scroll(down=direction == "down")

    def swipe(self, direction: str) -> None:
        """Swipe: the finger goes up to see what is further down. Raises Failed."""
        self.scroll({"up": "down", "down": "up"}.get(direction, direction))

    def alert_buttons(self) -> list[str]:
        """Return the labels of the alert's buttons. Raises Failed where there is no alert."""
        return [node.text for node in self._buttons()]

    def press(self, name: str) -> None:
        """Press a button of the phone. Raises Failed where it has none of that name."""
        if name.lower() == "home":
            self._screen.home()
        elif name.lower() not in ("volumeup", "volumedown", "action", "camera"):
            raise Failed(Code.INVALID_ARGUMENT, f"this phone has no button {name[:40]!r}")

    def alert_text(self) -> str:
        """Return what the alert says. Raises Failed where there is none."""
        return "\n".join(n.text for n in self._alert().walk() if n.class_name == STATIC_TEXT)

    def answer(self, session: Session, body: Parameters, *, accept: bool) -> None:
        """Tap a button of the alert: the one that is named, else the one for yes or for no.
        Raises Failed."""
        name = body.values.get("name")
        buttons = self._buttons()
        if name is not None:
            buttons = [node for node in buttons if node.text == name]
        if not buttons:
            raise Failed(Code.INVALID_ELEMENT_STATE, f"the alert has no button {name!r}")
        # WebDriverAgent's choice: in an alert, yes is the last button and no the first.
        node = buttons[-1 if accept else 0]
        session.elements.tap(session.elements.of(node))

    def _gesture(self, name: str, run: InSession) -> Iterator[Route]:
        yield "POST", f"/wda/{name}", run
        yield "POST", f"{_ELEMENT}/{name}", run

    def _actions(self, session: Session, _: Values, body: Parameters) -> None:
        def centre(element: str) -> tuple[float, float]:
            x, y = middle(session.elements.node(element))
            return x / SCALE, y / SCALE

        for x, y in taps(body, centre, _SIZE):
            session.elements.touch((x * SCALE, y * SCALE))

    def _double_tap(self, session: Session, values: Values, body: Parameters) -> None:
        for _ in range(2):
            self.tap(session, values, body)

    def _swipe(self, _: Session, __: Values, body: Parameters) -> None:
        self.swipe(body.text("direction"))

    def _scroll(self, _: Session, __: Values, body: Parameters) -> None:
        if "direction" in body.values:
            self.scroll(body.text("direction"))

    def _fill_alert(self, _: Session, __: Values, body: Parameters) -> None:
        keys_of(body)
        self._alert()
        raise Failed(Code.UNSUPPORTED, "the alert contains no input fields")

    def _alert(self) -> Node:
        alert = next((n for n in self._screen.snapshot().walk() if n.class_name == ALERT), None)
        if alert is None:
            raise Failed(Code.NO_SUCH_ALERT, "no alert is open")
        return alert

    def _buttons(self) -> list[Node]:
        return [node for node in self._alert().walk() if node.class_name in (BUTTON, LINK)]


def _no_gesture(_: Session, __: Values, ___: Parameters) -> None:
    raise Failed(Code.UNSUPPORTED, "this phone's screen knows no such gesture")
