from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.ios.network_news import (
    EMPTY,
    MAX_CONNECTIONS,
    MOST,
    Account,
    Interface,
    News,
    Opened,
    Traffic,
    leads_there,
    read_event,
    read_message,
    used,
    with_news,
)
from lab.model.attack import RouteKind
from lab.model.device import Endpoint, Network, Surroundings
from lab.model.monitored import MonitoredConnection
from lab.phone.ios.remote.traffic import End

HERE, THERE = End("127.0.0.1", 50000), End("127.0.0.1", 8080)
OPENED = Opened(7, 412, "127.0.0.1:50000", "127.0.0.1:8080", 3, "tcp")
EVENT: dict[str, Any] = {
    "type": 1,
    "localAddress": {"len": 16, "family": 2, "port": 50000, "address": "127.0.0.1"},
    "remoteAddress": {"len": 16, "family": 2, "port": 8080, "address": "127.0.0.1"},
    "interfaceIndex": 3,
    "pid": 412,
    "recvBufferSize": 0,
    "recvBufferUsed": 0,
    "serialNumber": 7,
    "kind": 1,
}
"""As the driver sends it (virtual phone, appium-xcuitest-driver 12.13.1)."""
MESSAGE = [1, [HERE.packed, THERE.packed, 3, 412, 0, 0, 7, 1]]
JUNK = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.binary(max_size=30) | st.booleans(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def anywhere(_: MonitoredConnection) -> bool:
    return True


@pytest.mark.parametrize(
    ("event", "news"),
    [
        ({"type": 0, "interfaceIndex": 3, "name": "en0"}, Interface(3, "en0")),
        (EVENT, OPENED),
        (EVENT | {"kind": 2}, replace(OPENED, protocol="udp")),
        (EVENT | {"kind": 9}, replace(OPENED, protocol="kind 9")),
        (EVENT | {"kind": None}, replace(OPENED, protocol="?")),
        (
            EVENT | {"localAddress": {"address": "fd00:0:0:0:0:0:0:1", "port": 5}},
            replace(OPENED, local="[fd00::1]:5"),
        ),
        ({"type": 2, "rxBytes": 5, "txBytes": 6, "connectionSerial": 7}, Traffic(7, 5, 6)),
    ],
)
def test_events_of_the_driver(event: object, news: News) -> None:
    assert read_event(event) == news


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"type": 3},
        {"type": 0, "interfaceIndex": "3", "name": "en0"},
        EVENT | {"pid": "412"},
        EVENT | {"localAddress": None},
        EVENT | {"remoteAddress": {"address": "example.org", "port": 1}},
        EVENT | {"remoteAddress": {"address": "127.0.0.1", "port": 65536}},
        {"type": 2, "rxBytes": 5, "txBytes": None, "connectionSerial": 7},
    ],
)
def test_what_is_no_event_is_none(event: object) -> None:
    assert read_event(event) is None


@pytest.mark.parametrize(
    ("message", "news"),
    [
        ([0, [3, "en0"]], Interface(3, "en0")),
        (MESSAGE, OPENED),
        (
            [1, [End("fd00::1", 5).packed, THERE.packed, 3, 412, 0, 0, 7, 2]],
            replace(OPENED, local="[fd00::1]:5", protocol="udp"),
        ),
        ([2, [1, 5, 2, 6, 0, 0, 0, 0, 0, 7, 1.5]], Traffic(7, 5, 6)),
        ([1, [b"", THERE.packed, 3, 412, 0, 0, 7, 1]], None),
        ([1, [HERE.packed[:15], THERE.packed, 3, 412, 0, 0, 7, 1]], None),
        ([1, [bytes([28]) + bytes(20), THERE.packed, 3, 412, 0, 0, 7, 1]], None),
        ([1, [HERE.packed, THERE.packed]], None),
        ([9, []], None),
        ("startMonitoring", None),
    ],
)
def test_messages_of_the_instrument(message: object, news: News | None) -> None:
    assert read_message(message) == news


@settings(max_examples=40)
@given(junk=JUNK)
def test_junk_is_none(junk: object) -> None:
    for value in (junk, [1, junk], [2, junk], {"type": 1, "localAddress": junk}):
        assert not isinstance(read_event(value), Opened)
        assert not isinstance(read_message(value), Opened)


def account(*news: News, before: Account = EMPTY) -> Account:
    return with_news(before, (Interface(3, "en0"), *news))


def test_a_new_connection_is_told_with_all_that_it_carried() -> None:
    now = account(OPENED, Traffic(7, 50, 60))
    (found,) = used(EMPTY, now, 412, anywhere)
    assert found == MonitoredConnection(
        412, "tcp", OPENED.local, OPENED.remote, "en0", True, sent_bytes=60, received_bytes=50
    )


def test_an_older_one_is_told_with_what_it_carried_meanwhile() -> None:
    before = account(OPENED, Traffic(7, 50, 60))
    assert used(before, before, 412, anywhere) == ()
    (found,) = used(before, account(Traffic(7, 55, 61), before=before), 412, anywhere)
    assert (found.received_bytes, found.sent_bytes) == (5, 1)
    # A count that runs backwards is none.
    (found,) = used(before, account(Traffic(7, 1, 1), before=before), 412, anywhere)
    assert (found.received_bytes, found.sent_bytes) == (0, 0)


def test_a_number_that_is_given_again_is_another_connection() -> None:
    before = account(OPENED, Traffic(7, 50, 60))
    again = account(replace(OPENED, local="127.0.0.1:50009"), before=before)
    (found,) = used(before, again, 412, anywhere)
    assert (found.local, found.sent_bytes) == ("127.0.0.1:50009", 0)


def test_others_connections_are_not_the_apps() -> None:
    loopback = (Interface(1, "lo0"), replace(OPENED, serial=8, interface=1))
    now = account(replace(OPENED, pid=413), *loopback, Traffic(99, 1, 1))
    assert used(EMPTY, now, 412, anywhere) == ()


def test_the_route_is_told_by_whoever_knows_it() -> None:
    now = account(OPENED, replace(OPENED, serial=8, remote="203.0.113.9:443", interface=4))
    found = used(EMPTY, now, 412, lambda c: c.remote == OPENED.remote)
    assert [(c.on_route, c.interface) for c in found] == [(True, "en0"), (False, "interface 4")]


@pytest.mark.parametrize(
    ("route", "remote", "interface", "leads"),
    [
        (RouteKind.PROXY, "192.168.1.10:8080", "en0", True),
        (RouteKind.PROXY, "192.168.1.10:8081", "en0", False),
        (RouteKind.PROXY, "203.0.113.9:443", "en0", False),
        (RouteKind.WIFI, "203.0.113.9:443", "en0", True),
        (RouteKind.WIFI, "203.0.113.9:443", "pdp_ip0", False),
        (RouteKind.WIFI, "[2001:db8::1]:443", "utun3", False),
        (RouteKind.WIFI, "127.0.0.1:9001", "en0", True),
        (RouteKind.WIFI, "127.0.0.1:9002", "en0", False),
        (None, "192.168.1.10:8080", "pdp_ip0", False),
    ],
)
def test_where_the_route_begins(
    route: RouteKind | None, remote: str, interface: str, leads: bool
) -> None:
    rogue = Network("rogue", Endpoint("127.0.0.1", 53), Endpoint("127.0.0.1", 9001))
    around = Surroundings(Endpoint("192.168.1.10", 8080), rogue, rogue)
    connection = MonitoredConnection(412, "tcp", "here", remote, interface, on_route=False)
    assert leads_there(connection, route, around) is leads


def test_of_too_many_those_past_the_route_are_kept() -> None:
    now = account(*(replace(OPENED, serial=n, remote=f"10.0.0.1:{n}") for n in range(1, 99)))
    found = used(EMPTY, now, 412, lambda c: c.remote != "10.0.0.1:98")
    assert len(found) == MOST
    assert [c.remote for c in found if not c.on_route] == ["10.0.0.1:98"]


def test_it_does_not_grow_for_ever() -> None:
    now = account(*(replace(OPENED, serial=n) for n in range(MAX_CONNECTIONS + 5)))
    assert len(now.connections) == MAX_CONNECTIONS
    assert min(now.connections) == 5
