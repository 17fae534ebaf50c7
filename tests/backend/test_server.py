from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.backend import connection, server
from lab.backend.connection import Connection
from lab.backend.origin import Origin
from lab.backend.server import Outage, PortInUse, TlsService
from lab.backend.web import Exchange, Site
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.backend.peers import (
    Curl,
    client_context,
    connect,
    ended,
    get,
    secure,
    served_chain,
)
from tests.patience import CAP, LONG, not_waiting

HOST = "api.acme.test"
OUT_OF_ORDER = [Outage.REFUSE, Outage.RESET, Outage.HANG]


class Deaf(Site):
    """Never answers, and does not notice that its client is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    async def answer(self, exchange: Exchange) -> None:
        self.asked.set()
        await asyncio.Event().wait()


def make(loop: LabLoop, pki: LabPki, app: Any = None, port: int = 0) -> TlsService:
    return TlsService(loop, "origin", app or Origin(), pki.genuine(HOST), port)


@pytest.fixture
def service(loop: LabLoop, pki: LabPki) -> Iterator[TlsService]:
    with make(loop, pki) as service:
        yield service


@pytest.mark.parametrize(("flag", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_speaks_http_1_and_2(service: TlsService, curl: Curl, flag: str, version: str) -> None:
    answered = curl(service.endpoint, HOST, flag)
    assert (answered.exit, answered.status, answered.version) == (0, 200, version)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_speaks_tls_1_2_and_1_3(service: TlsService, curl: Curl, version: str) -> None:
    flags = (f"--tlsv{version}", "--tls-max", version, "--http2")
    assert curl(service.endpoint, HOST, *flags).status == 200


def test_does_not_speak_tls_1_1(service: TlsService, root: Path) -> None:
    old = client_context(root)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        secure(service.endpoint, HOST, old)


def test_serves_leaf_and_intermediate(service: TlsService, pki: LabPki) -> None:
    assert served_chain(service.endpoint, HOST) == pki.genuine(HOST).chain_der
    assert len(pki.genuine(HOST).chain_der) == 2


def test_listens_on_loopback_only(service: TlsService) -> None:
    assert service.endpoint.host == "127.0.0.1"
    # All of 127/8 reaches this machine: what listens on 0.0.0.0 would answer here as well.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", service.endpoint.port), CAP)


def test_a_taken_port_is_named(service: TlsService, loop: LabLoop, pki: LabPki) -> None:
    with pytest.raises(PortInUse) as refused:
        make(loop, pki, port=service.endpoint.port).start()
    assert str(service.endpoint) in str(refused.value)
    assert refused.value.endpoint == service.endpoint


def test_a_port_taken_by_a_stranger_is_named(loop: LabLoop, pki: LabPki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PortInUse, match=f"127.0.0.1:{port} "):
            make(loop, pki, port=port).start()
    with make(loop, pki, port=port) as service:
        assert service.endpoint.port == port


def test_a_port_lost_on_the_way_is_named_and_nothing_stays_open(
    loop: LabLoop, pki: LabPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make(loop, pki)
    bound = TlsService._bound

    def once(one: TlsService) -> socket.socket:
        if one.endpoint.port == 0:
            return bound(one)
        raise PortInUse(one.name, one.endpoint)

    monkeypatch.setattr(server, "_RESERVES", True)
    monkeypatch.setattr(TlsService, "_bound", once)
    with pytest.raises(PortInUse):
        service.start()
    with socket.create_server(("127.0.0.1", service.endpoint.port), reuse_port=False):
        pass


def test_a_renewed_certificate_is_shown_at_once(service: TlsService, pki: LabPki) -> None:
    assert served_chain(service.endpoint, HOST) == pki.genuine(HOST).chain_der
    for renewed in (pki.backup(HOST), pki.renewed(HOST, same_key=True)):
        service.renew(renewed)
        assert served_chain(service.endpoint, HOST) == renewed.chain_der


def test_open_connections_outlive_a_renewal(service: TlsService, pki: LabPki, root: Path) -> None:
    with secure(service.endpoint, HOST, client_context(root)) as before:
        service.renew(pki.backup(HOST))
        assert get(before, HOST).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_across_a_renewal(
    service: TlsService, pki: LabPki, root: Path, version: ssl.TLSVersion
) -> None:
    """A resumed handshake has no Certificate message: its client would not see the new one."""
    context = client_context(root)
    context.maximum_version = version
    with secure(service.endpoint, HOST, context) as first:
        get(first, HOST)
        session = first.session
    with secure(service.endpoint, HOST, context, session) as second:
        assert second.session_reused
    service.renew(pki.backup(HOST))
    with secure(service.endpoint, HOST, context, session) as third:
        assert not third.session_reused
        assert third.getpeercert(binary_form=True) == pki.backup(HOST).chain_der[0]


def test_every_host_has_its_own_certificate(service: TlsService, pki: LabPki) -> None:
    service.renew(pki.genuine("www.acme.test"), "www.acme.test")
    for host in (HOST, "www.acme.test"):
        assert served_chain(service.endpoint, host) == pki.genuine(host).chain_der
    assert served_chain(service.endpoint, None) == pki.genuine(HOST).chain_der


def exits(outage: Outage) -> set[int]:
    """curl's exit codes: 7 no connection, 28 timeout, 35 TLS failure, 56 reset."""
    return {Outage.REFUSE: {7}, Outage.RESET: {7, 35, 56}, Outage.HANG: {28}}[outage]


def patience(outage: Outage) -> tuple[str, ...]:
    return ("--max-time", "0.2") if outage is Outage.HANG else ()


@pytest.mark.parametrize("outage", OUT_OF_ORDER)
def test_goes_out_of_order_and_comes_back_on_the_same_port(
    service: TlsService, curl: Curl, outage: Outage
) -> None:
    endpoint = service.endpoint
    for _ in range(2):
        assert curl(endpoint, HOST).status == 200
        service.set_outage(outage)
        assert service.outage is outage
        assert curl(endpoint, HOST, *patience(outage)).exit in exits(outage)
        service.set_outage(Outage.NONE)
    assert service.endpoint == endpoint
    assert curl(endpoint, HOST).status == 200


def test_one_outage_may_follow_another(service: TlsService, curl: Curl) -> None:
    for outage in [*OUT_OF_ORDER, *reversed(OUT_OF_ORDER)]:
        service.set_outage(outage)
        assert curl(service.endpoint, HOST, *patience(outage)).exit in exits(outage)


@pytest.mark.parametrize("outage", OUT_OF_ORDER)
def test_an_outage_cuts_open_connections(service: TlsService, root: Path, outage: Outage) -> None:
    with secure(service.endpoint, HOST, client_context(root)) as client:
        get(client, HOST)
        service.set_outage(outage)
        assert ended(client)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_an_outage_cuts_unfinished_handshakes(
    service: TlsService, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: not when the service loses patience with them."""
    monkeypatch.setattr(server, "POLITE_CAP", LONG)
    with connect(service.endpoint) as half_open:
        half_open.sendall(sent)
        with not_waiting():
            service.set_outage(Outage.REFUSE)
        assert ended(half_open)


def test_connections_that_hang_end_with_the_outage(service: TlsService) -> None:
    service.set_outage(Outage.HANG)
    with connect(service.endpoint) as hanging:
        hanging.sendall(b"\x16\x03\x01")
        hanging.settimeout(0.1)
        with pytest.raises(TimeoutError):
            hanging.recv(1)
        service.set_outage(Outage.NONE)
        hanging.settimeout(CAP)
        assert ended(hanging)


@pytest.mark.skipif(not server._RESERVES, reason="only Linux lets two sockets hold one port")
def test_nobody_gets_the_port_by_chance_during_an_outage(service: TlsService) -> None:
    service.set_outage(Outage.REFUSE)
    with pytest.raises(OSError, match="in use"), socket.socket() as other:
        other.bind(("127.0.0.1", service.endpoint.port))
    service.set_outage(Outage.NONE)


def test_a_port_lost_during_an_outage_is_named(service: TlsService) -> None:
    service.set_outage(Outage.REFUSE)
    with socket.create_server(("127.0.0.1", service.endpoint.port)):
        with pytest.raises(PortInUse):
            service.set_outage(Outage.NONE)
        assert service.outage is Outage.REFUSE
    service.set_outage(Outage.NONE)


def test_counts_what_arrives(service: TlsService, curl: Curl) -> None:
    curl(service.endpoint, HOST)
    with connect(service.endpoint) as plain:
        plain.sendall(b"no TLS at all")
        ended(plain)
    service.set_outage(Outage.RESET)
    curl(service.endpoint, HOST)
    traffic = service.traffic
    assert (traffic.connections, traffic.turned_away, traffic.handshakes) == (3, 1, 1)


def test_too_many_connections_are_turned_away(
    service: TlsService, curl: Curl, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    with secure(service.endpoint, HOST, client_context(root)) as client:
        assert curl(service.endpoint, HOST).exit in exits(Outage.RESET)
        assert service.traffic.turned_away == 1
        assert get(client, HOST).startswith(b"HTTP/1.1 200")


class Starved(socket.socket):
    def accept(self) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")


def test_running_out_of_descriptors_does_not_end_the_service(
    service: TlsService,
    loop: LabLoop,
    curl: Curl,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = service._listener
    assert listener is not None
    starved = Starved(fileno=os.dup(listener.fileno()))
    monkeypatch.setattr(server, "BREATH", 0.01)

    async def starve() -> None:
        # Until it resumes, the loop hears of connections through the starved socket only.
        service._lab.loop.remove_reader(listener)
        service._lab.loop.add_reader(starved, service._accept, starved)

    with starved:
        loop.run(starve())
        assert curl(service.endpoint, HOST).status == 200
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "cannot accept: [Errno 24] Too many open files"
    ]
    caplog.clear()


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_stops_at_once_whatever_is_open(
    loop: LabLoop, pki: LabPki, root: Path, alpn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_CAP", LONG)
    monkeypatch.setattr(connection, "IDLE_CAP", LONG)
    deaf = Deaf()
    with ExitStack() as stack:
        service = stack.enter_context(make(loop, pki, deaf))
        nothing, half = (stack.enter_context(connect(service.endpoint)) for _ in range(2))
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        context = client_context(root, alpn)
        idle = stack.enter_context(secure(service.endpoint, HOST, context))
        asking = stack.enter_context(secure(service.endpoint, HOST, client_context(root)))
        asking.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert deaf.asked.wait(CAP)
        with not_waiting():
            service.stop()
        assert all(ended(client) for client in (nothing, half, idle, asking))


def test_stopping_lets_a_running_request_finish(
    loop: LabLoop, pki: LabPki, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()
    finish = Connection.finish

    async def watched(connection: Connection) -> None:
        await finish(connection)
        stopping.set()

    class Deliberate(Deaf):
        async def answer(self, exchange: Exchange) -> None:
            self.asked.set()
            await stopping.wait()
            await exchange.reply(200, b"done", "text/plain")

    monkeypatch.setattr(Connection, "finish", watched)

    app = Deliberate()
    with (
        make(loop, pki, app) as service,
        secure(service.endpoint, HOST, client_context(root)) as client,
    ):
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert app.asked.wait(CAP)
        service.stop()
        assert b"".join(iter(lambda: client.recv(4096), b"")).endswith(b"done")


@pytest.mark.parametrize("outage", [Outage.NONE, *OUT_OF_ORDER])
def test_stops_in_any_state_and_gives_the_port_back(
    loop: LabLoop, pki: LabPki, outage: Outage
) -> None:
    service = make(loop, pki)
    service.start()
    service.set_outage(outage)
    service.stop()
    service.stop()
    with socket.create_server(("127.0.0.1", service.endpoint.port)):
        pass


def test_an_error_in_the_application_is_answered_and_logged(
    loop: LabLoop, pki: LabPki, curl: Curl, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Site):
        async def answer(self, exchange: Exchange) -> None:
            raise RuntimeError("a mistake of ours")

    with make(loop, pki, Broken()) as service:
        assert curl(service.endpoint, HOST).status == 500
    (complaint,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert complaint.name == "lab.backend.origin"
    assert "a mistake of ours" in (complaint.exc_text or str(complaint.exc_info))
    caplog.clear()
