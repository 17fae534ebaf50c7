"""The UiAutomator2 server's gestures, keys and alerts."""

from __future__ import annotations

from typing import NoReturn

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.keys import press
from lab.phone.android.webdriver.session import Route, Session
from lab.phone.node import Node
from lab.phone.webdriver.elements import W3C_KEY
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters

# What Android's own dialogs call their parts.
ALERT_TEXTS = ("android:id/alertTitle", "android:id/message")
ACCEPT, DISMISS = "android:id/button1", "android:id/button2"


class Touches:
    """Carries out gestures. This phone's screen knows taps and, in lists, scrolling."""

    def __init__(self, system: AndroidSystem) -> None:
        self._screen = system.screen

    def routes(self) -> list[Route]:
        """Return the commands."""
        gestures = "/appium/gestures"
        return [
            ("POST", f"{gestures}/click", self._click),
            ("POST", f"{gestures}/double_click", self._double_click),
            ("POST", f"{gestures}/swipe", lambda *_: None),
            ("POST", f"{gestures}/scroll", self._scroll),
            ("POST", f"{gestures}/fling", lambda *_: False),
            *(("POST", f"{gestures}/{name}", _no_gesture) for name in _UNKNOWN),
            ("POST", "/appium/device/press_keycode", self._press),
            ("GET", "/alert/text", self._alert_text),
            (
                "POST",
                "/alert/accept",
                lambda session, _, body: self._end_alert(session, body, ACCEPT),
            ),
            (
                "POST",
                "/alert/dismiss",
                lambda session, _, body: self._end_alert(session, body, DISMISS),
            ),
        ]

    def _click(self, session: Session, _: Values, body: Parameters) -> None:
        session.elements.touch(_point(session, body))

    def _double_click(self, session: Session, _: Values, body: Parameters) -> None:
        point = _point(session, body)
        for _time in range(2):
            session.elements.touch(point)

    def _scroll(self, _: Session, __: Values, body: Parameters) -> bool:
        return self._screen.scroll(down=body.text("direction") == "down")

    def _press(self, _: Session, __: Values, body: Parameters) -> None:
        press(self._screen, body)

    def _alert_text(self, _: Session, __: Values, ___: Parameters) -> object:
        texts = [node.text for node in self._alert() if node.resource_id in ALERT_TEXTS]
        return "\n".join(texts)

    def _end_alert(self, session: Session, body: Parameters, usual: str) -> None:
        label = body.values.get("buttonLabel")
        for node in self._alert():
            meant = node.resource_id == usual if label is None else node.text == label
            if meant and node.clickable:
                session.elements.tap(session.elements.of(node))
                return
        raise Failed(Code.UNSUPPORTED, f"the alert has no button {label or usual!r}")

    def _alert(self) -> list[Node]:
        """Return the nodes of the screen, which shows an alert. Raises Failed."""
        nodes = list(self._screen.snapshot().walk())
        if not any(node.resource_id in ALERT_TEXTS for node in nodes):
            raise Failed(Code.NO_SUCH_ALERT, "no alert is on the screen")
        return nodes


_UNKNOWN = ("long_click", "drag", "pinch_close", "pinch_open")


def _no_gesture(_: Session, __: Values, ___: Parameters) -> NoReturn:
    raise Failed(Code.UNSUPPORTED, "this phone's screen knows no such gesture")


def _point(session: Session, body: Parameters) -> tuple[float, float]:
    """Return where a gesture is to be: at an offset into an element, by default its middle, or
    into the screen."""
    offset = None
    if body.values.get("offset") is not None:
        wanted = Parameters(body.mapping("offset"))
        offset = wanted.number("x"), wanted.number("y")
    if body.values.get("origin") is None:
        if offset is None:
            raise Failed(Code.INVALID_ARGUMENT, "neither 'origin' nor 'offset' is given")
        return offset
    element = Parameters(body.mapping("origin")).text(W3C_KEY)
    left, top, right, bottom = session.elements.node(element).bounds
    if offset is None:
        return (left + right) // 2, (top + bottom) // 2
    return left + offset[0], top + offset[1]
