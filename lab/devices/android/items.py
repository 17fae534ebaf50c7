"""Makes the items of an Android phone's undo journal, again in another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lab.devices.android.clock import ClockItem
from lab.devices.android.dnat import DnatItem
from lab.devices.android.files import FileItem
from lab.devices.android.link import AdbLink
from lab.devices.android.packages import PackageItem, PackagesItem
from lab.devices.android.proxy import ProxyItem
from lab.devices.android.reverse import ReverseItem
from lab.devices.android.root import Root, RootShell
from lab.devices.android.settings_store import SettingsPage, SettingsUserStoreItem
from lab.devices.android.system_settings import SettingItem
from lab.devices.android.system_store import SystemStoreItem
from lab.devices.android.user_store import UserStoreItem
from lab.devices.android.values import argument
from lab.devices.android.wifi import WifiItem
from lab.devices.android.wireguard import TunnelItem
from lab.devices.item import Item


class ItemMaker:
    """Makes items of the phone at the end of ``link`` (``lab.devices.journal.MakeItem``).

    How the phone is rooted is found out once, when an item needs it. ``settings_page`` is there
    where Appium drives the phone.
    """

    def __init__(
        self,
        link: AdbLink,
        root: Root | None = None,
        settings_page: SettingsPage | None = None,
    ) -> None:
        shell = RootShell(link, root)
        self._makers: dict[str, Callable[[Mapping[str, str], Path], Item]] = {
            "clock": lambda told, _: ClockItem(shell, *argument(told)),
            "dnat": lambda told, _: DnatItem(shell, *argument(told)),
            "file": lambda told, kept: FileItem(link, argument(told, "path")[0], kept),
            "package": lambda told, kept: PackageItem(link, argument(told, "package")[0], kept),
            "packages": lambda told, _: PackagesItem(link, *argument(told, "prefix")),
            "proxy": lambda told, _: ProxyItem(link, *argument(told)),
            "reverse": lambda told, _: ReverseItem(link, *argument(told)),
            "setting": lambda told, _: _setting(link, *argument(told, "namespace", "keys")),
            "system_store": lambda told, _: SystemStoreItem(shell, *argument(told)),
            "user_store": lambda told, _: _user_store(shell, settings_page, *argument(told, "by")),
            "wifi": lambda told, _: WifiItem(link, *argument(told)),
            "wireguard": lambda told, _: TunnelItem(link, *argument(told, "tunnel")),
        }

    def __call__(self, kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        """Return an item; ``kept`` is the folder of what items keep. Raises ValueError for a
        kind that is not known and arguments that are none of it."""
        make = self._makers.get(kind)
        if make is None:
            known = ", ".join(self._makers)
            raise ValueError(f"{kind[:80]!r} is no kind of item; there are {known}")
        return make(arguments, kept)


def _setting(link: AdbLink, namespace: str, keys: str) -> Item:
    return SettingItem(link, namespace, *keys.split())


def _user_store(shell: RootShell, page: SettingsPage | None, way: str) -> Item:
    if way == "files":
        return UserStoreItem(shell)
    if way == "settings":
        return SettingsUserStoreItem(page)
    raise ValueError(f"{way[:80]!r} is no way to the user's trust store")
