"""Settings on the phone's screen, driven when somebody needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.devices.android.driving import Driving
from lab.devices.android.settings_store import SettingsPage


class LazySettings:
    """Implements ``SettingsPage``. Where no session has begun one is begun, and ended again:
    what Appium leaves behind is put back after the store.

    ``driving`` is asked when the screen is needed, not before: it may have to start a server.
    """

    def __init__(
        self, driving: Callable[[], Driving], settings_page: Callable[[Driving], SettingsPage]
    ) -> None:
        self._find = driving
        self._settings_page = settings_page
        self._driving: Driving | None = None

    def install_ca(self, name: str, file_name: str) -> None:
        with self._page() as page:
            page.install_ca(name, file_name)

    def remove_ca(self, name: str) -> None:
        with self._page() as page:
            page.remove_ca(name)

    def user_cas(self) -> list[str]:
        with self._page() as page:
            return page.user_cas()

    @contextmanager
    def _page(self) -> Iterator[SettingsPage]:
        if self._driving is None:
            self._driving = self._find()
        driving = self._driving
        if driving.begun:
            yield self._settings_page(driving)
            return
        driving.begin()
        try:
            yield self._settings_page(driving)
        finally:
            driving.end(lost=False)
