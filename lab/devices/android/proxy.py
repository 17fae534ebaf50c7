"""The phone's global HTTP proxy, which its apps use where they use the system's."""

from __future__ import annotations

from collections.abc import Mapping

from lab.devices.android.link import AdbLink
from lab.devices.android.system_settings import SettingItem, check_all, setting_command
from lab.devices.android.values import mapping, text_or_none
from lab.devices.item import Value
from lab.model.device import Endpoint

KEY = "http_proxy"
SIBLINGS = (
    "global_http_proxy_host",
    "global_http_proxy_port",
    "global_http_proxy_exclusion_list",
    "global_proxy_pac_url",
)
"""What Android itself makes of ``http_proxy``, and reads again when it starts."""
NONE = ":0"
"""A proxy that is none: real phones keep to the old one until they are told this."""


class ProxyItem:
    """The proxy with all that Android makes of it."""

    kind = "proxy"

    def __init__(self, link: AdbLink) -> None:
        self._link = link
        self._settings = SettingItem(link, "global", KEY, *SIBLINGS)

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        return self._settings.read()

    def put_back(self, value: Value) -> None:
        before = {key: text_or_none(each) for key, each in mapping(value).items()}
        if set(before) != {KEY, *SIBLINGS}:
            raise ValueError("the value is none of the proxy's")
        commands = _proxy_commands(before[KEY])
        commands += [setting_command("global", key, before[key]) for key in SIBLINGS]
        check_all(self._link, commands)

    def same(self, before: Value, now: Value) -> bool:
        return _plain(before) == _plain(now)


def set_proxy(link: AdbLink, proxy: Endpoint) -> None:
    """Send the apps' traffic to ``proxy``. Raises DeviceLost, CommandRefused."""
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    check_all(link, _proxy_commands(f"{host}:{proxy.port}"))


def clear_proxy(link: AdbLink) -> None:
    """Let the apps' traffic go its own way. Raises DeviceLost, CommandRefused."""
    commands = _proxy_commands(None)
    check_all(link, commands + [setting_command("global", key, None) for key in SIBLINGS])


def _proxy_commands(value: str | None) -> list[str]:
    if value is None:
        return [setting_command("global", KEY, NONE), setting_command("global", KEY, None)]
    return [setting_command("global", KEY, value)]


def _plain(value: Value) -> Mapping[str, Value]:
    """Return the settings with one way only to say that there is no proxy."""
    nothing = ("", NONE, "0")
    return {key: None if each in nothing else each for key, each in mapping(value).items()}
