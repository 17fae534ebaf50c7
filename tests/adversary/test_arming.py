"""Arming, waiting for what comes of it, and whose connection is whose."""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.adversary import recorder
from lab.adversary.engine import CannotServe, Engine
from lab.adversary.recorder import KEPT_ARMINGS
from lab.loop import LabLoop
from lab.model.serving import Arming, HostPlan, Plain, Terminate
from lab.model.wire import LEAKED, ConnectionRecord, WireClass
from lab.pki.authority import Leaf, self_signed
from lab.pki.hierarchy import LabPki
from tests.adversary import peers
from tests.adversary.peers import HOST, Attached, Gateway, Proxy, Tls, Way
from tests.patience import CAP, LONG, not_waiting


@pytest.fixture(scope="module")
def forgeries(pki: LabPki) -> tuple[Terminate, ...]:
    made = [pki.compromised.issue(HOST), pki.rogue.issue(HOST), self_signed(Leaf((HOST,)))]
    return tuple(Terminate(c.chain_der, c.key_der) for c in made)


# -- arming -------------------------------------------------------------------------------


def test_a_connection_keeps_the_arming_it_was_opened_under(
    device: Attached, forgeries: tuple[Terminate, ...], way: Way
) -> None:
    first, second, _ = forgeries
    one = device.arm(first)
    earlier = Tls(way.open(HOST), peers.context())
    two = device.arm(second)
    assert (one < two, device.engine.armed(device.id)) == (True, two)
    with earlier, Tls(way.open(HOST), peers.context()) as later:
        assert later.handshake().leaf() == second.chain[0]
        assert earlier.handshake().leaf() == first.chain[0]
        earlier.write(peers.get_request(HOST)).read_until(b"adversary")
    record, other = device.record(one), device.record(two)
    assert (record.arming, record.served_chain) == (one, first.digests)
    assert record.wire_class is WireClass.INTERCEPTED
    assert (other.arming, other.served_chain) == (two, second.digests)
    assert record.id < other.id


def test_arming_under_load(
    device: Attached,
    forgeries: tuple[Terminate, ...],
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is armed meanwhile, every client sees the very chain that its record tells."""
    monkeypatch.setattr(recorder, "KEPT_ALIKE", 100_000)
    armed = {device.arm(forgeries[0]): forgeries[0]}
    seen: dict[str, list[bytes]] = defaultdict(list)
    running = True

    def client() -> None:
        settings = peers.context()
        while running:
            plain = way.open(HOST)
            peer = "{}:{}".format(*plain.getsockname())
            with Tls(plain, settings) as tls:
                # A port may be used again, but not before it is closed.
                seen[peer].append(tls.handshake().leaf())
                tls.write(peers.get_request(HOST)).read_until(b"adversary")

    records: list[ConnectionRecord] = []
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client) for _ in range(4)]
        try:
            for n in range(1, 20):
                number = device.arm(forgeries[n % 3])
                armed[number] = forgeries[n % 3]
                assert device.engine.wait_for(
                    device.id, number, lambda r: r.wire_class in LEAKED, CAP
                )
                records += device.engine.settle(device.id, number - 1, CAP)
        finally:
            running = False
        for done in clients:
            done.result(CAP)
    records += device.records(number)
    told: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        assert record.wire_class is WireClass.INTERCEPTED
        assert record.served_chain == armed[record.arming].digests
        told[record.peer].append(armed[record.arming].chain[0])
    assert told == seen
    assert len(records) >= 19


def test_what_cannot_be_served_cannot_be_armed(
    device: Attached, forgeries: tuple[Terminate, ...], pki: LabPki
) -> None:
    good, other, _ = forgeries
    number = device.arm(good)
    for bad in (
        Terminate(good.chain, other.key),
        Terminate(good.chain, b"no key"),
        Terminate((b"no certificate",), good.key),
        Terminate((*good.chain, b""), good.key),
        Terminate((), good.key),
    ):
        with pytest.raises(CannotServe, match=f"test, {HOST}: "):
            device.arm(bad)
    with pytest.raises(CannotServe):
        device.engine.arm(device.id, Arming("no version", ((HOST, HostPlan(good)),), ()))
    plan = HostPlan(good, cleartext=Terminate(good.chain, other.key))
    with pytest.raises(CannotServe):
        device.engine.arm(device.id, Arming("other port", ((HOST, plan),)))
    assert device.engine.armed(device.id) == number
    with Tls(Proxy(device.surroundings).open(HOST), peers.context()) as client:
        assert client.handshake().leaf() == good.chain[0]


def test_who_can_be_armed(engine: Engine, device: Attached) -> None:
    with pytest.raises(KeyError):
        engine.arm("tablet", Arming("test", ()))
    with pytest.raises(ValueError, match="'phone' is attached already"):
        engine.attach("phone")
    engine.detach("phone")
    with pytest.raises(KeyError):
        engine.armed("phone")
    engine.detach("phone")
    assert engine.attach("phone") != device.surroundings


def test_old_records_make_room(device: Attached, forgery: Terminate) -> None:
    way = Proxy(device.surroundings)
    numbers = []
    for _ in range(KEPT_ARMINGS):
        numbers.append(device.arm(forgery))
        way.open(HOST).close()
        assert device.record(numbers[-1]).arming == numbers[-1]
    device.arm(forgery)
    kept = [number for number in numbers if device.records(number)]
    assert kept == numbers[1:]
    assert device.records(12_345) == ()


def test_a_connection_may_outlive_its_records(device: Attached, forgery: Terminate) -> None:
    device.arm(forgery)
    with Tls(Proxy(device.surroundings).open(HOST), peers.context()) as client:
        for _ in range(KEPT_ARMINGS + 1):
            device.arm(forgery)
        client.handshake().write(peers.get_request(HOST)).read_until(b"adversary")


def test_alike_connections_make_room(
    device: Attached, forgery: Terminate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of retries must not fill the memory, nor hide a leak."""
    monkeypatch.setattr(recorder, "KEPT_ALIKE", 5)
    number = device.arm(forgery)
    way = Proxy(device.surroundings)
    for _ in range(9):
        way.open(HOST).close()
    with Tls(way.open(HOST), peers.context()) as client:
        client.handshake().write(peers.get_request(HOST)).read_until(b"adversary")
    assert [r.wire_class for r in device.records(number)] == [
        *[WireClass.TCP_ONLY] * 5,
        WireClass.INTERCEPTED,
    ]
    assert device.engine.counters()["not kept"] == 4


# -- waiting ------------------------------------------------------------------------------


def test_settle_returns_when_the_connection_ends(
    device: Attached, forgery: Terminate, way: Way
) -> None:
    number = device.arm(forgery)
    client = Tls(way.open(HOST), peers.context()).handshake()
    settled: list[tuple[ConnectionRecord, ...]] = []
    waiter = threading.Thread(
        target=lambda: settled.append(device.engine.settle(device.id, number, CAP))
    )
    waiter.start()
    waiter.join(0.1)
    assert waiter.is_alive()
    client.close_notify().__exit__()
    waiter.join(CAP)
    ((record,),) = settled
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert record.closed_at is not None


def test_settle_respects_its_cap(device: Attached, forgery: Terminate, way: Way) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context()) as client:
        client.handshake().write(b"GET / HTTP/1.1\r\n")
        assert device.engine.wait_for(device.id, number, lambda r: r.client_bytes == 16, CAP)
        began = time.monotonic()
        (record,) = device.engine.settle(device.id, number, 0.2)
        assert time.monotonic() - began >= 0.2
        assert (record.wire_class, record.closed_at) == (WireClass.INTERCEPTED, None)


def test_an_idle_connection_holds_nothing_up(device: Attached, forgery: Terminate) -> None:
    """Not for long, that is: it may be the app's, about to speak."""
    number = device.arm(forgery)
    with peers.connect(device.surroundings.proxy), peers.connect(device.surroundings.rogue.gateway):
        with not_waiting():
            records = device.engine.settle(device.id, number, LONG)
        assert [(r.wire_class, r.host, r.closed_at) for r in records] == [
            (WireClass.TCP_ONLY, None, None)
        ] * 2


def test_what_was_sent_before_is_seen(device: Attached, loop: LabLoop, forgery: Terminate) -> None:
    """The app is done before the adversary has even accepted its connection."""
    number = device.engine.arm(
        device.id, Arming("clear", ((HOST, HostPlan(forgery, cleartext=Plain())),))
    )
    busy = threading.Event()
    loop.loop.call_soon_threadsafe(busy.wait, CAP)
    request = f"GET http://{HOST}/secret HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(request)
    silent = peers.connect(device.surroundings.proxy)
    silent.sendall(peers.connect_request(HOST))
    threading.Timer(0.05, busy.set).start()
    leak, tunnel = device.engine.settle(device.id, number, 0)
    silent.close()
    assert (leak.wire_class, leak.request) == (
        WireClass.CLEARTEXT,
        "GET /secret HTTP/1.1 [host]",
    )
    assert (tunnel.wire_class, tunnel.host) == (WireClass.TCP_ONLY, HOST)


def test_wait_for(device: Attached, forgery: Terminate, way: Way) -> None:
    number = device.arm(forgery)
    plain = way.open(HOST)
    promptly = CAP / 2
    with Tls(plain, peers.context()) as client, ThreadPoolExecutor(1) as pool:

        def soon(wire_class: WireClass) -> bool:
            return device.engine.wait_for(
                device.id, number, lambda r: r.wire_class is wire_class, CAP
            )

        assert not device.engine.wait_for(device.id, number, lambda r: r.sni is not None, 0)
        hello = pool.submit(soon, WireClass.HANDSHAKE_REJECTED)
        client.send(client.hello())
        assert hello.result(promptly)
        established = pool.submit(soon, WireClass.ESTABLISHED_ZERO_APPDATA)
        client.handshake()
        assert established.result(promptly)
        # Part of a request line is a leak already.
        leaked = pool.submit(soon, WireClass.INTERCEPTED)
        client.write(b"GET /se")
        assert leaked.result(promptly)


# -- whose ------------------------------------------------------------------------------------


def test_a_strangers_connection_is_marked_and_holds_nothing_up(
    engine: Engine, forgery: Terminate
) -> None:
    device = Attached(engine, "phone", engine.attach("phone", source="127.0.0.5"))

    def leaked_abroad(record: ConnectionRecord) -> bool:
        return record.foreign and record.client_bytes == 16

    for way in (Proxy(device.surroundings), Gateway(device.surroundings.rogue)):
        number = device.arm(forgery)
        with Tls(way.open(HOST, source="127.0.0.6"), peers.context()) as stranger:
            stranger.handshake().write(b"GET / HTTP/1.1\r\n")
            with Tls(way.open(HOST, source="127.0.0.5"), peers.context()) as own:
                own.handshake()
            assert engine.wait_for("phone", number, leaked_abroad, CAP)
            with not_waiting():
                foreign, mine = engine.settle("phone", number, LONG)
        assert (foreign.foreign, mine.foreign) == (True, False)
        assert foreign.peer.startswith("127.0.0.6:")
        assert mine.peer.startswith("127.0.0.5:")
        assert foreign.closed_at is None
        assert foreign.wire_class is WireClass.INTERCEPTED
        assert mine.closed_at is not None


def test_without_an_address_of_its_own_nobody_is_a_stranger(
    device: Attached, forgery: Terminate
) -> None:
    number = device.arm(forgery)
    Proxy(device.surroundings).open(HOST, source="127.0.0.6").close()
    assert not device.record(number).foreign


def test_two_devices_do_not_mix(engine: Engine, forgeries: tuple[Terminate, ...]) -> None:
    devices = [Attached(engine, name, engine.attach(name)) for name in ("phone", "tablet")]
    numbers = [device.arm(forgery) for device, forgery in zip(devices, forgeries, strict=False)]
    ports: dict[str, set[str]] = {"phone": set(), "tablet": set()}

    def client(device: Attached, forgery: Terminate, way: Way) -> None:
        for _ in range(10):
            plain = way.open(HOST)
            ports[device.id].add("{}:{}".format(*plain.getsockname()))
            with Tls(plain, peers.context()) as tls:
                assert tls.handshake().leaf() == forgery.chain[0]
                tls.write(peers.get_request(HOST, f"/{device.id}")).read_until(b"adversary")
            peers.look_up(device.surroundings.rogue.resolver, f"{device.id}.example")

    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(client, device, forgery, way)
            for device, forgery in zip(devices, forgeries, strict=False)
            for way in (Proxy(device.surroundings), Gateway(device.surroundings.rogue))
        ]
        for job in jobs:
            job.result(CAP)
    for device, forgery, number in zip(devices, forgeries, numbers, strict=False):
        records = device.records(number)
        assert len(records) == 20
        for record in records:
            assert (record.device, record.arming) == (device.id, number)
            assert record.served_chain == forgery.digests
            assert record.request == f"GET /{device.id} HTTP/1.1 [host, x-token]"
            assert record.peer in ports[device.id]
        asked = {q.name for q in engine.lookups(device.id, number)}
        assert asked == {HOST, f"{device.id}.example"}
    assert devices[0].records(numbers[1]) == ()


def test_one_source_port_on_two_listeners(engine: Engine, forgeries: tuple[Terminate, ...]) -> None:
    """TCP knows connections by both ends; one port may lead to several listeners at once."""
    devices = [Attached(engine, name, engine.attach(name)) for name in ("phone", "tablet")]
    numbers = [device.arm(forgery) for device, forgery in zip(devices, forgeries, strict=False)]

    def connected(port: int, device: Attached) -> socket.socket:
        plain = socket.socket()
        plain.settimeout(CAP)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plain.bind(("127.0.0.1", port))
        proxy = device.surroundings.proxy
        plain.connect((proxy.host, proxy.port))
        return plain

    one = connected(0, devices[0])
    two = connected(one.getsockname()[1], devices[1])
    for plain in (one, two):
        plain.sendall(peers.connect_request(HOST))
        assert b" 200 " in peers.read_head(plain)
    with Tls(one, peers.context()) as first, Tls(two, peers.context()) as second:
        assert first.handshake().leaf() == forgeries[0].chain[0]
        assert second.handshake().leaf() == forgeries[1].chain[0]
        first.close_notify().drain()
        second.write(peers.get_request(HOST)).read_until(b"adversary")
    assert devices[0].record(numbers[0]).wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert devices[1].record(numbers[1]).wire_class is WireClass.INTERCEPTED
