"""What the network monitor of an iPhone tells, and what of it is one app's. Pure.

The instrument is ``com.apple.instruments.server.services.networking``; how it speaks over DTX and
how Appium's XCUITest driver passes it on was taken from appium-ios-remotexpc 5.20 (its
``network-monitor``). A message that is none of these is left out: it proves nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.model.attack import RouteKind
from lab.model.device import Surroundings
from lab.model.monitored import MonitoredConnection

MOST = 50
"""Connections of one attempt that are kept."""
MAX_CONNECTIONS = 2000
"""Connections that are known at one time; the oldest is forgotten."""

_TCP, _UDP = 1, 2
_IPV4, _IPV6 = 16, 28
"""Bytes of a socket address."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of the phone."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is there."""

    serial: int
    pid: int
    local: str
    remote: str
    interface: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a connection has carried until now, in bytes."""

    serial: int
    received: int
    sent: int


News = Interface | Opened | Traffic


def read_event(event: object) -> News | None:
    """Read an event as the driver sends it over WebDriver BiDi; None for what is none."""
    match event:
        case {"type": 0, "interfaceIndex": int(index), "name": str(name)}:
            return Interface(index, name)
        case {
            "type": 1,
            "localAddress": {"address": str(here), "port": int(own_port)},
            "remoteAddress": {"address": str(there), "port": int(port)},
            "interfaceIndex": int(interface),
            "pid": int(pid),
            "serialNumber": int(serial),
            "kind": kind,
        }:
            local, remote = _place(here, own_port), _place(there, port)
            if local is None or remote is None:
                return None
            return Opened(serial, pid, local, remote, interface, _protocol(kind))
        case {
            "type": 2,
            "rxBytes": int(received),
            "txBytes": int(sent),
            "connectionSerial": int(serial),
        }:
            return Traffic(serial, received, sent)
        case _:
            return None


def read_message(message: object) -> News | None:
    """Read a message of the instrument itself; None for what is none."""
    match message:
        case [0, [int(index), str(name)]]:
            return Interface(index, name)
        case [1, [bytes(here), bytes(there), int(interface), int(pid), _, _, int(serial), kind]]:
            local, remote = _unpacked(here), _unpacked(there)
            if local is None or remote is None:
                return None
            return Opened(serial, pid, local, remote, interface, _protocol(kind))
        case [2, [_, int(received), _, int(sent), _, _, _, _, _, int(serial), *_]]:
            return Traffic(serial, received, sent)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Account:
    """All that was told until a moment. A value: what comes makes another one."""

    names: Mapping[int, str]
    connections: Mapping[int, tuple[Opened, Traffic]]

    def known(self, serial: int) -> Traffic:
        """Return what a connection has carried; nothing for one that was not there."""
        return self.connections[serial][1] if serial in self.connections else Traffic(serial, 0, 0)


EMPTY = Account({}, {})


def with_news(account: Account, news: Sequence[News]) -> Account:
    """Return the account with what has come."""
    names, connections = dict(account.names), dict(account.connections)
    for each in news:
        if isinstance(each, Interface):
            names[each.index] = each.name
        elif isinstance(each, Opened):
            connections[each.serial] = (each, Traffic(each.serial, 0, 0))
        elif each.serial in connections:
            connections[each.serial] = (connections[each.serial][0], each)
    for oldest in list(connections)[: max(0, len(connections) - MAX_CONNECTIONS)]:
        del connections[oldest]
    return Account(names, connections)


OnRoute = Callable[[MonitoredConnection], bool]
"""Tells whether a connection leads to where the lab's route begins."""


def used(
    before: Account, now: Account, pid: int, on_route: OnRoute
) -> tuple[MonitoredConnection, ...]:
    """Return the connections of a process that were opened, or carried something, between two
    moments. What stays on the phone (``lo0``) is left out."""
    found: list[MonitoredConnection] = []
    for serial, (opened, traffic) in now.connections.items():
        earlier = before.known(serial)
        is_new = serial not in before.connections or before.connections[serial][0] != opened
        name = now.names.get(opened.interface, f"interface {opened.interface}")
        if opened.pid != pid or name.startswith("lo") or not (is_new or traffic != earlier):
            continue
        carried = traffic if is_new else _between(earlier, traffic)
        connection = MonitoredConnection(
            opened.pid,
            opened.protocol,
            opened.local,
            opened.remote,
            name,
            on_route=False,
            sent_bytes=carried.sent,
            received_bytes=carried.received,
        )
        found.append(replace(connection, on_route=on_route(connection)))
    # Those past the route matter most, where there are too many.
    return tuple(sorted(found, key=lambda each: each.on_route)[:MOST] if found[MOST:] else found)


def leads_there(
    connection: MonitoredConnection, route: RouteKind | None, around: Surroundings
) -> bool:
    """Tell whether a connection leads to where the route begins."""
    if route is RouteKind.PROXY:
        return connection.remote == str(around.proxy)
    if connection.remote == str(around.rogue.gateway):
        return True
    # Of a network in the air, every packet over Wi-Fi is the adversary's. A simulated one is on
    # this machine: there, what does not go to its gateway goes past it.
    is_far = not connection.remote.startswith("127.")
    return is_far and connection.interface.startswith("en")


def _between(earlier: Traffic, later: Traffic) -> Traffic:
    return Traffic(
        later.serial,
        max(0, later.received - earlier.received),
        max(0, later.sent - earlier.sent),
    )


def _protocol(kind: object) -> str:
    return {_TCP: "tcp", _UDP: "udp"}.get(kind, f"kind {kind}") if isinstance(kind, int) else "?"


def _unpacked(raw: bytes) -> str | None:
    """Read a socket address of BSD's."""
    if len(raw) < _IPV4 or raw[0] not in (_IPV4, _IPV6) or len(raw) < raw[0]:
        return None
    port = int.from_bytes(raw[2:4], "big")
    address = raw[4:8] if raw[0] == _IPV4 else raw[8:24]
    return _place(str(ipaddress.ip_address(address)), port)


def _place(address: str, port: int) -> str | None:
    try:
        # The driver writes each group of an IPv6 address out.
        read = ipaddress.ip_address(address)
    except ValueError:
        return None
    if not 0 <= port < 1 << 16:
        return None
    return f"[{read}]:{port}" if read.version == 6 else f"{read}:{port}"
