"""The keys that this phone has."""

from __future__ import annotations

from lab.phone.ui import Screen
from lab.phone.webdriver.protocol import Code, Failed, Parameters

KEYCODE_HOME = 3
KEYCODE_BACK = 4
KEYCODE_ENTER = 66


def press(screen: Screen, call: Parameters) -> None:
    """Press the key ``keycode`` of a call. Raises Failed for a key that there is not."""
    keycode = int(call.number("keycode"))
    if keycode == KEYCODE_BACK:
        screen.back()
    elif keycode == KEYCODE_HOME:
        screen.home()
    elif keycode == KEYCODE_ENTER:
        screen.enter()
    else:
        raise Failed(Code.UNSUPPORTED, f"no key {keycode}: this phone has 3, 4 and 66")
