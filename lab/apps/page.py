"""The seam between a device and the apps on it."""

from __future__ import annotations

from typing import Protocol

from lab.model.device import AppSetup
from lab.model.outcome import AppOutcome


class AppPage(Protocol):
    """The screen of the app under test. All methods may raise DeviceLost.

    Elements are found by what a user sees: no app under test has test ids to rely on.
    """

    @property
    def package(self) -> str:
        """What the system calls the app."""

    def start(self, *, fresh: bool) -> None:
        """Start the app anew. ``fresh`` forgets everything that it stored."""

    def come_back(self) -> None:
        """Bring the app to the front again as it is; start it where it does not run."""

    def set_up(self, setup: AppSetup) -> AppOutcome:
        """Set the app's SDK up; the app has just been started."""

    def request(self, url: str) -> AppOutcome:
        """Let the app request ``url`` and say how that went."""


class BrowserPage(Protocol):
    """The screen of the unpinned control client. All methods may raise DeviceLost."""

    @property
    def package(self) -> str:
        """What the system calls the browser."""

    def open(self, url: str, *, careless: bool) -> AppOutcome:
        """Let the browser request ``url`` and say how that went. ``careless`` taps certificate
        errors away."""
