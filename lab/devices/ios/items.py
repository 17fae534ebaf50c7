"""What the lab changes on an iPhone, as items of the undo journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lab.devices.android.link import CommandRefused
from lab.devices.android.values import argument, mapping, text, text_or_none, texts
from lab.devices.ios.apps import AppService, Build
from lab.devices.ios.profiles import ProfileService
from lab.devices.ios.reach import Reach
from lab.devices.ios.settings_page import Hand
from lab.devices.item import Item, Value
from lab.network.mobileconfig import PREFIX


class ProfilesItem:
    """The configuration profiles: the lab's own come and go, all others are their owner's.

    Trust switches, a global proxy and networks that a profile brought go with it.
    """

    kind = "profiles"

    def __init__(self, reach: Reach) -> None:
        self._service = ProfileService(reach)

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        return [profile.identifier for profile in self._service.installed()]

    def put_back(self, value: Value) -> None:
        before = texts(value)
        for profile in reversed(self._service.installed()):
            if profile.identifier not in before and profile.identifier.startswith(PREFIX):
                self._service.remove(profile.identifier)

    def same(self, before: Value, now: Value) -> bool:
        return _ours(before) == _ours(now)


class AppItem:
    """An app that the lab installs anew from ``build``, the SHA-256 of an .ipa in ``folder``: no
    iPhone gives a build back that it has."""

    kind = "app"

    def __init__(self, reach: Reach, bundle_id: str, build: str, folder: Path) -> None:
        if len(build) != 64 or not build.isalnum():
            raise ValueError("'build' is no hash")
        self._service = AppService(reach)
        self._bundle_id = bundle_id
        self._build = build
        self._file = folder / f"{build}.ipa"

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"bundle_id": self._bundle_id, "build": self._build}

    def read(self) -> Value:
        """Return None where it is not installed, else its version and build."""
        found = self._service.find(self._bundle_id)
        return None if found is None else {"version": found.version, "build": found.build}

    def put_back(self, value: Value) -> None:
        now = self.read()
        if value is None:
            if now is not None:
                self._service.uninstall(self._bundle_id)
            return
        if now == mapping(value):
            return
        if not self._file.is_file():
            version = mapping(value).get("version")
            told = f"{self._bundle_id} {version} was installed, and its build was not kept"
            raise CommandRefused(f"{told}: install it by hand")
        self._service.install(Build.read(self._file))

    def same(self, before: Value, now: Value) -> bool:
        return before == now


class WifiItem:
    """Which network the phone has joined, and which it knows of those that Settings lists."""

    kind = "wifi"

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        with self._hand.at("reading the Wi-Fi networks") as page:
            known = sorted(ssid for ssid, is_known in page.networks().items() if is_known)
            return {"joined": page.joined(), "known": known}

    def put_back(self, value: Value) -> None:
        before = mapping(value)
        joined, known = text_or_none(before.get("joined")), texts(before.get("known"))
        with self._hand.at("putting the Wi-Fi networks back") as page:
            for ssid, is_known in page.networks().items():
                if is_known and ssid not in known:
                    page.forget(ssid)
            if joined is not None and page.joined() != joined:
                page.join(joined)

    def same(self, before: Value, now: Value) -> bool:
        # A network that is out of reach is not listed; that is not the lab's doing.
        first, second = mapping(before), mapping(now)
        new = set(texts(second.get("known"))) - set(texts(first.get("known")))
        return first.get("joined") == second.get("joined") and not new


class WifiProxyItem:
    """The HTTP proxy of one Wi-Fi network."""

    kind = "wifi_proxy"

    def __init__(self, hand: Hand, ssid: str) -> None:
        self._hand = hand
        self._ssid = ssid

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"ssid": self._ssid}

    def read(self) -> Value:
        with self._hand.at(f"reading the proxy of {self._ssid}") as page:
            return page.proxy(self._ssid) if self._ssid in page.networks() else None

    def put_back(self, value: Value) -> None:
        proxy = text_or_none(value)
        host, _, port = (proxy or "").rpartition(":")
        if proxy is not None and not (host and port.isdigit()):
            raise CommandRefused(
                f"the proxy of {self._ssid} was {proxy}: set it again by hand (Settings > Wi-Fi)"
            )
        with self._hand.at(f"putting the proxy of {self._ssid} back") as page:
            if self._ssid in page.networks():
                page.set_proxy(self._ssid, host or None, int(port or 0))

    def same(self, before: Value, now: Value) -> bool:
        return before == now


class ItemMaker:
    """Makes items of the iPhone at the end of ``reach`` (``lab.devices.journal.MakeItem``)."""

    def __init__(self, reach: Reach, hand: Hand) -> None:
        self._makers: dict[str, Callable[[Mapping[str, str], Path], Item]] = {
            "app": lambda told, kept: _app(reach, kept, *argument(told, "bundle_id", "build")),
            "profiles": lambda told, _: _without(told, ProfilesItem(reach)),
            "wifi": lambda told, _: _without(told, WifiItem(hand)),
            "wifi_proxy": lambda told, _: WifiProxyItem(hand, *argument(told, "ssid")),
        }

    def __call__(self, kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        """Return an item; ``kept`` is the folder of what items keep. Raises ValueError for a
        kind that is not known and arguments that are none of it."""
        make = self._makers.get(kind)
        if make is None:
            known = ", ".join(self._makers)
            raise ValueError(f"{kind[:80]!r} is no kind of item; there are {known}")
        return make(arguments, kept)


def _app(reach: Reach, kept: Path, bundle_id: str, build: str) -> Item:
    return AppItem(reach, bundle_id, build, kept)


def _without(arguments: Mapping[str, str], item: Item) -> Item:
    """Return an item that has no arguments. Raises ValueError where there are some."""
    argument(arguments)
    return item


def _ours(value: Value) -> list[str]:
    return sorted(text(each) for each in texts(value) if each.startswith(PREFIX))
