"""Wi-Fi: the access points within reach, and the one that the phone has joined.

An access point is a JSON file in the "air" folder:
``{"ssid": "Home", "resolver": "127.0.0.1:5353", "gateway": "127.0.0.1:1080"}``. A phone in a
network namespace of its own joins by the ``"interface"`` that leads there, if one is named.
"""

from __future__ import annotations

import ipaddress
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.model.device import Endpoint, Network

MAX_FILE = 4096
"""Bytes of one access point's file."""
MAX_ACCESS_POINTS = 64
MAX_SAVED = 500
MAX_SSID = 32
"""Bytes of a network's name (IEEE 802.11-2020 section 9.4.2.2)."""

_ENDPOINT = re.compile(r"(?P<host>\d{1,3}(?:\.\d{1,3}){3}):(?P<port>\d{1,5})", re.ASCII)
_INTERFACE = re.compile(r"[a-z][a-z0-9]{0,14}", re.ASCII)


def read_access_point(text: str) -> Network:
    """Read one access point. Raises ValueError where it is not one.

    Resolver and gateway must be loopback addresses: a virtual phone lives on one machine, and
    must never send anything off it.
    """
    try:
        read: Any = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(read, dict):
        raise ValueError("not an object")
    ssid = read.get("ssid")
    if not isinstance(ssid, str) or not ssid.isprintable():
        raise ValueError("ssid: not a name")
    if not 0 < len(ssid.encode("utf-8", "replace")) <= MAX_SSID:
        raise ValueError(f"ssid: not 1 to {MAX_SSID} bytes")
    return Network(ssid, _endpoint(read, "resolver"), _endpoint(read, "gateway"), _interface(read))


def _interface(read: dict[str, Any]) -> str | None:
    name = read.get("interface")
    if name is not None and (not isinstance(name, str) or _INTERFACE.fullmatch(name) is None):
        raise ValueError("interface: not a name")
    return name


def _endpoint(read: dict[str, Any], key: str) -> Endpoint:
    match = _ENDPOINT.fullmatch(str(read.get(key)))
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError(f"{key}: not address:port")
    if not ipaddress.IPv4Address(match["host"]).is_loopback:
        raise ValueError(f"{key}: not an address of this machine")
    return Endpoint(match["host"], int(match["port"]))


def in_reach(air: Path) -> tuple[list[Network], list[str]]:
    """Return the access points published in ``air``, and a complaint about each unusable one."""
    found: list[Network] = []
    complaints: list[str] = []
    try:
        files = sorted(air.glob("*.json"))[:MAX_ACCESS_POINTS]
    except OSError:
        files = []
    for file in files:
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_FILE + 1)
            if len(content) > MAX_FILE:
                raise ValueError("too long")
            found.append(read_access_point(content.decode()))
        except (OSError, ValueError) as error:
            complaints.append(f"{file.name}: {error}")
    return found, complaints


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """A network that the phone has been told to join."""

    id: int
    """Android's; never given out again."""
    ssid: str
    security: str = "open"
    """As ``cmd wifi`` names it: open, owe, wpa2, wpa3."""
    auto_join: bool = True


class SavedNetworks:
    """The networks that the phone joins by itself, the latest joined last.

    ``saved``: networks that were kept, in that order. Networks of one name that are secured in
    different ways are different ones.
    """

    def __init__(self, saved: Sequence[SavedNetwork] = (), next_id: int = 0) -> None:
        self._networks = list(saved)[:MAX_SAVED]
        self._next = max([next_id, *(network.id + 1 for network in self._networks)])
        self._lock = threading.Lock()

    @property
    def next_id(self) -> int:
        """The id of the next network that is new."""
        return self._next

    def save(self, ssid: str, security: str = "open", *, auto_join: bool = True) -> SavedNetwork:
        """Remember a network, as the one that was joined last. Raises ValueError where there are
        too many."""
        with self._lock:
            wanted = (ssid, security)
            old = next((n for n in self._networks if (n.ssid, n.security) == wanted), None)
            if old is not None:
                self._networks.remove(old)
            elif len(self._networks) >= MAX_SAVED:
                raise ValueError("too many networks")
            id = self._next if old is None else old.id
            self._next = max(self._next, id + 1)
            network = SavedNetwork(id, ssid, security, auto_join)
            self._networks.append(network)
            return network

    def forget(self, network_id: int) -> SavedNetwork | None:
        """Forget a network and return it, None where there is no such id."""
        with self._lock:
            found = next((n for n in self._networks if n.id == network_id), None)
            if found is not None:
                self._networks.remove(found)
            return found

    def items(self) -> list[SavedNetwork]:
        """Return the saved networks in the order of their ids."""
        return sorted(self.by_age(), key=lambda network: network.id)

    def by_age(self) -> list[SavedNetwork]:
        """Return the saved networks, the latest joined last."""
        with self._lock:
            return list(self._networks)
