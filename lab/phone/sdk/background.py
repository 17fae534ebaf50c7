"""The first fetch of a configuration, in the background of a setup that does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.services import PlatformError


class FirstFetch:
    """Fetches with a thread of its own, then calls ``then``. What the fetch failed for is told to
    whoever asks ``keeper`` for the configuration."""

    def __init__(
        self, keeper: ConfigurationKeeper, complain: Callable[[str], None], then: Callable[[], None]
    ) -> None:
        self._keeper = keeper
        self._complain = complain
        self._then = then
        self._thread = threading.Thread(target=self._run, name="trustpin-fetch", daemon=True)
        self._thread.start()

    def wait(self, cap: float) -> None:
        """Return when it has ended, or after ``cap`` seconds."""
        self._thread.join(cap)

    def _run(self) -> None:
        try:
            self._keeper.prefetch()
        except PlatformError as error:
            self._complain(f"Configuration not fetched: {error}")
        except Exception as error:  # noqa: BLE001 - a stand-in's mistake must not end the thread
            self._complain(f"Configuration not fetched: {type(error).__name__}: {error}")
        self._then()
