"""The tunnel registry: tells over HTTP which phones have a tunnel, and where its services are.

As appium-ios-remotexpc 5.20 asks for it (its ``lib/tunnel``). On a real desk it is kept by
``appium driver run xcuitest tunnel-creation``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lab.phone.webdriver.listener import REQUEST_CAP, Answer, Listener, Request

BASE = "/remotexpc/tunnels"
PRODUCT = 0x12A8
"""USB product id of every iPhone of these years."""

_ONE = re.compile(rf"{BASE}/(?P<udid>[0-9A-Za-z-]{{1,64}})(?P<refresh>/refresh-services)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One phone with its tunnel."""

    udid: str
    address: str
    """The phone's in the tunnel."""
    ports: Mapping[str, int]
    """Where its services listen there."""
    since: float
    """When the tunnel came up, in epoch seconds."""

    def told(self) -> dict[str, object]:
        """Return what a client is told."""
        at = int(self.since * 1000)
        return {
            "udid": self.udid,
            "deviceId": 1,
            "address": self.address,
            # Nobody discovers services there: the catalogue is in this very answer.
            "rsdPort": min(self.ports.values(), default=0),
            "services": {name: {"port": str(port)} for name, port in self.ports.items()},
            "catalogUpdatedAt": at,
            "connectionType": "USB",
            "productId": PRODUCT,
            "createdAt": at,
            "lastUpdated": at,
        }


class TunnelRegistry:
    """Listens on a free port of 127.0.0.1 from construction until ``close``."""

    def __init__(self, entry: Entry, *, request_cap: float = REQUEST_CAP) -> None:
        self._entry = entry
        self._listener = Listener(self._respond, _refused, request_cap=request_cap)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._listener.port

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._listener.close()

    def _respond(self, request: Request) -> Answer:
        try:
            path = urlsplit(request.target).path
        except ValueError:
            return _refused(400, "no URL")
        if path == BASE:
            return self._all() if request.method == "GET" else _refused(405, "GET alone")
        match = _ONE.fullmatch(path)
        if match is None:
            return _refused(404, "not found")
        # With a tunnel that is there, there is nothing to wait for: waitMs has no say.
        if request.method != ("POST" if match["refresh"] else "GET"):
            return _refused(405, "the registry is not to be changed")
        if match["udid"] != self._entry.udid:
            return _refused(404, "no tunnel")
        return _answer(200, self._entry.told())

    def _all(self) -> Answer:
        entry = self._entry
        metadata = {
            "lastUpdated": datetime.fromtimestamp(entry.since, UTC).isoformat(),
            "totalTunnels": 1,
            "activeTunnels": 1,
        }
        return _answer(200, {"tunnels": {entry.udid: entry.told()}, "metadata": metadata})


def _answer(status: int, told: Mapping[str, object]) -> Answer:
    return Answer(status, json.dumps(told).encode())


def _refused(status: int, reason: str) -> Answer:
    return _answer(status, {"error": reason})
