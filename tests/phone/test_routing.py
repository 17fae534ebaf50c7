"""Connections that the phone's own rules lead elsewhere, and its own ports."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.loop import LabLoop
from lab.model.device import Endpoint, Network
from lab.network.gateway import Destination, Reply
from lab.phone.android.access import RootMode
from lab.phone.means import NetworkSettings
from lab.phone.network import NetworkStack
from lab.phone.routing import DNS_USER, ROUTER, Fate, Flow, Ruling, Transport
from lab.phone.services import (
    Cancellation,
    Cancelled,
    ConnectError,
    SocketTimeout,
    UnknownHost,
)
from tests.patience import CAP, LONG, not_waiting
from tests.phone.air import Air
from tests.phone.android.rooted import APP, BROWSER, Rooted
from tests.phone.peers import Script, Server, tunnel, until_closed

HOST, ADDRESS = "api.acme.test", "198.51.100.1"
NOBODY = Endpoint("127.0.0.1", 1)


class Rules:
    """A firewall that decides by a function, and remembers what it was asked."""

    def __init__(self, decide: Callable[[Flow], Ruling]) -> None:
        self._decide = decide
        self.asked: list[Flow] = []

    def decide(self, flow: Flow) -> Ruling:
        self.asked.append(flow)
        return self._decide(flow)


def to(endpoint: Endpoint, transport: Transport = Transport.TCP) -> Rules:
    return Rules(lambda flow: Ruling(target=endpoint if flow.protocol is transport else None))


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@pytest.fixture
def start() -> Iterator[Callable[[Script], Server]]:
    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(Server(script))


@pytest.fixture
def air(loop: LabLoop, start: Callable[[Script], Server]) -> Iterator[Air]:
    """A network on which the host's port 443 leads to a server that says ``gateway``."""
    there = start(saying(b"gateway")).endpoint

    def route(destination: Destination) -> Endpoint | Reply:
        return there if destination == Destination(ADDRESS, 443) else Reply.REFUSED

    with Air(loop, lambda name, kind: (ADDRESS,) if name == HOST else (), route) as air:
        yield air


def saying(words: bytes) -> Script:
    def say(sock: socket.socket) -> None:
        sock.sendall(words)
        until_closed(sock)

    return say


def said(sock: socket.socket) -> bytes:
    with sock:
        sock.settimeout(CAP)
        return sock.recv(100)


def stack_on(air: Air, rules: Rules) -> NetworkStack:
    stack = NetworkStack(NetworkSettings(air.network))
    stack.firewall = rules
    return stack


def test_a_connection_is_led_to_a_port_of_the_machine(
    air: Air, start: Callable[[Script], Server]
) -> None:
    rules = to(start(saying(b"elsewhere")).endpoint)
    stack = stack_on(air, rules)
    assert said(stack.connect(HOST, 443, CAP, uid=10_100)) == b"elsewhere"
    assert rules.asked == [
        Flow(Transport.UDP, ROUTER, 53, DNS_USER),
        Flow(Transport.TCP, ADDRESS, 443, 10_100),
    ]
    assert air.dialled == []
    rules._decide = lambda _: Ruling()
    assert said(stack.connect(HOST, 443, CAP)) == b"gateway"


def test_a_connection_is_led_to_another_address_of_the_network(air: Air) -> None:
    stack = stack_on(air, to(Endpoint(ADDRESS, 443)))
    assert said(stack.connect("203.0.113.5", 80, CAP)) == b"gateway"
    assert air.dialled == [Destination(ADDRESS, 443)]
    with pytest.raises(ConnectError, match=r"Failed to connect to api\.acme\.test/198"):
        stack_on(air, to(NOBODY)).connect(HOST, 443, CAP)


def test_lookups_are_led_elsewhere(air: Air, loop: LabLoop) -> None:
    with Air(loop, lambda name, kind: ("203.0.113.9",), lambda _: Reply.REFUSED) as other:
        stack = stack_on(air, to(other.network.resolver, Transport.UDP))
        with pytest.raises(ConnectError, match=r"/203\.0\.113\.9:443"):
            stack.connect(HOST, 443, CAP)
        assert other.asked == [(HOST, "A")]
    assert air.asked == []
    # There is no way to a resolver elsewhere.
    with pytest.raises(UnknownHost):
        stack_on(air, to(Endpoint("192.0.2.1", 53), Transport.UDP)).connect(HOST, 443, CAP)


def test_what_is_refused(air: Air) -> None:
    rules = Rules(lambda flow: Ruling(Fate.REJECT if flow.protocol is Transport.TCP else Fate.PASS))
    stack = stack_on(air, rules)
    with pytest.raises(ConnectError, match=f"/{ADDRESS}:443"):
        stack.connect(HOST, 443, CAP)
    with pytest.raises(ConnectError, match=f"/{ADDRESS}:80"):
        stack.connect_clear(HOST, 80, CAP)
    rules._decide = lambda _: Ruling(Fate.REJECT)
    with pytest.raises(UnknownHost):
        stack.connect(HOST, 443, CAP)
    assert air.dialled == []


def test_what_is_dropped_takes_its_time(air: Air) -> None:
    rules = Rules(lambda flow: Ruling(Fate.DROP if flow.protocol is Transport.TCP else Fate.PASS))
    stack = stack_on(air, rules)
    begun = time.monotonic()
    with pytest.raises(SocketTimeout, match="after 200ms"):
        stack.connect(HOST, 443, 0.2)
    rules._decide = lambda _: Ruling(Fate.DROP)
    with pytest.raises(UnknownHost):
        stack.connect(HOST, 443, 0.2)
    assert time.monotonic() - begun >= 0.4


def test_whoever_waits_in_vain_may_lose_patience(air: Air) -> None:
    stack = stack_on(air, Rules(lambda _: Ruling(Fate.DROP)))
    cancellation = Cancellation()
    timer = threading.Timer(0.1, cancellation.fire)
    timer.start()
    with pytest.raises(Cancelled), not_waiting():
        stack.connect(ADDRESS, 443, LONG, cancellation)
    timer.join()


def test_rules_are_for_connections_to_the_proxy_too(start: Callable[[Script], Server]) -> None:
    there = start(saying(b"through")).endpoint
    proxy = start(tunnel(there)).endpoint
    stack = NetworkStack(NetworkSettings(http_proxy=NOBODY))
    rules = to(proxy)
    stack.firewall = rules
    assert said(stack.connect(HOST, 443, CAP, uid=7)) == b"through"
    assert rules.asked == [Flow(Transport.TCP, "127.0.0.1", 1, 7)]


# The phone's own ports.


def test_the_phones_own_ports_come_first(air: Air, start: Callable[[Script], Server]) -> None:
    own, machines = start(saying(b"own")).endpoint, start(saying(b"machine")).endpoint
    asked: list[int] = []

    def connect(port: int) -> socket.socket | None:
        asked.append(port)
        return socket.create_connection((own.host, own.port)) if port == 8080 else None

    stack = NetworkStack(NetworkSettings(air.network))
    stack.loopback = connect
    for host in ("127.0.0.1", "localhost"):
        assert said(stack.connect(host, 8080, CAP)) == b"own"
    for proxy in (Endpoint("127.0.0.1", 8080), Endpoint("localhost", 8080)):
        stack.settings = NetworkSettings(http_proxy=proxy)
        assert said(stack.connect_clear(HOST, 80, CAP).socket) == b"own"
    stack.settings = NetworkSettings(http_proxy=machines)
    assert said(stack.connect_clear(HOST, 80, CAP).socket) == b"machine"
    stack.settings = NetworkSettings(air.network)
    stack.firewall = to(Endpoint("127.0.0.1", 8080))
    assert said(stack.connect(HOST, 443, CAP)) == b"own"
    # Another loopback address is not where adb's ports are.
    before = len(asked)
    stack.firewall = to(Endpoint("127.0.0.2", 8080))
    with pytest.raises(ConnectError):
        stack.connect(HOST, 443, CAP)
    assert len(asked) == before


def test_an_own_port_of_a_call_that_was_ended(start: Callable[[Script], Server]) -> None:
    own = start(saying(b"own")).endpoint
    opened: list[socket.socket] = []

    def connect(_: int) -> socket.socket:
        opened.append(socket.create_connection((own.host, own.port)))
        return opened[-1]

    stack = NetworkStack()
    stack.loopback = connect
    cancellation = Cancellation()
    cancellation.fire()
    with pytest.raises(Cancelled):
        stack.connect("localhost", 8080, CAP, cancellation)
    assert opened[0].fileno() == -1


# With the phone's own iptables.


def test_one_apps_connections_are_led_elsewhere(
    air: Air, start: Callable[[Script], Server], tmp_path: Path
) -> None:
    there = start(saying(b"elsewhere")).endpoint
    phone = Rooted(tmp_path, root=RootMode.ADBD)
    try:
        network: Network = air.network
        phone.phone.network.settings = NetworkSettings(network)
        uid = phone.system.packages.uid(APP)
        phone.done(
            f"iptables -t nat -A OUTPUT -p tcp --dport 443 -m owner --uid-owner {uid} "
            f"-j DNAT --to-destination {there}"
        )
        for package, words in ((APP, b"elsewhere"), (BROWSER, b"gateway")):
            services = phone.phone.open_process(package)
            assert said(services.connect(HOST, 443, CAP)) == words
        phone.done("iptables -I OUTPUT -d 127.0.0.0/8 -j REJECT")
        with pytest.raises(ConnectError):
            phone.phone.open_process(APP).connect(HOST, 443, CAP)
    finally:
        phone.close()
