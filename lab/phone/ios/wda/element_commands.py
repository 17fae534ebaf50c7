"""What a client does to elements: finds them, reads them, taps them, types into them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_nodes import HEIGHT, WIDTH
from lab.phone.ios.wda.session import InSession, Route, Session
from lab.phone.ios.wda.shots import Shot, UnknownAttribute, take
from lab.phone.node import Node
from lab.phone.webdriver.elements import reference
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters

ELEMENT = "/element/$element"
MAX_TYPED = 10_000
"""Keys of one command."""
BACKSPACE, RETURN = "\b", "\n"


class ElementCommands:
    """Carries out the commands about elements. May be used from any thread."""

    def __init__(self, screen: IPhoneScreen) -> None:
        self._screen = screen

    def routes(self) -> list[Route]:
        """Return the commands."""
        return [
            ("POST", "/element", self._find),
            ("POST", "/elements", self._find_all),
            ("POST", f"{ELEMENT}/element", self._find),
            ("POST", f"{ELEMENT}/elements", self._find_all),
            ("GET", "/element/active", self._active),
            ("POST", f"{ELEMENT}/click", self._click),
            ("POST", f"{ELEMENT}/clear", self._clear),
            ("POST", f"{ELEMENT}/value", self._type),
            ("GET", f"{ELEMENT}/text", self._of(lambda shot: shot.value or shot.label or "")),
            ("GET", f"{ELEMENT}/name", self._of(lambda shot: shot.type)),
            ("GET", f"{ELEMENT}/rect", self._of(lambda shot: shot.rect)),
            ("GET", f"{ELEMENT}/enabled", self._of(lambda shot: shot.node.enabled)),
            ("GET", f"{ELEMENT}/displayed", self._of(lambda shot: shot.visible)),
            ("GET", f"{ELEMENT}/selected", self._of(lambda shot: shot.node.selected)),
            ("GET", f"{ELEMENT}/attribute/$name", self._attribute),
            ("GET", f"{ELEMENT}/screenshot", self._picture),
            ("GET", "/screenshot/$element", self._picture),
            ("GET", f"/wda{ELEMENT}/accessible", self._of(lambda shot: shot.accessible)),
            (
                "GET",
                f"/wda{ELEMENT}/accessibilityContainer",
                self._of(lambda shot: shot.attribute("accessibilityContainer")),
            ),
            ("POST", f"/wda{ELEMENT}/scrollTo", self._of(lambda _: None)),
            ("POST", "/wda/keys", self._keys),
            ("POST", "/wda/keyboard/dismiss", lambda *_: self.dismiss_keyboard()),
        ]

    def shot(self, session: Session, element: str) -> Shot:
        """Return an element as the whole screen has it. Raises Failed."""
        node = session.elements.node(element)
        for shot in take(self._screen.snapshot()).walk():
            if shot.node.key == node.key:
                return shot
        raise Failed(Code.STALE_ELEMENT, f"element {element} is no longer on the screen")

    def tap(self, session: Session, element: str) -> None:
        """Tap an element: itself where it takes touches, else whatever does at its middle."""
        node = session.elements.node(element)
        if node.clickable:
            session.elements.tap(element)
        else:
            session.elements.touch(middle(node))

    def type_keys(self, keys: str) -> None:
        """Type into the field that has the focus. Raises Failed where none has."""
        if len(keys) > MAX_TYPED:
            raise Failed(Code.INVALID_ARGUMENT, f"more than {MAX_TYPED} keys")
        for part in _parts(keys):
            if part == RETURN and not self._is_multiline():
                self._screen.enter()
            elif not self._screen.type(lambda text, typed=part: _typed(text, typed)):  # type: ignore[misc]
                raise Failed(Code.INVALID_ELEMENT_STATE, "nothing has the focus that takes text")

    def dismiss_keyboard(self) -> None:
        """Put the keyboard away. Raises Failed where there is none."""
        if not self._screen.dismiss_keyboard():
            raise Failed(Code.INVALID_ELEMENT_STATE, "the keyboard is not on the screen")

    def _find(self, session: Session, values: Values, body: Parameters) -> dict[str, str]:
        found = self._search(session, values, body)
        if not found:
            words = f"unable to find an element using {body.text('using')!r}, value "
            raise Failed(Code.NO_SUCH_ELEMENT, f"{words}{body.text('value')!r}")
        return reference(found[0])

    def _find_all(self, session: Session, values: Values, body: Parameters) -> list[dict[str, str]]:
        return [reference(element) for element in self._search(session, values, body)]

    def _search(self, session: Session, values: Values, body: Parameters) -> list[str]:
        below, wait = values.get("element"), session.implicit_wait
        return session.elements.find(body.text("using"), body.text("value"), below=below, wait=wait)

    def _active(self, session: Session, _: Values, __: Parameters) -> object:
        for node in self._screen.snapshot().walk():
            if node.focused:
                return reference(session.elements.of(node))
        raise Failed(Code.NO_SUCH_ELEMENT, "nothing has the focus")

    def _click(self, session: Session, values: Values, _: Parameters) -> None:
        self.tap(session, values["element"])

    def _clear(self, session: Session, values: Values, _: Parameters) -> None:
        session.elements.enter(values["element"], "", replace=True)

    def _type(self, session: Session, values: Values, body: Parameters) -> None:
        element = values["element"]
        typed = keys_of(body)
        node = session.elements.node(element)
        # As on a phone: the field is tapped before anything is typed.
        if not node.takes_text or not node.enabled:
            state = "disabled" if node.takes_text else "no text field"
            raise Failed(
                Code.INVALID_ELEMENT_STATE, f"cannot type into {node.class_name}: it is {state}"
            )
        session.elements.tap(element)
        self.type_keys(typed)

    def _keys(self, _: Session, __: Values, body: Parameters) -> None:
        self.type_keys(keys_of(body))

    def _attribute(self, session: Session, values: Values, _: Parameters) -> object:
        try:
            return self.shot(session, values["element"]).attribute(values["name"])
        except UnknownAttribute as error:
            raise Failed(Code.INVALID_ARGUMENT, str(error)) from None

    def _picture(self, session: Session, values: Values, _: Parameters) -> object:
        # Pillow takes a while to load, and many a phone is never looked at.
        from PIL import Image

        left, top, right, bottom = session.elements.node(values["element"]).bounds
        box = (max(left, 0), max(top, 0), min(right, WIDTH), min(bottom, HEIGHT))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise Failed(Code.UNKNOWN_ERROR, "the element is off the screen")
        cut = io.BytesIO()
        with Image.open(io.BytesIO(self._screen.picture())) as picture:
            picture.crop(box).save(cut, "PNG")
        return base64.b64encode(cut.getvalue()).decode("ascii")

    def _of(self, read: Callable[[Shot], object]) -> InSession:
        """Return the command that reads something off the element that the path names."""

        def run(session: Session, values: Values, _: Parameters) -> object:
            return read(self.shot(session, values["element"]))

        return run

    def _is_multiline(self) -> bool:
        return any(node.focused and node.multiline for node in self._screen.snapshot().walk())


def keys_of(body: Parameters) -> str:
    """Return what is to be typed: ``value``, a text or a list of them, else ``text``. Raises
    Failed."""
    value = body.values.get("value", body.values.get("text"))
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "".join(value)
    if isinstance(value, str):
        return value
    raise Failed(
        Code.INVALID_ARGUMENT, "neither 'value', a text or a list of texts, nor 'text' is given"
    )


def middle(node: Node) -> tuple[float, float]:
    """Return the middle of an element, in pixels."""
    left, top, right, bottom = node.bounds
    return (left + right) // 2, (top + bottom) // 2


def _parts(keys: str) -> list[str]:
    """Cut what is typed at the keys that are more than a letter."""
    parts = [""]
    for key in keys:
        if key == RETURN:
            parts += [RETURN, ""]
        else:
            parts[-1] += key
    return [part for part in parts if part]


def _typed(text: str, keys: str) -> str:
    for key in keys:
        text = text[:-1] if key == BACKSPACE else text + key
    return text
