"""The network monitor over an iPhone's tunnel itself: where no Appium server is in between."""

from __future__ import annotations

import json
import socket

import urllib3
from urllib3.exceptions import HTTPError

from lab.devices.ios.network_monitor import NoMonitor
from lab.devices.ios.network_news import News, read_message
from lab.model.device import Endpoint
from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.remote.archive import Value
from lab.phone.ios.remote.dtx import Kind, Message, packed
from lab.phone.ios.remote.hub import CAPABILITIES, receive

HUB = "com.apple.instruments.dtservicehub"
NETWORKING = "com.apple.instruments.server.services.networking"
BEGIN_CAP = 5.0
"""Seconds in which registry and phone must have answered."""
_CHANNEL = 1
_OWN: Value = {
    "com.apple.private.DTXBlockCompression": 0,
    "com.apple.private.DTXConnection": 1,
}


class TunnelMonitor:
    """Implements ``network_monitor.Source``, from construction on. ``registry`` is the port where
    the tunnels' registry listens. Raises NoMonitor."""

    def __init__(self, registry: int, udid: str) -> None:
        hub = find_service(registry, udid, HUB)
        try:
            connected = socket.create_connection((hub.host, hub.port), timeout=BEGIN_CAP)
        except OSError as error:
            raise NoMonitor(f"{hub}: {error}") from None
        self._wire = Wire(connected, Limits())
        self._last = 0
        try:
            self._call(0, CAPABILITIES, _OWN, reply=False)
            self._next(BEGIN_CAP)
            self._call(0, "_requestChannelWithCode:identifier:", _CHANNEL, NETWORKING)
            answer = self._next(BEGIN_CAP)
            if answer.kind is Kind.FAILED:
                raise NoMonitor(f"the iPhone has no {NETWORKING}")
            self._call(_CHANNEL, "startMonitoring", reply=False)
        except BaseException:
            self.close()
            raise

    def next(self) -> News | None:
        message = self._next(None)
        return read_message(message.value) if abs(message.channel) == _CHANNEL else None

    def close(self) -> None:
        self._wire.close()

    def _next(self, cap: float | None) -> Message:
        try:
            return receive(self._wire, cap)
        except EOFError:
            raise NoMonitor("the iPhone has ended it") from None
        except (ProtocolBroken, OSError) as error:
            raise NoMonitor(str(error)) from None

    def _call(self, channel: int, selector: str, *arguments: Value, reply: bool = True) -> None:
        self._last += 1
        message = Message(Kind.CALL, selector, arguments, self._last, 0, channel, reply)
        try:
            self._wire.send(packed(message))
        except OSError as error:
            raise NoMonitor(str(error)) from None


def find_service(registry: int, udid: str, name: str) -> Endpoint:
    """Return where a service of an iPhone listens in its tunnel. Raises NoMonitor."""
    where = f"http://127.0.0.1:{registry}/remotexpc/tunnels/{udid}"
    try:
        with urllib3.PoolManager(retries=False) as client:
            answer = client.request("GET", where, timeout=BEGIN_CAP)
        told = json.loads(answer.data) if answer.status == 200 else None
    except (HTTPError, ValueError, RecursionError) as error:
        raise NoMonitor(f"no registry of tunnels at port {registry}: {error}") from None
    match told:
        case {"address": str(address), "services": dict(services)}:
            found = services.get(name)
            port = found.get("port") if isinstance(found, dict) else None
        case _:
            raise NoMonitor("it has no tunnel to this machine")
    if not (isinstance(port, str) and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise NoMonitor(f"its tunnel leads to no {name}")
    return Endpoint(address, int(port))
