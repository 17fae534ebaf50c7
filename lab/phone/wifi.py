"""Wi-Fi: the access points within reach, and the one that the phone has joined.

An access point is a JSON file in the "air" folder:
``{"ssid": "Home", "resolver": "127.0.0.1:5353", "gateway": "127.0.0.1:1080"}``.
"""

from __future__ import annotations

import ipaddress
import json
import re
import threading
from pathlib import Path
from typing import Any

from lab.model.device import Endpoint, Network

MAX_FILE = 4096
"""Bytes of one access point's file."""
MAX_ACCESS_POINTS = 64
MAX_SSID = 32
"""Bytes of a network's name (IEEE 802.11-2020 section 9.4.2.2)."""

_ENDPOINT = re.compile(r"(?P<host>\d{1,3}(?:\.\d{1,3}){3}):(?P<port>\d{1,5})", re.ASCII)


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
    return Network(ssid, _endpoint(read, "resolver"), _endpoint(read, "gateway"))


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


class SavedNetworks:
    """The networks that the phone has been told to join, by Android's network ids."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._next = 0
        self._lock = threading.Lock()

    def save(self, ssid: str) -> int:
        """Remember a network and return its id."""
        with self._lock:
            if ssid not in self._ids:
                self._ids[ssid] = self._next
                self._next += 1
            return self._ids[ssid]

    def forget(self, network_id: int) -> str | None:
        """Forget a network and return its name, None where there is no such id."""
        with self._lock:
            ssid = next((name for name, known in self._ids.items() if known == network_id), None)
            if ssid is not None:
                del self._ids[ssid]
            return ssid

    def items(self) -> list[tuple[int, str]]:
        """Return the saved networks in the order of their ids."""
        with self._lock:
            return sorted((known, name) for name, known in self._ids.items())
