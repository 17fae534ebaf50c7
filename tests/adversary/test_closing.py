"""Letting go: nothing is left open, running or said."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.adversary import connections
from lab.adversary.engine import Engine
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, Interfere, Interference, Plain, Relay, Terminate
from lab.model.wire import WireClass
from tests.adversary import peers
from tests.adversary.conftest import DECLARED
from tests.adversary.peers import HOST, WEBSITE, Attached, Gateway, Proxy, Tls
from tests.patience import CAP, LONG, not_waiting

ROOT = Path(__file__).parents[2]
HOLE = "hole.acme.test"
STUCK = "stuck.acme.test"


@pytest.fixture
def full() -> Iterator[Endpoint]:
    """A listener with no place in its queue: connecting to it does not come to an end."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        while True:
            plain = stack.enter_context(socket.socket())
            plain.setblocking(False)
            plain.connect_ex(listening.getsockname())
            if not select.select([], [plain], [], 0.2)[1]:
                break
        yield Endpoint(*listening.getsockname()[:2])


@pytest.fixture
def silent() -> Iterator[Endpoint]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Endpoint(*listening.getsockname()[:2])


def descriptors() -> int:
    gc.collect()
    return psutil.Process().num_fds()


def open_all_kinds(device: Attached, forgery: Terminate) -> list[socket.socket]:
    """Return connections in every state that a connection can be in."""
    plans = (
        (HOST, HostPlan(forgery, cleartext=Plain())),
        (WEBSITE, HostPlan(Relay())),
        (STUCK, HostPlan(Relay())),
        (HOLE, HostPlan(Interfere(Interference.BLACK_HOLE))),
    )
    number = device.engine.arm(device.id, Arming("all", plans))
    proxy, gateway = Proxy(device.surroundings), Gateway(device.surroundings.rogue)
    home = Gateway(device.surroundings.home)
    opened = [peers.connect(device.surroundings.proxy), peers.connect(home._network.gateway)]
    opened[0].sendall(b"GET http://")
    opened[1].sendall(b"\x05\x01")
    for way in (proxy, gateway):
        opened += [way.open(HOST), way.open(HOST, 80), way.open(HOST), way.open(HOST)]
        opened[-3].sendall(b"GET / HTTP/1.1\r\n")
        half = Tls(opened[-2], peers.context())
        half.send(half.hello()[:50])
        whole = Tls(opened[-1], peers.context(None, "h2"))
        whole.handshake().write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for host in (WEBSITE, STUCK, HOLE):
            opened.append(way.open(host))
            passed = Tls(opened[-1], peers.context(), host)
            passed.send(passed.hello())
    opened.append(home.open(WEBSITE))
    records = device.engine.settle(device.id, number, 0)
    assert len(records) == len(opened)
    assert {r.wire_class for r in records} == {
        WireClass.TCP_ONLY,
        WireClass.CLEARTEXT,
        WireClass.HANDSHAKE_REJECTED,
        WireClass.PREFACE_ONLY,
        WireClass.RELAYED,
    }
    return opened


@pytest.mark.parametrize("how", ["detach", "end of the engine"])
def test_everything_ends_at_once(
    loop: LabLoop,
    forgery: Terminate,
    full: Endpoint,
    silent: Endpoint,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "ABORT_CAP", LONG)
    upstream = {WEBSITE: silent, STUCK: full}.get
    with ExitStack() as running:
        engine = running.enter_context(Engine(loop, upstream, (*DECLARED, HOLE, STUCK)))
        before = descriptors()
        device = Attached(engine, "phone", engine.attach("phone"))
        opened = open_all_kinds(device, forgery)
        with not_waiting():
            if how == "detach":
                engine.detach("phone")
            running.close()
    for plain in opened:
        peers.ended(plain)
        plain.close()
    for endpoint in (
        device.surroundings.proxy,
        device.surroundings.rogue.gateway,
        device.surroundings.home.gateway,
    ):
        with pytest.raises(ConnectionRefusedError):
            peers.connect(endpoint)
    assert descriptors() == before


def test_one_device_goes_another_stays(engine: Engine, forgery: Terminate) -> None:
    devices = [Attached(engine, name, engine.attach(name)) for name in ("phone", "tablet")]
    numbers = [device.arm(forgery) for device in devices]
    clients = [Tls(Proxy(device.surroundings).open(HOST), peers.context()) for device in devices]
    with clients[0] as gone, clients[1] as stays:
        gone.handshake()
        stays.handshake()
        engine.detach("phone")
        with pytest.raises(Exception, match=r"EOF|reset"):
            gone.read()
        stays.write(peers.get_request(HOST)).read_until(b"adversary")
    assert engine.settle("phone", numbers[0]) == ()
    assert devices[1].record(numbers[1]).wire_class is WireClass.INTERCEPTED


def test_attaching_and_detaching_leaves_nothing(engine: Engine, forgery: Terminate) -> None:
    engine.detach("nobody")
    before = descriptors()
    for _ in range(20):
        device = Attached(engine, "phone", engine.attach("phone"))
        number = device.arm(forgery)
        Proxy(device.surroundings).open(HOST).close()
        assert device.record(number).host == HOST
        engine.detach("phone")
    assert descriptors() == before
    assert engine._shared is not None
    assert engine._shared.passages == {}


def test_when_no_port_is_to_be_had(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    start_server: Callable[..., Any] = asyncio.start_server
    calls = 0

    async def third_fails(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError("no port is to be had")
        return await start_server(*args, **kwargs)

    monkeypatch.setattr(asyncio, "start_server", third_fails)
    with pytest.raises(OSError, match="no port is to be had"):
        engine.attach("phone")
    assert descriptors() == before
    assert engine.attach("phone").proxy.port


QUIET = """
    import logging, ssl, sys
    from lab.adversary.engine import Engine
    from lab.loop import LabLoop
    from lab.model.serving import Arming, HostPlan, Relay, Terminate
    from lab.pki.hierarchy import LabPki
    from tests.adversary import peers

    logging.basicConfig(level=logging.INFO)
    made = LabPki(("acme.test",)).rogue.issue(peers.HOST)
    plans = (
        (peers.HOST, HostPlan(Terminate(made.chain_der, made.key_der))),
        (peers.WEBSITE, HostPlan(Relay())),
    )
    nobody = peers.Endpoint("127.0.0.1", 1)
    with LabLoop() as loop, Engine(loop, lambda host: nobody, [h for h, _ in plans]) as engine:
        around = engine.attach("phone")
        number = engine.arm("phone", Arming("test", plans))
        left = []
        for way in (peers.Proxy(around), peers.Gateway(around.rogue)):
            peers.reset(way.open(peers.HOST))
            for data in (b"\\x16\\x03\\x01\\x00\\x00", b"\\0", b"GET / HTTP/9\\r\\n\\r\\n"):
                with way.open(peers.HOST) as plain:
                    plain.sendall(data)
                    peers.ended(plain)
            with peers.Tls(way.open(peers.WEBSITE), peers.context()) as client:
                client.send(client.hello())
                client.drain()
            for inside in (b"\\0\\1\\2", b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes(99)):
                client = peers.Tls(way.open(peers.HOST), peers.context(None, "h2"))
                client.handshake().write(inside).drain().__exit__()
            roots = ssl.create_default_context()
            try:
                roots.wrap_socket(way.open(peers.HOST), server_hostname=peers.HOST)
            except ssl.SSLError:
                pass
            left.append(peers.Tls(way.open(peers.HOST), peers.context()).handshake())
        assert len(engine.settle("phone", number, 0.1)) == 18, engine.settle("phone", number)
    for client in left:
        client.__exit__()
    print(sorted(module for module in sys.modules if module == "pytest"))
"""


def test_nothing_is_said_on_the_terminal() -> None:
    """In a process of its own, without pytest, which would catch what is logged."""
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", textwrap.dedent(QUIET)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=CAP, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)
