"""Settings on the iPhone's screen: what a hand must do where no computer may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from selenium.common.exceptions import WebDriverException

from lab.apps.android import NotOnScreen, ScreenUnreadable, said
from lab.devices.android.driving import Driving
from lab.devices.android.link import CommandRefused
from lab.devices.journal_entry import shown


class SettingsPage(Protocol):
    """Settings (``lab.apps.settings_ios.IosSettingsApp``). Methods raise DeviceLost, NotOnScreen,
    ScreenUnreadable and WebDriverException."""

    def install_profile(self) -> None:
        """Install the profile that waits."""

    def trust_root(self, name: str, *, on: bool) -> None:
        """Let a root that a profile brought count for TLS, or no longer."""

    def join(self, ssid: str) -> None:
        """Join a Wi-Fi network that is open, or whose passphrase the phone knows."""

    def joined(self) -> str | None:
        """Return the name of the network that is joined, None for none."""

    def networks(self) -> Mapping[str, bool]:
        """Return the networks that are listed, and whether the phone knows each."""

    def forget(self, ssid: str) -> None:
        """Forget a network."""

    def set_proxy(self, ssid: str, host: str | None, port: int = 0) -> None:
        """Give a network an HTTP proxy, or none."""

    def proxy(self, ssid: str) -> str | None:
        """Return the proxy of a network: ``host:port``, None for none, other words where it is
        automatic."""


class Hand:
    """A hand in Settings. Where no session has begun one is begun, and ended again.

    ``driving`` is asked when the screen is needed, not before: it may have to start a server;
    None where nobody drives the screen.
    """

    def __init__(
        self,
        driving: Callable[[], Driving] | None,
        settings_page: Callable[[Driving], SettingsPage],
    ) -> None:
        self._find = driving
        self._settings_page = settings_page
        self._driving: Driving | None = None
        self._was_there = False

    def was_there(self) -> bool:
        """Tell whether Settings has come to the front since this was last asked."""
        was, self._was_there = self._was_there, False
        return was

    @contextmanager
    def at(self, doing: str) -> Iterator[SettingsPage]:
        """Do something in Settings. Raises DeviceLost, and CommandRefused with what was done
        where the screen does not show what it has to."""
        if self._find is None:
            raise CommandRefused(
                f"{doing}: that is done in Settings: with Appium, as the devices.yaml says that "
                "lists the iPhone (--devices-file), or by hand"
            )
        driving = self._driving = self._driving or self._find()
        begun = driving.begun
        if not begun:
            driving.begin()
        self._was_there = True
        try:
            yield self._settings_page(driving)
        except (NotOnScreen, ScreenUnreadable) as error:
            raise CommandRefused(f"{doing}: {shown(str(error))}") from None
        except WebDriverException as error:
            raise CommandRefused(f"{doing}: {shown(said(error))}") from None
        finally:
            if not begun:
                driving.end(lost=False)
