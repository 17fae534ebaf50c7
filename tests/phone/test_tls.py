from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable

import pytest
from OpenSSL import SSL

from lab.phone.services import (
    Cancellation,
    Cancelled,
    ConnectionLost,
    PlatformError,
    SocketTimeout,
    SslProtocolError,
)
from lab.pki.hierarchy import LabPki
from tests.patience import LONG, eventually, not_waiting
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.handshake import listen, shake, talk
from tests.phone.peers import (
    Server,
    TlsScript,
    read_request,
    reset,
    server_context,
    until_closed,
)

Serve = Callable[..., Server]


def test_the_server_chooses_the_protocol(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    for offered, agreed in ((("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), ((), "")):
        serve(TlsScript(server_context(pki.genuine(HOST), alpn=offered)))
        connection = shake(phone)
        connection.close()
        assert connection.protocol == agreed


# Handshakes that fail for other reasons.


def test_old_versions_are_refused(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context = server_context(pki.genuine(HOST), version=ssl.TLSVersion.TLSv1_1)
    serve(TlsScript(context))
    with pytest.raises(SslProtocolError, match="SSL handshake aborted"):
        shake(phone)
    with pytest.raises(SslProtocolError):
        shake(phone, verify=False)


def test_a_server_that_does_not_speak_tls(phone: DirectPhone, serve: Serve) -> None:
    def clear(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        until_closed(sock)

    serve(clear)
    with pytest.raises(SslProtocolError, match="SSL handshake aborted"):
        shake(phone)


@pytest.mark.parametrize(("alert", "words"), [(40, "handshake failure"), (112, "unrecognized")])
def test_an_alert_from_the_server(alert: int, words: str, phone: DirectPhone, serve: Serve) -> None:
    def refuse(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(bytes([21, 3, 3, 0, 2, 2, alert]))
        until_closed(sock)

    serve(refuse)
    with pytest.raises(SslProtocolError, match=words):
        shake(phone)


def test_a_server_that_wants_a_client_certificate(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    context = server_context(pki.genuine(HOST), version=version)
    context.verify_mode = ssl.CERT_REQUIRED
    serve(TlsScript(context))
    # TLS 1.3 tells the client only after the client has finished.
    with pytest.raises(SslProtocolError):
        listen(shake(phone))


def test_a_connection_that_ends_in_the_handshake(phone: DirectPhone, serve: Serve) -> None:
    serve(lambda sock: sock.close())
    with pytest.raises(ConnectionLost):
        shake(phone)

    def hang_up(sock: socket.socket) -> None:
        sock.recv(65536)
        reset(sock)

    serve(hang_up)
    with pytest.raises(ConnectionLost):
        shake(phone)


def test_silence_is_a_timeout(phone: DirectPhone, serve: Serve) -> None:
    serve(until_closed)
    began = time.monotonic()
    with pytest.raises(SocketTimeout, match=r"\Atimeout\Z"):
        shake(phone, timeout=0.2)
    assert time.monotonic() - began >= 0.2


def test_a_handshake_has_its_time_as_a_whole(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    def drip(sock: socket.socket) -> None:
        sock.recv(65536)
        # The beginning of a record that is to hold 16 KiB.
        sock.sendall(bytes([22, 3, 3, 0x40, 0]))
        with contextlib.suppress(OSError):
            for _ in range(500):
                sock.sendall(b"\x02")
                time.sleep(0.02)

    serve(drip)
    with pytest.raises(SocketTimeout):
        shake(phone, timeout=0.3)


def test_cancelling_ends_a_handshake(phone: DirectPhone, serve: Serve) -> None:
    cancellation = Cancellation()

    def cancel(sock: socket.socket) -> None:
        sock.recv(65536)
        cancellation.fire()
        until_closed(sock)

    serve(cancel)
    with pytest.raises(Cancelled), not_waiting():
        shake(phone, timeout=LONG, cancellation=cancellation)
    with pytest.raises(Cancelled):
        shake(phone, cancellation=cancellation)


def test_a_handshake_that_cannot_begin_leaves_nothing_open(
    phone: DirectPhone, serve: Serve
) -> None:
    received: list[bytes] = []
    server = serve(lambda sock: received.append(until_closed(sock)))
    phone.clock = 1e20
    with pytest.raises((OverflowError, ValueError, OSError)):
        shake(phone)
    assert eventually(lambda: received)
    assert received == [b""]
    server.wait()


# After the handshake.


def test_an_end_without_close_notify_is_an_error(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    context = server_context(pki.genuine(HOST))

    def cut(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.sendall(b"some")
            read_request(secured)

    serve(cut)
    connection = shake(phone)
    assert connection.receive() == b"some"
    with pytest.raises(ConnectionLost):
        talk(connection)


def test_bytes_that_are_no_records(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    context = server_context(pki.genuine(HOST))

    def garbage(sock: socket.socket) -> None:
        with context.wrap_socket(sock.dup(), server_side=True) as secured:
            read_request(secured)
            sock.sendall(b"\x17\x03\x03\x00\x20" + b"?" * 32)
            until_closed(sock)

    serve(garbage)
    with pytest.raises(SslProtocolError, match="Read error"):
        talk(shake(phone))


def test_large_contents_pass_both_ways(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    context = server_context(pki.genuine(HOST))
    content = bytes(range(256)) * 4096

    def echo(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            received = b""
            while len(received) < len(content):
                received += secured.recv(65536)
            secured.sendall(received)
            secured.unwrap()

    serve(echo)
    connection = shake(phone)
    connection.send(content)
    received = b""
    while part := connection.receive():
        received += part
    connection.close()
    connection.close()
    assert received == content


def test_no_renegotiation(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    """A second handshake could bring a certificate that nobody has judged."""
    genuine = pki.genuine(HOST)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(genuine.certificate)
    for issuer in genuine.issuers:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(genuine.key)
    outcomes: list[object] = []

    def again(sock: socket.socket) -> None:
        sock.setblocking(True)
        connection = SSL.Connection(context, sock)
        connection.set_accept_state()
        connection.do_handshake()
        outcomes.append(connection.renegotiate())
        try:
            connection.do_handshake()
            connection.recv(100)
        except SSL.Error as error:
            outcomes.append(error)
        outcomes.append(connection.total_renegotiations())

    server = serve(again)
    connection = shake(phone)
    with contextlib.suppress(PlatformError):
        connection.receive()
    connection.close()
    server.wait()
    started, refusal, _ = outcomes
    assert started
    assert isinstance(refusal, SSL.Error)
    assert "no renegotiation" in str(refusal)


def test_no_session_is_resumed(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    script = TlsScript(server_context(pki.genuine(HOST), version=version))
    server = serve(script)
    for _ in range(3):
        talk(shake(phone))
    server.wait()
    assert [seen.resumed for seen in script.seen] == [False] * 3


def test_every_hello_looks_the_same(phone: DirectPhone, serve: Serve) -> None:
    hellos: list[bytes] = []

    def note(sock: socket.socket) -> None:
        hellos.append(sock.recv(65536))

    serve(note)
    for verify in (True, True, False):
        with pytest.raises(ConnectionLost):
            shake(phone, verify=verify)
    assert len(set(hellos)) == 3
    shapes = [_shape(hello) for hello in hellos]
    assert shapes[0] == shapes[1] == shapes[2]
    _, extensions = shapes[0]
    assert extensions[43] == b"\x04\x03\x04\x03\x03"
    assert extensions[16] == b"\x00\x0c\x02h2\x08http/1.1"


SECRET = (0, 51)
"""Extensions that differ by design: server_name and key_share."""


def _shape(hello: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Return the suites of a ClientHello record and its extensions but for their secrets."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    length = int.from_bytes(hello[at : at + 2], "big")
    suites = hello[at + 2 : at + 2 + length]
    at += 2 + length
    at += 1 + hello[at]
    at += 2
    extensions = {}
    while at < len(hello):
        kind = int.from_bytes(hello[at : at + 2], "big")
        length = int.from_bytes(hello[at + 2 : at + 4], "big")
        extensions[kind] = b"" if kind in SECRET else hello[at + 4 : at + 4 + length]
        at += 4 + length
    return suites, extensions
