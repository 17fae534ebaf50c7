"""How one goes from page to page in Android's Settings, and what all of its pages may do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.phone.activity import BaseActivity
from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.settings_view import PACKAGE, Sheet
from lab.phone.android.settings_words import wording_of
from lab.phone.android.user_cas import UserCas
from lab.phone.state import PhoneState
from lab.phone.ui import Changes

MakeSheet = Callable[[], Sheet]


class SettingsStack(BaseActivity):
    """What was opened is a stack of pages, made anew whenever something changes."""

    package = PACKAGE
    name = ".Settings"

    def __init__(
        self, phone: PhoneState, changes: Changes | None = None, release: int = 14
    ) -> None:
        self._state = phone
        self._words = wording_of(release)
        self._cas = UserCas(phone.files)
        self._screen_lock = ScreenLock(phone.files)
        self._stack: list[MakeSheet] = [self._top]
        self._sheet = self._top()
        super().__init__(phone, changes or Changes(), self._sheet.root)
        self._show()

    def back(self) -> bool:
        with self._changes.edit():
            if len(self._stack) == 1:
                return False
            self._close_page()
            return True

    def scroll(self, *, down: bool) -> bool:
        with self._changes.edit():
            return self._sheet.scroll(down=down)

    def _top(self) -> Sheet:
        """Return the first page."""
        raise NotImplementedError

    def _begin_at(self, *pages: MakeSheet) -> None:
        """Forget what was opened; show the last of ``pages``, with the others before it."""
        self._stack = [self._top, *pages]
        self._show()

    def _show(self) -> None:
        self._sheet = self._stack[-1]()
        self._root = self._sheet.root
        self._buttons = {self._sheet.up: self._close_page, **self._sheet.actions}

    def _open(self, page: MakeSheet) -> None:
        self._stack.append(page)
        self._show()

    def _to(self, page: MakeSheet) -> Callable[[], None]:
        return partial(self._open, page)

    def _close_page(self, count: int = 1) -> None:
        del self._stack[max(1, len(self._stack) - count) :]
        self._show()

    def _replace(self, page: MakeSheet) -> None:
        self._stack[-1] = page
        self._show()
