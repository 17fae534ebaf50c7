"""The WireGuard app (com.wireguard.android): the phone's traffic through a tunnel to the lab."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import ask
from lab.devices.android.values import mapping
from lab.devices.item import Value
from lab.devices.phone_models import TUNNEL_NAME

PACKAGE = "com.wireguard.android"
DOWNLOADS = "/sdcard/Download"
UP_CAP = 15.0
POLL = 0.3

_RECEIVER = f"{PACKAGE}/.model.TunnelManager\\$IntentReceiver"
_NAME = re.compile(TUNNEL_NAME)


class TunnelItem:
    """Whether a tunnel of the app is up. Raises ValueError for a name that no tunnel has."""

    kind = "wireguard"

    def __init__(self, link: AdbLink, tunnel: str) -> None:
        self._link = link
        self._tunnel = _checked(tunnel)

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"tunnel": self._tunnel}

    def read(self) -> Value:
        return {"up": is_up(self._link, self._tunnel)}

    def put_back(self, value: Value) -> None:
        up = mapping(value).get("up")
        if not isinstance(up, bool):
            raise ValueError("'up' is neither true nor false")
        if is_up(self._link, self._tunnel) is not up:
            _set(self._link, self._tunnel, up=up)

    def same(self, before: Value, now: Value) -> bool:
        return before == now


def profile_path(tunnel: str) -> str:
    """Return where a tunnel's profile is put on the phone, for the app to import it from: the
    app names a tunnel as its file. Raises ValueError."""
    return f"{DOWNLOADS}/{_checked(tunnel)}.conf"


def push_profile(link: AdbLink, tunnel: str, profile: str) -> None:
    """Put a profile (wg-quick's format) where the app can import it; that it does so takes a
    hand, or Appium. It holds a private key: a run's own. Raises DeviceLost, CommandRefused."""
    link.push(profile.encode("utf-8"), profile_path(tunnel), mode=0o660)


def set_tunnel(link: AdbLink, tunnel: str, *, up: bool) -> None:
    """Bring a tunnel up or down, and wait until it is. Raises DeviceLost, and CommandRefused
    where the app does not do it."""
    _set(link, _checked(tunnel), up=up)


def is_up(link: AdbLink, tunnel: str) -> bool:
    """Tell whether a tunnel is up: its own interface, or a VPN of the app's. Raises DeviceLost,
    CommandRefused."""
    answers = ask(
        link,
        {
            "interfaces": "ip addr",
            "vpn": f"dumpsys connectivity | grep -E 'VPN.*CONNECTED|{re.escape(PACKAGE)}'",
        },
    )
    own = re.search(rf"^\d+: {re.escape(_checked(tunnel))}[:@]", answers["interfaces"].output, re.M)
    app = [line for line in answers["vpn"].output.splitlines() if "CONNECTED" in line]
    return own is not None or any("VPN" in line and PACKAGE in line for line in app)


def _set(link: AdbLink, tunnel: str, *, up: bool) -> None:
    action = f"{PACKAGE}.action.SET_TUNNEL_{'UP' if up else 'DOWN'}"
    link.shell(f"am broadcast -a {action} -n {_RECEIVER} --es tunnel {tunnel}")
    until = time.monotonic() + UP_CAP
    while is_up(link, tunnel) is not up:
        if time.monotonic() > until:
            raise CommandRefused(
                f"the WireGuard app did not bring the tunnel {tunnel} {'up' if up else 'down'}: is "
                f'it installed, does it have a tunnel of that name, and is "Allow remote control '
                'apps" on in its settings?'
            )
        time.sleep(POLL)


def _checked(tunnel: str) -> str:
    if not _NAME.fullmatch(tunnel):
        raise ValueError(f"{tunnel!r} is no tunnel's name: 1 to 15 of A-Z a-z 0-9 _=+.-")
    return tunnel
