"""How one goes from page to page in the iPhone's Settings, and what all of its pages may do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.phone.ios.screen import IPhoneActivity
from lab.phone.ios.screen_seam import Refused, ScreenedPhone
from lab.phone.ios.settings_view import BUNDLE_ID, NAME, SettingsPage
from lab.phone.node import SWITCHES, Node
from lab.phone.services import PhoneServices
from lab.phone.ui import Changes

CANCEL, OK = "Cancel", "OK"

MakePage = Callable[[], SettingsPage]


class SettingsStack(IPhoneActivity):
    """What was opened is a stack of pages, made anew whenever something changes."""

    package = BUNDLE_ID
    name = NAME

    def __init__(
        self, services: PhoneServices, phone: ScreenedPhone, changes: Changes | None = None
    ) -> None:
        self._phone_below = phone
        self._stack: list[MakePage] = [self._top]
        self._page = self._top()
        super().__init__(services, changes or Changes(), self._page.root)
        self._show()

    def tap(self, node: Node) -> None:
        with self._changes.edit():
            flip = self._page.flips.get(node.key)
            if flip is None or node.class_name not in SWITCHES:
                super().tap(node)
            else:
                flip(not node.checked)

    def back(self) -> bool:
        with self._changes.edit():
            if len(self._stack) == 1:
                return False
            self._close()
            return True

    def scroll(self, *, down: bool) -> bool:
        with self._changes.edit():
            return self._page.scroll(down=down)

    def _top(self) -> SettingsPage:
        """Return the first page."""
        raise NotImplementedError

    def _show(self) -> None:
        self._page = self._stack[-1]()
        self._root = self._page.root
        self._buttons = {self._page.up: self._close, **self._page.actions}

    def _open(self, page: MakePage) -> None:
        self._stack.append(page)
        self._show()

    def _to(self, page: MakePage) -> Callable[[], None]:
        return partial(self._open, page)

    def _close(self, count: int = 1) -> None:
        del self._stack[max(1, len(self._stack) - count) :]
        self._show()

    def _ask(self, title: str, message: str, *buttons: tuple[str, Callable[[], None]]) -> None:
        """Put an alert over the page; every button takes it away first."""

        def answered(act: Callable[[], None]) -> None:
            self._show()
            act()

        self._show()
        self._page.ask(title, message, *((label, partial(answered, act)) for label, act in buttons))
        self._buttons |= self._page.actions

    def _attempt(self, act: Callable[[], None], then: Callable[[], None]) -> None:
        """Do something that the phone may refuse, and say so where it does."""
        try:
            act()
        except Refused as error:
            self._ask("Cannot Do This", str(error), (OK, self._show))
        else:
            then()
