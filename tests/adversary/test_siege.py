"""Garbage in numbers, while the device goes about its business."""

from __future__ import annotations

import gc
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from lab.adversary import connections
from lab.adversary.engine import Engine
from lab.adversary.recorder import KEPT_NAMES, KEPT_STRANGERS
from lab.model.device import Surroundings
from lab.model.serving import Arming, HostPlan, Plain, Relay, Terminate
from lab.model.wire import WireClass
from tests.adversary import peers
from tests.adversary.peers import HOST, WEBSITE, Attached, Gateway, Proxy, Tls, Way
from tests.patience import CAP

pytestmark = pytest.mark.whole

CONNECTIONS = 500
"""In each of four rounds. Two of them fill what is to be filled."""
ROUNDS = 4
HELD = 300
"""Connections that the besieger keeps open, as far as he is let."""
MAX_CONNECTIONS = 100
GROWTH = 4 << 20
"""Bytes by which a further round may let the process grow."""
OWN, FOREIGN = "127.0.0.5", "127.0.0.6"


class Besieger:
    """Sends garbage of all kinds; always the same for one seed."""

    def __init__(self, surroundings: Surroundings, seed: int) -> None:
        self._random = random.Random(seed)
        self._around = surroundings
        self._ways: tuple[Way, ...] = (Proxy(surroundings), Gateway(surroundings.rogue))
        self._held: deque[socket.socket] = deque()
        with Tls(socket.socket(), peers.context()) as client:
            self._hello = client.hello()
        self._kinds: list[Callable[[], socket.socket]] = [
            self._noise,
            self._noise_in_a_tunnel,
            self._half_a_hello,
            self._hello_and_noise,
            self._mutated_hello,
            self._request_in_clear,
            self._somewhere_else,
            self._noise_inside_tls,
        ]

    def attack(self) -> int:
        """Make CONNECTIONS connections; return how many there were."""
        for n in range(CONNECTIONS):
            plain = self._kinds[n % len(self._kinds)]()
            what = self._random.random()
            if what < 0.3:
                peers.reset(plain)
            elif what < 0.6:
                plain.close()
            else:
                self._hold(plain)
        return n + 1

    def _hold(self, plain: socket.socket) -> None:
        """Keep it open for now, and let another one dribble on."""
        self._held.append(plain)
        with suppress(OSError):
            self._random.choice(self._held).send(b"x")
        if len(self._held) > HELD:
            self._held.popleft().close()

    def leave(self) -> None:
        for plain in self._held:
            plain.close()
        self._held.clear()

    def _bytes(self, most: int = 300) -> bytes:
        return self._random.randbytes(self._random.randint(1, most))

    def _open(self, host: str = HOST, port: int = 443) -> socket.socket:
        return self._random.choice(self._ways).open(host, port, FOREIGN)

    def _sent(self, plain: socket.socket, data: bytes) -> socket.socket:
        with suppress(OSError):
            plain.sendall(data)
        return plain

    def _noise(self) -> socket.socket:
        to = self._random.choice([self._around.proxy, self._around.rogue.gateway])
        return self._sent(peers.connect(to, FOREIGN), self._bytes())

    def _noise_in_a_tunnel(self) -> socket.socket:
        return self._sent(self._open(port=self._random.choice([443, 80, 8080])), self._bytes())

    def _half_a_hello(self) -> socket.socket:
        part = self._random.randint(1, len(self._hello) - 1)
        return self._sent(self._open(), self._hello[:part])

    def _hello_and_noise(self) -> socket.socket:
        host = self._random.choice([HOST, WEBSITE])
        return self._sent(self._open(host), self._hello + self._bytes())

    def _mutated_hello(self) -> socket.socket:
        mutated = bytearray(self._hello)
        for _ in range(self._random.randint(1, 8)):
            mutated[self._random.randrange(5, len(mutated))] = self._random.randrange(256)
        return self._sent(self._open(), bytes(mutated))

    def _request_in_clear(self) -> socket.socket:
        request = peers.get_request(f"host{self._random.randrange(10**6)}.example")
        cut = request[: self._random.randint(1, len(request))]
        return self._sent(self._open(port=80), cut)

    def _somewhere_else(self) -> socket.socket:
        plain = peers.connect(self._around.proxy, FOREIGN)
        return self._sent(plain, peers.connect_request(f"h{self._random.randrange(10**6)}.test"))

    def _noise_inside_tls(self) -> socket.socket:
        plain = self._open()
        alpn = self._random.choice([(), ("h2",), ("http/1.1",)])
        with suppress(OSError):
            client = Tls(plain, peers.context(None, *alpn)).handshake()
            preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if self._random.random() < 0.5 else b""
            client.write(preface + self._bytes())
        return plain


@pytest.fixture
def quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("quiet")
def test_a_siege(
    engine: Engine, forgery: Terminate, dials: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", MAX_CONNECTIONS)
    before = psutil.Process().num_fds()
    device = Attached(engine, "phone", engine.attach("phone", source=OWN))
    besieger = Besieger(device.surroundings, 1)
    plans = (
        (HOST, HostPlan(forgery, cleartext=Plain())),
        (WEBSITE, HostPlan(Relay())),
    )
    arming = Arming("siege", plans)
    under_siege = threading.Event()
    rounds = []

    def business() -> int:
        """Make one request after the other and look at every record, until the siege is over."""
        done = 0
        while not (under_siege.is_set() and done >= 5):
            number = engine.arm(device.id, arming)
            for way in (Proxy(device.surroundings), Gateway(device.surroundings.rogue)):
                with Tls(way.open(HOST, source=OWN), peers.context()) as client:
                    assert client.handshake().leaf() == forgery.chain[0]
                    client.write(peers.get_request(HOST, f"/{done}")).read_until(b"adversary")
            records = engine.settle(device.id, number, CAP)
            own = [r for r in records if not r.foreign]
            assert len(own) == 2
            for record in own:
                assert record.wire_class is WireClass.INTERCEPTED
                assert record.request == f"GET /{done} HTTP/1.1 [host, x-token]"
                assert record.client_bytes == len(peers.get_request(HOST, f"/{done}"))
                assert record.served_chain == forgery.digests
                assert record.host == HOST
                assert record.closed_at is not None
            ended = [r for r in records if r.foreign and r.closed_at is not None]
            assert len(ended) <= KEPT_STRANGERS
            done += 1
        return done

    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            business()
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)

    engine.arm(device.id, arming)
    customer = threading.Thread(target=guarded)
    customer.start()
    made = 0
    for _ in range(ROUNDS):
        made += besieger.attack()
        gc.collect()
        rounds.append(psutil.Process().memory_info().rss)
    under_siege.set()
    customer.join(CAP)
    assert failures == []
    assert not customer.is_alive()
    assert rounds[-1] - rounds[-2] < GROWTH, rounds
    besieger.leave()
    counters = engine.counters()
    assert counters["foreign"] > made * 0.8
    assert counters["made room"] > 0
    assert len(counters) < KEPT_NAMES + 8
    engine.detach(device.id)
    assert engine._shared is not None
    assert engine._shared.passages == {}
    gc.collect()
    assert psutil.Process().num_fds() == before
    assert dials == []
