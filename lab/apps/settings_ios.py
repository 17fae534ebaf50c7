"""The page object of the iPhone's Settings: profiles, trust in roots, Wi-Fi and its proxy.

What no computer may do on a phone that nobody supervises, a hand does here. Exercised here on the
virtual iPhone alone.
"""

from __future__ import annotations

from lab.apps.android import NotOnScreen
from lab.apps.ios import BUTTON, CELL, SWITCH, read, tap
from lab.apps.settings_ios_way import (
    AUTOMATIC,
    CONTINUE,
    DONE,
    DOWNLOADED,
    FORGET,
    FORGET_NETWORK,
    INSTALL,
    MANUAL,
    MOST_STEPS,
    OFF,
    REMOVE,
    REMOVE_PROFILE,
    SAVE,
    SettingsWay,
    is_chosen,
    is_joined,
    named,
)


class IosSettingsApp(SettingsWay):
    """Works the screens of Settings. Every method raises NotOnScreen where these do not show what
    they have to, ScreenUnreadable, DeviceLost and Selenium's WebDriverException.

    ``passcode`` is the phone's; iOS asks for it where there is one.
    """

    # -- profiles --------------------------------------------------------------------------

    def install_profile(self) -> None:
        """Install the profile that waits for its user."""
        page = self._open()
        way = page.find(DOWNLOADED)
        if way is None:
            page = self._management()
            rows = self._rows_under(page, "downloaded profile")
            if not rows:
                raise NotOnScreen(f"no profile waits for its installation: {page.summary()}")
            way = rows[0]
        tap(self._driver, way)
        for _ in range(MOST_STEPS):
            page = read(self._driver)
            self._mind_refusals(page)
            if self._enters_passcode(page):
                continue
            done = page.find(DONE, types=(BUTTON,))
            step = done or self._answer(page, INSTALL)
            if step is None:
                raise NotOnScreen(f"the installation went astray: {page.summary()}")
            tap(self._driver, step)
            if done is not None:
                return
        raise NotOnScreen(f"the installation does not come to an end: {page.summary()}")

    def remove_profile(self, name: str) -> None:
        """Remove an installed profile, by what Settings calls it; one that is not listed is no
        matter."""
        entry = named(self._rows_under(self._management(), "configuration profile"), name)
        if entry is None:
            return
        tap(self._driver, entry)
        page = read(self._driver)
        if page.find(REMOVE_PROFILE, types=(BUTTON,)) is None:
            raise NotOnScreen(f"the profile {name!r} cannot be removed: {page.summary()}")
        tap(self._driver, self._needed(page, REMOVE_PROFILE, types=(BUTTON,)))
        for _ in range(MOST_STEPS):
            page = read(self._driver)
            if self._enters_passcode(page):
                continue
            sure = self._answer(page, REMOVE)
            if page.alert is None or sure is None:
                break
            tap(self._driver, sure)
        self._mind_refusals(page)
        if name in self.profiles():
            raise NotOnScreen(f"after its removal, {name!r} is still among the profiles")

    def profiles(self) -> list[str]:
        """Return the names of the installed profiles."""
        return [row.label for row in self._rows_under(self._management(), "configuration profile")]

    # -- trust -----------------------------------------------------------------------------

    def roots(self) -> dict[str, bool]:
        """Return the roots that profiles brought, and whether each is trusted for TLS."""
        return {root.label: root.is_on for root in self._trust().elements(SWITCH)}

    def trust_root(self, name: str, *, on: bool) -> None:
        """Let a root that a profile brought count for TLS, or no longer."""
        switch = named(list(self._trust().elements(SWITCH)), name)
        if switch is None:
            raise NotOnScreen(f"no root called {name!r} can be trusted")
        if switch.is_on is on:
            return
        tap(self._driver, switch)
        page = read(self._driver)
        if page.alert is not None:
            tap(self._driver, self._needed(page, CONTINUE, types=(BUTTON,)))
            page = read(self._driver)
        switch = named(list(page.elements(SWITCH)), name)
        if switch is None or switch.is_on is not on:
            raise NotOnScreen(f"the switch of {name!r} did not move: {page.summary()}")

    # -- Wi-Fi -----------------------------------------------------------------------------

    def joined(self) -> str | None:
        """Return the name of the network that is joined, None for none."""
        rows = self._networks(self._wifi())
        return next((row.label for row, _ in rows if is_joined(row)), None)

    def networks(self) -> dict[str, bool]:
        """Return the networks that are listed, and whether the phone knows each."""
        return {row.label: known for row, known in self._networks(self._wifi())}

    def join(self, ssid: str) -> None:
        """Join an open network, or one whose passphrase the phone knows."""
        page = self._wifi()
        row = named([row for row, _ in self._networks(page)], ssid)
        if row is None:
            raise NotOnScreen(f"the network {ssid!r} is not listed: {page.summary()}")
        if not is_joined(row):
            tap(self._driver, row)
        page = read(self._driver)
        self._mind_refusals(page)
        row = named([row for row, _ in self._networks(page)], ssid)
        if row is None or not is_joined(row):
            raise NotOnScreen(f"the network {ssid!r} was not joined: {page.summary()}")

    def forget(self, ssid: str) -> None:
        """Forget a network; one that the phone does not know is no matter."""
        if not self.networks().get(ssid, False):
            return
        page = self._details(ssid)
        tap(self._driver, self._needed(page, FORGET_NETWORK, types=(BUTTON,)))
        page = read(self._driver)
        if page.alert is not None:
            tap(self._driver, self._needed(page, FORGET, types=(BUTTON,)))
        self._mind_refusals(read(self._driver))

    def proxy(self, ssid: str) -> str | None:
        """Return the proxy of a network: ``host:port``, None for none, other words where it is
        automatic."""
        page = self._proxy_page(ssid)
        chosen = [row.label for row in page.elements(CELL) if is_chosen(row)]
        if MANUAL in chosen:
            host, port = (self._text_of(page, name) for name in ("Server", "Port"))
            return f"{host}:{port}"
        if AUTOMATIC in chosen:
            return f"automatic {self._text_of(page, 'URL')}".rstrip()
        return None

    def set_proxy(self, ssid: str, host: str | None, port: int = 0) -> None:
        """Give a network an HTTP proxy, or none."""
        page = self._proxy_page(ssid)
        tap(self._driver, self._needed(page, OFF if host is None else MANUAL, types=(CELL, BUTTON)))
        if host is not None:
            page = read(self._driver)
            self._fill(page, "Server", host)
            self._fill(page, "Port", str(port))
        page = read(self._driver)
        save = page.find(SAVE, types=(BUTTON,))
        if save is not None:
            tap(self._driver, save)
        self._mind_refusals(read(self._driver))
        wanted = None if host is None else f"{host}:{port}"
        now = self.proxy(ssid)
        if now != wanted:
            raise NotOnScreen(f"the proxy of {ssid!r} is {now!r}, not {wanted!r}")
