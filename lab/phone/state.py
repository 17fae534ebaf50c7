"""The state of one phone: files, trust, clock, Wi-Fi, settings, log. What its apps run on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from lab.phone.base_state import EARLIEST as EARLIEST
from lab.phone.base_state import LATEST as LATEST
from lab.phone.base_state import BaseState
from lab.phone.files import FileError
from lab.phone.kept import Json
from lab.phone.network import parse_proxy
from lab.phone.radio import Radio
from lab.phone.trust import SYSTEM_STORE, USER_STORE, TrustStores, install_factory

MAX_SETTINGS = 1000
MAX_VALUE = 4096
"""Characters of a setting's value."""

NAMESPACES = ("global", "secure", "system")
AUTO_TIME = ("global", "auto_time")
"""Setting: ``0`` keeps the phone from setting its clock itself."""
_PROXY = ("global", "http_proxy")
_DNS_MODE, _DNS_NAME = ("global", "private_dns_mode"), ("global", "private_dns_specifier")
_SHIPPED = {AUTO_TIME: "1"}


class PhoneState(BaseState):
    """Everything about an Android phone that is not on its screen. Implements ``PhoneServices``.

    ``home`` holds its files and what else outlives the process: settings, saved networks, how far
    the clock is off. ``source`` is the address that its connections come from, ``radio`` what
    joins networks where it lives in a network namespace. May be used from
    any thread.
    """

    def __init__(
        self,
        home: Path,
        air: Path,
        *,
        name: str = "virtual",
        source: str | None = None,
        factory_anchors: Sequence[x509.Certificate] = (),
        radio: Radio | None = None,
    ) -> None:
        super().__init__(home, air, name=name, source=source, radio=radio)
        self._factory_anchors = tuple(factory_anchors)
        self._trust = TrustStores(self.files, self.complain_of_trust)
        self.files.make_folder(USER_STORE)
        self.install_factory(SYSTEM_STORE)
        self._settings = self._kept_settings()
        self.begin()

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._trust.anchors(user_store)

    @property
    def keeps_clock(self) -> bool:
        return self.setting(*AUTO_TIME) == "0"

    def install_factory(self, folder: str) -> None:
        """Make a trust store hold what this phone ships with, instead of what it shipped with
        when it started before. A start without any leaves the store as it is."""
        self.files.make_folder(folder)
        if not self._factory_anchors:
            return
        key = f"factory {folder}"
        names = self._kept.load().get(key)
        for name in names if isinstance(names, list) else []:
            try:
                self.files.remove(f"{folder}/{name}")
            except FileError:
                # It is gone, which is what is wanted.
                continue
        installed: list[Json] = [*install_factory(self.files, folder, self._factory_anchors)]
        self._kept.set(key, installed)

    @property
    def shown_proxy(self) -> str:
        """The global HTTP proxy as the screen shows it; empty for none."""
        proxy = self.setting(*_PROXY) or ""
        return "" if proxy == ":0" else proxy

    def setting(self, namespace: str, key: str) -> str | None:
        """Return a setting's value, None where it is not set."""
        return self._settings.get((namespace, key))

    def settings_of(self, namespace: str) -> list[tuple[str, str]]:
        """Return all settings of a namespace, sorted."""
        with self._lock:
            return sorted((k, v) for (space, k), v in self._settings.items() if space == namespace)

    def put_setting(self, namespace: str, key: str, value: str | None) -> None:
        """Change a setting; None deletes it. Raises ValueError for an unusable value."""
        if value is not None and len(value) > MAX_VALUE:
            raise ValueError(f"longer than {MAX_VALUE} characters")
        name = (namespace, key)
        with self._lock:
            is_new = name not in self._settings
            if value is not None and is_new and len(self._settings) >= MAX_SETTINGS:
                raise ValueError("too many settings")
            if name == _PROXY:
                parse_proxy(value)
            if value is None:
                self._settings.pop(name, None)
            else:
                self._settings[name] = value
            if value is None and name not in _SHIPPED:
                self._kept.drop(f"{namespace}/{key}")
            else:
                self._kept.set(f"{namespace}/{key}", value)
            self.apply_settings()
            if name == AUTO_TIME and value != "0":
                self.start_clock()

    def _kept_settings(self) -> dict[tuple[str, str], str]:
        settings = dict(_SHIPPED)
        for key, value in self._kept.load().items():
            namespace, slash, name = key.partition("/")
            if not slash or namespace not in NAMESPACES:
                continue
            if isinstance(value, str) and len(settings) < MAX_SETTINGS:
                settings[namespace, name] = value
            elif value is None:
                # It was deleted, though the phone comes with it.
                settings.pop((namespace, name), None)
        return settings

    def apply_settings(self) -> None:
        try:
            proxy = parse_proxy(self.setting(*_PROXY))
        except ValueError as error:
            # Kept by somebody else: it cannot be used.
            self.log("settings", "WARN", f"http_proxy: {error}")
            proxy = None
        strict = self.setting(*_DNS_MODE) == "hostname"
        name = (self.setting(*_DNS_NAME) or "") if strict else ""
        self._change(http_proxy=proxy, private_dns=name)
