"""What both dialects let a client do to the phone's screen."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.session import InSession, Route, Session
from lab.phone.android.webdriver.source import attributes, page_of
from lab.phone.node import HEIGHT, WIDTH, Bounds, Node
from lab.phone.webdriver.elements import reference
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.gestures import taps
from lab.phone.webdriver.protocol import Code, Failed, Parameters

ELEMENT = "/element/$element"

_ALIASES = {"className": "class", "contentDescription": "content-desc", "name": "content-desc"}
"""Other names by which Appium's clients ask for attributes."""


class Commands:
    """Carries out commands. May be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._screen = system.screen

    def routes(self) -> list[Route]:
        """Return the commands that both dialects ask for in the same way."""
        return [
            ("GET", "/appium/settings", lambda session, *_: session.settings),
            ("POST", "/appium/settings", self._settings),
            ("GET", "/orientation", lambda *_: "PORTRAIT"),
            ("POST", "/orientation", self._turn),
            ("GET", "/source", self._source),
            ("GET", "/screenshot", self._screenshot),
            ("POST", "/back", lambda *_: self._screen.back()),
            ("POST", "/actions", self._actions),
            ("GET", "/element/active", self._active),
            ("POST", f"{ELEMENT}/click", self._click),
            ("POST", f"{ELEMENT}/clear", self._clear),
            ("GET", f"{ELEMENT}/text", of_node(lambda node: node.text)),
            ("GET", f"{ELEMENT}/name", of_node(lambda node: node.content_desc)),
            ("GET", f"{ELEMENT}/rect", of_node(lambda node: rectangle(node.bounds))),
            ("GET", f"{ELEMENT}/attribute/$name", self._attribute),
            ("GET", f"{ELEMENT}/screenshot", self._element_screenshot),
        ]

    def find(
        self, session: Session, strategy: str, selector: str, below: str | None
    ) -> dict[str, str]:
        """Return the first element that is meant. Raises Failed where there is none."""
        found = self.find_all(session, strategy, selector, below)
        if not found:
            raise Failed(Code.NO_SUCH_ELEMENT, f"nothing on the screen is {strategy} {selector!r}")
        return found[0]

    def find_all(
        self, session: Session, strategy: str, selector: str, below: str | None
    ) -> list[dict[str, str]]:
        """Return the elements that are meant, in document order. Raises Failed."""
        found = session.elements.find(strategy, selector, below=below, wait=session.implicit_wait)
        return [reference(element) for element in found]

    def focused(self) -> Node:
        """Return the node that has the focus. Raises Failed where none has."""
        for node in self._screen.snapshot().walk():
            if node.focused:
                return node
        raise Failed(Code.NO_SUCH_ELEMENT, "nothing has the focus")

    def _settings(self, session: Session, _: Values, body: Parameters) -> None:
        session.change_settings(body.mapping("settings"))

    def _turn(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("orientation").upper() != "PORTRAIT":
            raise Failed(Code.UNSUPPORTED, "this phone's screen does not turn")

    def _source(self, session: Session, _: Values, __: Parameters) -> object:
        self._screen.wait_idle(session.idle_cap)
        return page_of(self._screen.snapshot()).text()

    def _screenshot(self, _: Session, __: Values, ___: Parameters) -> object:
        return base64.b64encode(self._screen.picture()).decode("ascii")

    def _element_screenshot(self, session: Session, values: Values, _: Parameters) -> object:
        # Pillow takes a while to load, and many a phone is never looked at.
        from PIL import Image

        bounds = within_screen(session.elements.node(values["element"]).bounds)
        if bounds is None:
            raise Failed(Code.UNKNOWN_ERROR, "the element is off the screen")
        cut = io.BytesIO()
        with Image.open(io.BytesIO(self._screen.picture())) as picture:
            picture.crop(bounds).save(cut, "PNG")
        return base64.b64encode(cut.getvalue()).decode("ascii")

    def _actions(self, session: Session, _: Values, body: Parameters) -> None:
        def centre(element: str) -> tuple[float, float]:
            left, top, right, bottom = session.elements.node(element).bounds
            return (left + right) // 2, (top + bottom) // 2

        for point in taps(body, centre):
            session.elements.touch(point)

    def _active(self, session: Session, _: Values, __: Parameters) -> object:
        return reference(session.elements.of(self.focused()))

    def _click(self, session: Session, values: Values, _: Parameters) -> None:
        session.elements.tap(values["element"])

    def _clear(self, session: Session, values: Values, _: Parameters) -> None:
        session.elements.enter(values["element"], "", replace=True)

    def _attribute(self, session: Session, values: Values, _: Parameters) -> object:
        node = session.elements.node(values["element"])
        name = _ALIASES.get(values["name"], values["name"])
        known = attributes(node)
        if name not in known:
            raise Failed(
                Code.INVALID_ARGUMENT,
                f"no attribute {name!r}; there are {', '.join(sorted(known))}",
            )
        return known[name]


def of_node(read: Callable[[Node], object]) -> InSession:
    """Return the command that reads something off the element that the path names."""

    def run(session: Session, values: Values, _: Parameters) -> object:
        return read(session.elements.node(values["element"]))

    return run


def rectangle(bounds: Bounds) -> dict[str, int]:
    """Return bounds the way that clients get them."""
    left, top, right, bottom = bounds
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def within_screen(bounds: Bounds) -> Bounds | None:
    """Return the part of ``bounds`` that is on the screen, None where nothing is."""
    left, top, right, bottom = bounds
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, WIDTH), min(bottom, HEIGHT)
    return (left, top, right, bottom) if left < right and top < bottom else None
