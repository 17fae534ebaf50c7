"""Every class of connection, on both routes and in both TLS versions, by clients of all kinds."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.model.serving import Arming, HostPlan, HttpAnswer, Plain, Terminate
from lab.model.wire import Alert, TlsVersion, WireClass
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.adversary import peers
from tests.adversary.peers import (
    CURL_VERSIONS,
    HOST,
    RECORDED_VERSIONS,
    Attached,
    Curl,
    Tls,
    Way,
)
from tests.patience import CAP

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = peers.frame(4, b"\0\x03\0\0\0\x64")
WINDOW_UPDATE = peers.frame(8, b"\0\x0f\0\0")
PING = peers.frame(6, b"12345678")
HEADERS = peers.frame(1, b"\x82\x84\x86\x41\x01a", flags=5, stream=1)


def test_tcp_only(device: Attached, forgery: Terminate, way: Way) -> None:
    number = device.arm(forgery)
    way.open(HOST).close()
    record = device.record(number)
    assert record.wire_class is WireClass.TCP_ONLY
    assert (record.host, record.port) == (HOST, 443)
    assert (record.sni, record.fingerprint, record.served_chain) == (None, None, ())
    assert record.relayed_bytes == (0, 0)


@pytest.mark.parametrize("size", [1, 6, 100, 516])
def test_part_of_a_client_hello_is_tcp_only(
    device: Attached, forgery: Terminate, way: Way, size: int
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context()) as client:
        hello = client.hello()
        assert size < len(hello)
        client.send(hello[:size])
    assert device.record(number).wire_class is WireClass.TCP_ONLY


def test_an_alert_before_any_client_hello_is_no_cleartext(
    device: Attached, forgery: Terminate, way: Way
) -> None:
    number = device.arm(forgery)
    with way.open(HOST) as plain:
        plain.sendall(bytes([21, 3, 3, 0, 2, 2, 80]))
        peers.ended(plain)
    assert device.record(number).wire_class is WireClass.TCP_ONLY


def test_curl_rejects_with_an_alert(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion, curl: Curl
) -> None:
    number = device.arm(forgery)
    assert curl(way, f"https://{HOST}/", *CURL_VERSIONS[version]).returncode == 60
    record = device.record(number)
    assert record.wire_class is WireClass.HANDSHAKE_REJECTED
    assert record.alert == Alert(48, "unknown_ca", sent_by_client=True)
    assert record.served_chain == forgery.digests
    assert (record.tls_version, record.client_bytes, record.request) == (None, 0, None)


def test_openssl_rejects_with_an_alert(
    device: Attached, forgery: Terminate, version: TlsVersion, root: Path
) -> None:
    number = device.arm(forgery)
    arguments = ("-CAfile", str(root), "-verify_return_error", f"-{version.replace('.', '_')}")
    done = peers.s_client(device.surroundings.proxy, HOST, *arguments)
    assert b"verify error" in done.stderr
    record = device.record(number)
    assert record.wire_class is WireClass.HANDSHAKE_REJECTED
    assert record.alert == Alert(48, "unknown_ca", sent_by_client=True)


@pytest.mark.parametrize("end", [socket.socket.close, peers.reset])
@pytest.mark.parametrize("after", ["ClientHello", "ServerHello"])
def test_rejected_without_an_alert(
    device: Attached,
    forgery: Terminate,
    way: Way,
    version: TlsVersion,
    end: Callable[[socket.socket], None],
    after: str,
) -> None:
    number = device.arm(forgery)
    plain = way.open(HOST)
    client = Tls(plain, peers.context(version=version))
    if after == "ClientHello":
        client.send(client.hello())
    else:
        client.send(client.hello())
        assert plain.recv(5)[0] == 22
    end(plain)
    record = device.record(number)
    assert (record.wire_class, record.alert) == (WireClass.HANDSHAKE_REJECTED, None)
    assert record.served_chain == forgery.digests
    assert record.sni == HOST


def test_the_adversary_can_be_the_one_who_sends_the_alert(
    device: Attached, forgery: Terminate, way: Way
) -> None:
    plans = ((HOST, HostPlan(forgery)),)
    number = device.engine.arm(device.id, Arming("1.3", plans, (TlsVersion.TLS13,)))
    client = Tls(way.open(HOST), peers.context(version=TlsVersion.TLS12))
    with client, pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        client.handshake()
    record = device.record(number)
    assert record.wire_class is WireClass.HANDSHAKE_REJECTED
    assert record.alert == Alert(70, "protocol_version", sent_by_client=False)


def test_curl_checks_its_pin_after_the_handshake(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion, fooled_curl: Curl
) -> None:
    number = device.arm(forgery)
    pin = ("--pinnedpubkey", "sha256//" + "A" * 43 + "=")
    assert fooled_curl(way, f"https://{HOST}/", *CURL_VERSIONS[version], *pin).returncode == 90
    record = device.record(number)
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert (record.alert, record.client_bytes) == (None, 0)
    assert record.tls_version == RECORDED_VERSIONS[version]


@pytest.mark.skipif(not peers.wget_is_gnutls(), reason="there is no wget on GnuTLS here")
def test_gnutls_verifies_after_the_handshake(
    device: Attached, forgery: Terminate, root: Path
) -> None:
    number = device.arm(forgery)
    assert peers.wget(device.surroundings.proxy, root, f"https://{HOST}/").returncode == 5
    record = device.record(number)
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert record.fingerprint is not None


@pytest.mark.parametrize("end", ["close", "reset", "close_notify"])
def test_nothing_after_the_handshake(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion, end: str
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=version)) as client:
        client.handshake()
        # A reset would overtake what TLS 1.3 sends last.
        assert device.engine.wait_for(device.id, number, lambda r: r.tls_version is not None, CAP)
        if end == "reset":
            client.reset()
        elif end == "close_notify":
            client.close_notify()
    record = device.record(number)
    assert (record.wire_class, record.alert) == (WireClass.ESTABLISHED_ZERO_APPDATA, None)


def test_an_alert_after_the_handshake(
    device: Attached, forgery: Terminate, way: Way, tmp_path: Path
) -> None:
    number = device.arm(forgery)
    settings = peers.context(version=TlsVersion.TLS13)
    settings.keylog_filename = str(tmp_path / "keys")
    with Tls(way.open(HOST), settings) as client:
        client.handshake()
        secrets = (tmp_path / "keys").read_text()
        client.send(peers.sealed_alert(secrets, 46, client.cipher()))
        # It need not close the connection: nothing can follow.
        client.drain()
    record = device.record(number)
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert record.alert == Alert(46, "certificate_unknown", sent_by_client=True)
    assert record.client_bytes == 0


def test_a_broken_record_after_the_handshake(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=version)) as client:
        client.handshake()
        client.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.read()
    record = device.record(number)
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert record.alert == Alert(20, "bad_record_mac", sent_by_client=False)


@pytest.mark.parametrize("frames", [(), (SETTINGS,), (SETTINGS, WINDOW_UPDATE, PING)])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
def test_http2_preface_without_a_request(
    device: Attached,
    forgery: Terminate,
    way: Way,
    version: TlsVersion,
    frames: tuple[bytes, ...],
    whole: bool,
) -> None:
    number = device.arm(forgery)
    data = PREFACE + b"".join(frames)
    parts = (data,) if whole else peers.one_by_one(data)
    with Tls(way.open(HOST), peers.context(None, "h2", version=version)) as client:
        client.handshake().write(*parts).close_notify()
    record = device.record(number)
    assert record.wire_class is WireClass.PREFACE_ONLY
    assert (record.alpn, record.client_bytes, record.request) == ("h2", len(data), None)


def test_http2_request_in_the_same_record_as_the_preface(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(None, "h2", version=version)) as client:
        client.handshake().write(PREFACE + SETTINGS + HEADERS).close_notify()
    assert device.record(number).wire_class is WireClass.INTERCEPTED


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_intercepted(
    device: Attached,
    forgery: Terminate,
    way: Way,
    version: TlsVersion,
    fooled_curl: Curl,
    protocol: str,
) -> None:
    number = device.arm(forgery)
    arguments = (*CURL_VERSIONS[version], protocol, "--header", "X-Token: s3cret")
    done = fooled_curl(way, f"https://{HOST}/v1/me?token=s3cret", *arguments)
    assert (done.returncode, done.stdout) == (0, forgery.answer.body), done
    record = device.record(number)
    assert record.wire_class is WireClass.INTERCEPTED
    assert record.request is not None
    assert re.fullmatch(r"GET /v1/me HTTP/(1\.1|2\.0) \[[a-z, -]+\]", record.request)
    assert "x-token" in record.request
    assert "user-agent" in record.request
    assert "s3cret" not in repr(record)
    assert "?" not in record.request
    assert record.client_bytes > 60
    assert record.alpn == {"--http1.1": "http/1.1", "--http2": "h2"}[protocol]
    assert record.tls_version == RECORDED_VERSIONS[version]


def test_payload_that_is_not_http_is_intercepted_too(
    device: Attached, forgery: Terminate, way: Way, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context()) as client:
        client.handshake().write(b"\x10\x0c\0\x04MQTT\x04\x02\0<\0\0")
        assert client.read() == b""
    record = device.record(number)
    assert (record.wire_class, record.client_bytes) == (WireClass.INTERCEPTED, 14)
    assert dials == []


@pytest.fixture
def portal() -> Plain:
    return Plain(HttpAnswer(511, (("content-type", "text/html"),), b"<h1>Welcome</h1>"))


@pytest.mark.parametrize("port", [80, 8080])
def test_cleartext(
    device: Attached, forgery: Terminate, way: Way, curl: Curl, portal: Plain, port: int
) -> None:
    plans = ((HOST, HostPlan(forgery, cleartext=portal)),)
    number = device.engine.arm(device.id, Arming("portal", plans))
    done = curl(way, f"http://{HOST}:{port}/login?user=me", "--user", "me:s3cret")
    assert done.stdout == b"<h1>Welcome</h1>"
    record = device.record(number)
    assert record.wire_class is WireClass.CLEARTEXT
    assert (record.host, record.port) == (HOST, port)
    assert record.request is not None
    assert record.request.startswith("GET /login HTTP/1.1 [host, authorization, user-agent")
    assert "s3cret" not in repr(record)


def test_bytes_in_clear_are_counted_exactly(
    device: Attached, forgery: Terminate, way: Way, portal: Plain
) -> None:
    plans = ((HOST, HostPlan(forgery, cleartext=portal)),)
    number = device.engine.arm(device.id, Arming("portal", plans))
    body = b"x" * 10_000
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with way.open(HOST, 80) as plain:
        plain.sendall(head)
        assert device.engine.wait_for(device.id, number, lambda r: r.client_bytes == len(head), CAP)
        plain.sendall(body)
        assert b" 511 " in peers.ended(plain)
    assert device.record(number).client_bytes == len(head) + len(body)


def test_proxied_request_in_clear(device: Attached, forgery: Terminate, portal: Plain) -> None:
    plans = ((HOST, HostPlan(forgery, cleartext=portal)),)
    number = device.engine.arm(device.id, Arming("portal", plans))
    request = f"GET http://{HOST}/a?b HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(request)
        assert b" 511 " in peers.ended(plain)
    record = device.record(number)
    assert (record.wire_class, record.host, record.port) == (WireClass.CLEARTEXT, HOST, 80)
    assert (record.request, record.client_bytes) == ("GET /a HTTP/1.1 [host]", len(request))


def test_http_spoken_to_the_tls_port(
    device: Attached, forgery: Terminate, way: Way, portal: Plain
) -> None:
    plans = ((HOST, HostPlan(forgery, cleartext=portal)),)
    number = device.engine.arm(device.id, Arming("portal", plans))
    request = peers.get_request(HOST, "/?q")
    with way.open(HOST) as plain:
        plain.sendall(request)
        assert b" 511 " in peers.ended(plain)
    record = device.record(number)
    assert (record.wire_class, record.port) == (WireClass.CLEARTEXT, 443)
    assert record.request == "GET / HTTP/1.1 [host, x-token]"
    assert record.client_bytes == len(request)
    assert record.served_chain == ()


def test_binary_bytes_to_the_tls_port_are_cleartext(
    device: Attached, forgery: Terminate, way: Way, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with way.open(HOST) as plain:
        plain.sendall(b"\0\xffsecret")
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.client_bytes) == (WireClass.CLEARTEXT, 8)
    assert (record.request, dials) == (None, [])


def test_served_chain_and_offers_are_recorded(
    device: Attached, forgery: Terminate, pki: LabPki, way: Way, version: TlsVersion
) -> None:
    number = device.arm(forgery)
    settings = peers.context(None, "h2", "spdy/3", "http/1.1", version=version)
    with Tls(way.open(HOST), settings) as client:
        client.handshake()
        assert client.leaf() == forgery.chain[0]
        client.close_notify()
    record = device.record(number)
    assert record.served_chain == forgery.digests
    assert len(record.served_chain) == 2
    assert (record.sni, record.alpn) == (HOST, "h2")
    assert record.alpn_offered == ("h2", "spdy/3", "http/1.1")
    assert record.tls_version == RECORDED_VERSIONS[version]
    assert record.closed_at is not None
    assert record.closed_at >= record.opened_at
    assert record.peer.startswith("127.0.0.1:")


def test_no_session_is_resumed(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    """A resumed session would skip the certificate, and with it the attack."""
    settings = peers.context(version=version)
    session = None
    for _ in range(2):
        number = device.arm(forgery)
        with settings.wrap_socket(way.open(HOST), server_hostname=HOST, session=session) as client:
            client.sendall(peers.get_request(HOST))
            assert b" 200 " in client.recv(4096)
            assert not client.session_reused
            session = client.session
        assert device.record(number).wire_class is WireClass.INTERCEPTED


def test_fingerprint_tells_programs_from_each_other(
    device: Attached, forged: Credential, forgery: Terminate, way: Way, fooled_curl: Curl
) -> None:
    seen: dict[str, set[str | None]] = {"curl": set(), "python": set()}
    for host in (HOST, "www.acme.test"):
        for _ in range(2):
            number = device.arm(forgery, ("www.acme.test", forgery))
            fooled_curl(way, f"https://{host}/", "--insecure")
            seen["curl"].add(device.record(number).fingerprint)
            number = device.arm(forgery, ("www.acme.test", forgery))
            with Tls(way.open(host), peers.context(), host) as client:
                client.handshake()
            seen["python"].add(device.record(number).fingerprint)
    assert all(len(prints) == 1 and None not in prints for prints in seen.values()), seen
    assert seen["curl"] != seen["python"]
