"""The phone's Wi-Fi: which networks it knows, and which it has joined."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.devices.android.facts import fact
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import ask, succeeded, told_of
from lab.devices.android.values import mapping, text, text_or_none, texts
from lab.devices.item import Value
from lab.model.device import DeviceLost

Security = Literal["open", "owe", "wpa2", "wpa3"]

JOIN_CAP = 30.0
"""Seconds to join a network: a phone scans, associates and asks for an address."""
POLL = 0.3
"""Seconds between two questions for what the phone has joined."""
MOST_NETWORKS = 500

TOO_OLD = (
    "this phone's Android has no 'cmd wifi' (it came with Android 11): join the network by hand, "
    "or take the proxy route"
)

_ENABLED = re.compile(r"^Wifi is (enabled|disabled)", re.MULTILINE | re.IGNORECASE)
_JOINED = re.compile(r"^Wifi is connected to (.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_SAVED = re.compile(r"^\s*(\d{1,9})\s+(\S.*?)\s+([a-z0-9][a-z0-9_/-]*)\^?\s*$", re.MULTILINE)
_NO_SUCH = re.compile(
    r"Can't find service|No shell command implementation|Unknown command|unknown command"
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A network that the phone knows how to join."""

    number: str
    """The phone's own id of it; not the same again after it was forgotten."""
    ssid: str
    security: str

    @property
    def name(self) -> str:
        """What tells it from others: two networks of one name are not the same network."""
        return f"{self.security} {self.ssid}"


@dataclass(frozen=True, slots=True)
class WifiState:
    """What the phone's Wi-Fi is like."""

    enabled: bool
    ssid: str | None
    """The network that it has joined."""
    saved: tuple[Saved, ...]


class WifiItem:
    """Whether Wi-Fi is on, what is joined, and which networks are saved."""

    kind = "wifi"

    def __init__(self, link: AdbLink, *, cap: float = JOIN_CAP) -> None:
        self._link = link
        self._cap = cap

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        state = read_wifi(self._link)
        saved = sorted({network.name for network in state.saved})
        return {"enabled": state.enabled, "ssid": state.ssid, "saved": [*saved]}

    def put_back(self, value: Value) -> None:
        """Forget what was not saved before, and go back to what was joined. A passphrase is not
        known here: the phone itself goes back to a network that it has saved."""
        enabled, ssid, saved = _parts(value)
        now = read_wifi(self._link)
        forget = [each for each in now.saved if each.name not in saved]
        commands = [f"cmd wifi forget-network {each.number}" for each in forget]
        if now.enabled is not enabled:
            commands.append(f"svc wifi {'enable' if enabled else 'disable'}")
        for command, ran in ask(self._link, {each: each for each in commands}).items():
            succeeded(command, ran)
        if not enabled or ssid is None or (now.ssid == ssid and not forget):
            return
        if f"open {ssid}" in saved:
            _connect(self._link, ssid, "open", None)
        else:
            # Asks for a scan now, instead of whenever the phone would look again.
            self._link.run("cmd wifi start-scan")
        joined = _wait(lambda: read_wifi(self._link).ssid, ssid, self._cap)
        if joined != ssid:
            raise CommandRefused(
                f'the phone did not go back to its network "{fact(ssid)}" within '
                f"{self._cap:g} seconds: join it by hand"
            )

    def same(self, before: Value, now: Value) -> bool:
        enabled, ssid, saved = _parts(before)
        enabled_now, ssid_now, saved_now = _parts(now)
        # A phone that had joined nothing may find one of its networks by itself.
        return enabled is enabled_now and saved == saved_now and ssid in (None, ssid_now)


def read_wifi(link: AdbLink) -> WifiState:
    """Return what the phone's Wi-Fi is like. Raises DeviceLost, and CommandRefused where the
    phone cannot tell: Android has told it since its version 11."""
    asked = {"status": "cmd wifi status", "saved": "cmd wifi list-networks"}
    answers = ask(link, asked)
    for name, ran in answers.items():
        if _NO_SUCH.search(ran.output):
            raise CommandRefused(TOO_OLD)
        succeeded(asked[name], ran)
    status = answers["status"].output
    enabled, joined = _ENABLED.search(status), _JOINED.search(status)
    if enabled is None:
        raise CommandRefused(f"'cmd wifi status' says nothing of Wi-Fi: {fact(status)}")
    saved: dict[str, Saved] = {}
    for number, ssid, security in _SAVED.findall(answers["saved"].output)[:MOST_NETWORKS]:
        # A network that can be joined in two ways has two lines.
        saved.setdefault(number, Saved(number, ssid, security))
    return WifiState(
        enabled[1].lower() == "enabled",
        None if joined is None else _unquoted(joined[1]),
        tuple(saved.values()),
    )


def join(
    link: AdbLink,
    ssid: str,
    security: Security = "open",
    passphrase: str | None = None,
    *,
    cap: float = JOIN_CAP,
) -> None:
    """Join a network, and wait until the phone says that it has. Raises DeviceLost, and
    CommandRefused where it cannot be joined; no message tells the passphrase."""
    _connect(link, ssid, security, passphrase)
    joined = _wait(lambda: _joined(link), ssid, cap)
    if joined != ssid:
        where = "nothing" if joined is None else f'"{fact(joined)}"'
        raise CommandRefused(
            f'the phone did not join "{fact(ssid)}" within {cap:g} seconds; it has joined {where}'
        )


def _connect(link: AdbLink, ssid: str, security: Security, passphrase: str | None) -> None:
    words = ["cmd", "wifi", "connect-network", ssid, security]
    if passphrase is not None:
        words.append(passphrase)
    command = shlex.join(words)
    try:
        ran = link.run(command)
    except (CommandRefused, DeviceLost) as error:
        # A message tells the command, and with it the passphrase or a part of it.
        told = str(error).replace(told_of(command), f'joining "{fact(ssid)}"')
        raise type(error)(told) from None
    if _NO_SUCH.search(ran.output):
        raise CommandRefused(TOO_OLD)
    if ran.code or "failed" in ran.output.lower():
        told = ran.output if passphrase is None else ran.output.replace(passphrase, "***")
        raise CommandRefused(f'the phone cannot join "{fact(ssid)}": {fact(told)}')


def _joined(link: AdbLink) -> str | None:
    match = _JOINED.search(link.shell("cmd wifi status"))
    return None if match is None else _unquoted(match[1])


def _wait(ask_joined: Callable[[], str | None], ssid: str, cap: float) -> str | None:
    """Wait until the phone has joined ``ssid``, and return what it has joined in the end."""
    until = time.monotonic() + cap
    while (joined := ask_joined()) != ssid and time.monotonic() < until:
        time.sleep(POLL)
    return joined


def _unquoted(ssid: str) -> str:
    return ssid[1:-1] if len(ssid) > 1 and ssid[0] == ssid[-1] == '"' else ssid


def _parts(value: Value) -> tuple[bool, str | None, list[str]]:
    parts = mapping(value)
    enabled = parts.get("enabled")
    if not isinstance(enabled, bool):
        raise ValueError("'enabled' is neither true nor false")
    return (
        enabled,
        text_or_none(parts.get("ssid")),
        [text(each) for each in texts(parts.get("saved"))],
    )
