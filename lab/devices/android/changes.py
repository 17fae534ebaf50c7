"""What the lab changes on a phone: each thing is written down before, and put back at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lab.devices.android import apps, clock, dnat, proxy, screen, wifi, wireguard
from lab.devices.android.files import FileItem
from lab.devices.android.packages import PackageItem, PackagesItem
from lab.devices.android.reverse import ReverseItem
from lab.devices.android.root import RootShell
from lab.devices.android.stores import CaStore
from lab.devices.android.system_settings import SettingItem
from lab.devices.android.system_store import SystemStore, SystemStoreItem
from lab.devices.android.user_store import FileUserStore, UserStoreItem
from lab.devices.item import Item, Value
from lab.devices.journal import Journal
from lab.devices.phone_models import ProxyWay
from lab.model.device import Endpoint, Surroundings

APPIUM_FILE = "/data/local/tmp/mock_apps.json"
"""What the UiAutomator2 driver leaves on a phone."""
APPIUM_SETTINGS = (
    "hidden_api_policy",
    "hidden_api_policy_pre_p_apps",
    "hidden_api_policy_p_apps",
)
"""Global settings that the UiAutomator2 driver changes, and deletes afterwards."""
CLOCK_RIGHT = 1.0
"""Seconds by which a clock may be wrong and count as right."""
FIRST_REVERSE = 20_000
"""Ports of the phone's loopback that lead to the lab are above this."""


class Changes:
    """The changes of one run to one phone. Methods raise DeviceLost, CommandRefused and
    JournalError; what a journal could not note is not done."""

    def __init__(self, shell: RootShell, journal: Journal) -> None:
        self.shell = shell
        self._link = shell.link
        self._journal = journal
        self._system: CaStore = SystemStore(shell)
        self._user: CaStore = FileUserStore(shell)
        self._user_item: Callable[[], Item] = lambda: UserStoreItem(shell)
        self._held: dict[str, tuple[bytes, ...] | None] = {}
        """What each store holds of the lab's; None where that is not known any more."""
        self._wifi_before: Value = None
        self._offset = 0.0

    def forget(self) -> None:
        """Assume nothing of what was changed before: the phone may have forgotten it."""
        self._held = dict.fromkeys(self._held)
        # No offset that can be wanted, so that the next one is set.
        self._offset = float("nan")

    def by_hand(self, store: CaStore, item: Callable[[], Item]) -> None:
        """Change the user's store with a hand in Settings: this phone has no other way."""
        self._user, self._user_item = store, item

    def before_appium(self) -> None:
        """Note what Appium itself leaves behind on a phone."""
        self._remember(
            PackagesItem(self._link),
            FileItem(self._link, APPIUM_FILE, self._journal.kept),
            SettingItem(self._link, "global", *APPIUM_SETTINGS),
        )

    def keep_awake(self) -> screen.ScreenState:
        """Turn the screen on, keep it on, and say whether it is locked all the same."""
        self._remember(screen.stay_on_item(self._link))
        screen.stay_on(self._link)
        return screen.wake(self._link)

    def install(self, package: str, build: Path) -> None:
        """Install the app under test instead of what is there of it."""
        self._remember(PackageItem(self._link, package, self._journal.kept))
        apps.install(self._link, build)

    def lead(self, way: ProxyWay, around: Surroundings, tunnel: str = "") -> None:
        """Send the phone's traffic to the adversary; ``tunnel`` is the name of the tunnel that
        leads there, where one does."""
        match way:
            case ProxyWay.LAN:
                self._remember(proxy.ProxyItem(self._link))
                proxy.set_proxy(self._link, around.proxy)
            case ProxyWay.REVERSE:
                self._remember(ReverseItem(self._link), proxy.ProxyItem(self._link))
                port = FIRST_REVERSE + around.proxy.port % FIRST_REVERSE
                self._link.reverse(port, around.proxy)
                proxy.set_proxy(self._link, Endpoint("127.0.0.1", port))
            case ProxyWay.DNAT:
                assert around.direct is not None
                assert around.direct_clear is not None
                self._remember(dnat.DnatItem(self.shell))
                dnat.set_dnat(
                    self.shell,
                    tls=around.direct,
                    clear=around.direct_clear,
                    resolver=around.home.resolver,
                )
            case ProxyWay.WIREGUARD:
                self._remember(wireguard.TunnelItem(self._link, tunnel))
                wireguard.set_tunnel(self._link, tunnel, up=True)

    def lead_no_more(self, way: ProxyWay, tunnel: str = "") -> None:
        """Let the phone's traffic go its own way again."""
        if way is ProxyWay.WIREGUARD:
            self._remember(wireguard.TunnelItem(self._link, tunnel))
            wireguard.set_tunnel(self._link, tunnel, up=False)
        elif way is ProxyWay.DNAT:
            self._remember(dnat.DnatItem(self.shell))
            dnat.remove_dnat(self.shell)
        else:
            self._remember(proxy.ProxyItem(self._link))
            proxy.clear_proxy(self._link)

    def join(
        self, ssid: str, security: wifi.Security = "open", passphrase: str | None = None
    ) -> None:
        """Join a network."""
        item = wifi.WifiItem(self._link)
        if self._wifi_before is None:
            self._wifi_before = item.read()
        self._remember(item)
        wifi.join(self._link, ssid, security, passphrase)

    def go_home(self) -> None:
        """Go back to the network that the phone had joined before the lab came."""
        if self._wifi_before is not None:
            wifi.WifiItem(self._link).put_back(self._wifi_before)

    def trust(self, *, system: Sequence[bytes], user: Sequence[bytes]) -> bool:
        """Make the stores hold these DER certificates beside what was there, and tell whether
        anything had to be changed for that."""
        changed = False
        stores = (
            ("system", self._system, lambda: SystemStoreItem(self.shell), tuple(system)),
            ("user", self._user, self._user_item, tuple(user)),
        )
        for name, store, make_item, wanted in stores:
            if self._held.get(name, ()) == wanted:
                continue
            self._remember(make_item())
            self._held[name] = None
            store.hold(wanted)
            self._held[name] = wanted
            changed = True
        return changed

    def correct_clock(self, offset: float) -> None:
        """Set a clock right that is ``offset`` seconds ahead, unless that is next to nothing."""
        if abs(offset) > CLOCK_RIGHT:
            self._offset = offset
            self.set_clock(0.0)

    def set_clock(self, offset: float) -> None:
        """Move the clock so many seconds ahead of this machine's."""
        if offset != self._offset:
            self._remember(clock.ClockItem(self.shell))
            clock.set_clock(self.shell, offset)
            self._offset = offset

    def _remember(self, *items: Item) -> None:
        for item in items:
            self._journal.remember(item)
