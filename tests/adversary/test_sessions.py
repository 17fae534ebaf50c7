"""TLS sessions that outlive a connection, as openssl finds them on the adversary's side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from OpenSSL import SSL

from lab.backend import Backend
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, HttpAnswer, Relay, Terminate
from lab.model.wire import TlsVersion, WireClass
from lab.openssl import resume, write_early_data
from tests.adversary.peers import (
    HOST,
    WEBSITE,
    Attached,
    Curl,
    Proxy,
    Way,
    context,
    ended,
    get_request,
    s_client,
)
from tests.adversary.served import VERSION
from tests.patience import CAP


@pytest.fixture
def upstream(backend: Backend) -> Callable[[str], Endpoint | None]:
    return lambda host: backend.addresses().get(host)


def ask(device: Attached, version: TlsVersion, *arguments: str) -> str:
    """Let openssl make one request, to the end of the connection; return what it says."""
    flags = (VERSION[version], "-ign_eof", *arguments)
    done = s_client(device.surroundings.proxy, HOST, *flags, said=get_request(HOST))
    return done.stdout.decode(errors="replace")


def test_sessions_are_resumed_where_tickets_are_issued(
    device: Attached, forgery: Terminate, version: TlsVersion, tmp_path: Path
) -> None:
    kept = str(tmp_path / "session")
    number = device.arm(replace(forgery, tickets=True))
    assert "\nNew, " in ask(device, version, "-sess_out", kept)
    # Another arming of the same serving, with another answer, is the same server.
    again = device.arm(replace(forgery, tickets=True, answer=HttpAnswer(status=404)))
    said = ask(device, version, "-sess_in", kept)
    assert "\nReused, " in said
    assert "HTTP/1.1 404" in said
    assert [device.record(n).resumed for n in (number, again)] == [False, True]
    assert device.record(again).wire_class is WireClass.INTERCEPTED


@pytest.mark.parametrize("later", ["no tickets", "another server"])
def test_sessions_are_not_resumed_elsewhere(
    later: str, device: Attached, forgery: Terminate, version: TlsVersion, tmp_path: Path
) -> None:
    kept = str(tmp_path / "session")
    device.arm(forgery if later == "no tickets" else replace(forgery, tickets=True))
    ask(device, version, "-sess_out", kept)
    other = forgery if later == "no tickets" else replace(forgery, tickets=True, protocols=())
    number = device.arm(other)
    # Under TLS 1.2 openssl has nothing to keep where there was no ticket.
    offered = ("-sess_in", kept) if Path(kept).exists() else ()
    assert "\nNew, " in ask(device, version, *offered)
    assert not device.record(number).resumed


def test_early_data_is_read(device: Attached, forgery: Terminate, tmp_path: Path) -> None:
    kept, early = str(tmp_path / "session"), tmp_path / "early"
    early.write_bytes(get_request(HOST, "/early"))
    serving = replace(forgery, tickets=True, early_data=True)
    number = device.arm(serving)
    ask(device, TlsVersion.TLS13, "-sess_out", kept)
    assert not device.record(number).early_data
    number = device.arm(serving)
    said = ask(device, TlsVersion.TLS13, "-sess_in", kept, "-early_data", str(early))
    assert "Early data was accepted" in said
    record = device.record(number)
    assert (record.early_data, record.resumed) == (True, True)
    assert record.wire_class is WireClass.INTERCEPTED
    assert record.request == "GET /early HTTP/1.1 [host, x-token]"
    assert record.client_bytes >= len(early.read_bytes())


def test_early_data_of_a_client_that_leaves_was_read_all_the_same(
    device: Attached, forgery: Terminate
) -> None:
    serving = replace(forgery, tickets=True, early_data=True)
    device.arm(serving)
    proxy = Proxy(device.surroundings)
    first = begin(proxy)
    first.do_handshake()
    first.send(get_request(HOST))
    assert first.recv(1000)
    session = first.get_session()
    assert session is not None
    first.shutdown()
    first.close()
    number = device.arm(serving)
    second = begin(proxy)
    resume(second, session)
    assert write_early_data(second, b"s3cret")
    second.close()
    record = device.record(number)
    assert (record.wire_class, record.client_bytes) == (WireClass.INTERCEPTED, 6)
    assert record.early_data


def begin(proxy: Proxy) -> SSL.Connection:
    """Return a client of the tunnel whose handshake has not begun."""
    tunnel = proxy.open(HOST)
    # pyOpenSSL is to block, for which the socket must have no time limit.
    tunnel.settimeout(None)
    connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), tunnel)
    connection.set_tlsext_host_name(HOST.encode())
    connection.set_connect_state()
    return connection


def test_early_data_is_not_read_where_it_is_not_allowed(
    device: Attached, forgery: Terminate, tmp_path: Path
) -> None:
    kept, early = str(tmp_path / "session"), tmp_path / "early"
    early.write_bytes(get_request(HOST, "/early"))
    device.arm(replace(forgery, tickets=True, early_data=True))
    ask(device, TlsVersion.TLS13, "-sess_out", kept)
    number = device.arm(replace(forgery, tickets=True))
    said = ask(device, TlsVersion.TLS13, "-sess_in", kept, "-early_data", str(early))
    assert "Early data was rejected" in said
    record = device.record(number)
    assert (record.early_data, record.resumed) == (True, False)
    assert record.request == "GET / HTTP/1.1 [host, x-token]"


@pytest.mark.parametrize(
    ("protocols", "agreed"),
    [(("h2",), "h2"), (("http/1.1",), "http/1.1"), ((), None), (("h2", "http/1.1"), "h2")],
)
def test_the_application_protocol_is_what_the_attack_says(
    device: Attached, forgery: Terminate, protocols: tuple[str, ...], agreed: str | None
) -> None:
    number = device.arm(replace(forgery, protocols=protocols))
    proxy = Proxy(device.surroundings)
    made = context(None, "h2", "http/1.1")
    with made.wrap_socket(proxy.open(HOST), server_hostname=HOST) as secured:
        assert secured.selected_alpn_protocol() == agreed
    assert device.record(number).alpn == agreed


def test_the_first_connections_are_spared(
    device: Attached, forgery: Terminate, backend: Backend, root: Path, fooled_root: Path
) -> None:
    number = device.engine.arm(
        device.id,
        Arming("test", ((HOST, HostPlan(forgery, spared=2)), (WEBSITE, HostPlan(Relay())))),
    )
    proxy = Proxy(device.surroundings)
    for curl in (Curl(root), Curl(root), Curl(fooled_root)):
        assert curl(proxy, f"https://{HOST}/").returncode == 0
    classes = [record.wire_class for record in device.records(number)]
    assert classes == [WireClass.RELAYED, WireClass.RELAYED, WireClass.INTERCEPTED]
    # Each arming counts for itself.
    number = device.engine.arm(device.id, Arming("test", ((HOST, HostPlan(forgery, spared=1)),)))
    assert Curl(root)(proxy, f"https://{HOST}/").returncode == 0
    assert device.record(number).wire_class is WireClass.RELAYED


def test_requests_for_other_hosts_on_one_connection_are_noted(
    device: Attached, forgery: Terminate
) -> None:
    number = device.arm(forgery)
    proxy = Proxy(device.surroundings)
    with context(None, "http/1.1").wrap_socket(proxy.open(HOST), server_hostname=HOST) as secured:
        secured.sendall(get_request(f"{WEBSITE.upper()}:443"))
        assert secured.recv(1000)
    record = device.record(number)
    assert (record.host, record.authorities) == (HOST, (WEBSITE,))


def test_a_relayed_connection_that_was_answered_ends_with_the_next_arming(
    device: Attached, backend: Backend, way: Way, root: Path
) -> None:
    """A client that keeps it could make its next request past the attack."""
    number = device.arm(Relay())
    made = context(root, "http/1.1")
    with made.wrap_socket(way.open(HOST), server_hostname=HOST) as secured:
        secured.sendall(get_request(HOST))
        assert secured.recv(65536).startswith(b"HTTP/1.1 200")
        (record,) = device.engine.settle(device.id, number, CAP)
        assert (record.wire_class, record.closed_at) == (WireClass.RELAYED, None)
        device.arm(Relay())
        assert ended(secured).endswith(b"}")
    assert device.record(number).closed_at is not None


def test_a_relayed_connection_whose_answer_is_due_outlives_the_next_arming(
    device: Attached, backend: Backend, way: Way, root: Path
) -> None:
    device.arm(Relay())
    made = context(root, "http/1.1")
    with made.wrap_socket(way.open(HOST), server_hostname=HOST) as secured:
        request = get_request(HOST)
        secured.sendall(request[:-2])
        device.arm(Relay())
        secured.sendall(request[-2:])
        assert secured.recv(65536).startswith(b"HTTP/1.1 200")
