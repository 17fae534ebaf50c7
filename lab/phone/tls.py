"""The platform's TLS client, as Conscrypt is on Android: TLS 1.2 and 1.3, no resumption."""

from __future__ import annotations

from contextlib import suppress

from OpenSSL import SSL, crypto

from lab.phone.link import Link
from lab.phone.resolver import is_address
from lab.phone.services import (
    ConnectionLost,
    SslHandshakeError,
    SslProtocolError,
)
from lab.phone.verify import Findings, Judge, check_name, set_judge

HTTP2, HTTP11 = "h2", "http/1.1"

_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"
)
"""For TLS 1.2: those of OkHttp's MODERN_TLS, in its order."""
_PART = 64 * 1024


class TlsConnection:
    """A TLS connection that the platform has accepted. Owns its link."""

    def __init__(self, link: Link, connection: SSL.Connection) -> None:
        self._link = link
        self._connection = connection
        self._broken = False
        served = connection.get_peer_cert_chain() or []
        self.chain = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, c) for c in served)
        """DER as served, leaf first."""
        self.protocol = connection.get_alpn_proto_negotiated().decode("ascii", "replace")
        """What ALPN agreed on; empty for nothing."""

    def receive(self) -> bytes:
        """Return what comes next, nothing after a close_notify. Raises PlatformError.

        An end without close_notify is an error: anybody on the way could have cut it there.
        """
        deadline = self._link.patience.step()
        while True:
            try:
                return self._connection.recv(_PART)
            except SSL.WantReadError:
                # Answers to key updates must not wait for the next request.
                self._link.send(_outgoing(self._connection), deadline)
                part = self._link.receive(deadline)
                if not part:
                    self._broken = True
                    raise ConnectionLost("Connection closed by peer") from None
                self._connection.bio_write(part)
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as error:
                self._broken = True
                raise SslProtocolError(f"Read error: {_reason(error)}") from error

    def send(self, content: bytes) -> None:
        """Send all of ``content``. Raises PlatformError."""
        deadline = self._link.patience.step()
        for start in range(0, len(content), _PART):
            try:
                self._connection.sendall(content[start : start + _PART])
            except SSL.Error as error:
                self._broken = True
                raise SslProtocolError(f"Write error: {_reason(error)}") from error
            self._link.send(_outgoing(self._connection), deadline)

    def close(self) -> None:
        """Send a close_notify as far as that does not block, and close. May be repeated."""
        if not self._broken:
            self._broken = True
            with suppress(SSL.Error):
                self._connection.shutdown()
        self._link.close(_outgoing(self._connection))


def open_tls(link: Link, host: str, judge: Judge) -> TlsConnection:
    """Do the handshake with ``host`` and judge what it serves. Takes ``link`` over.

    Raises PlatformError; the link is closed then, after the alert that tells the server why.
    """
    findings = Findings()
    try:
        connection = _client(host, judge, findings)
    except BaseException:
        link.close()
        raise
    try:
        _handshake(link, connection, findings, judge)
        opened = TlsConnection(link, connection)
    except BaseException:
        link.close(_outgoing(connection))
        raise
    try:
        if not opened.chain:
            raise SslHandshakeError("The server showed no certificate")
        if judge.verify:
            check_name(host, opened.chain[0])
    except BaseException:
        opened.close()
        raise
    return opened


def _client(host: str, judge: Judge, findings: Findings) -> SSL.Connection:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # Level 1 refuses what Android does: SHA-1 signatures, RSA below 1024 bits.
    context.set_cipher_list(f"{_SUITES}:@SECLEVEL=1".encode())
    # A renegotiation could bring another certificate after the first one was judged.
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_protos([HTTP2.encode(), HTTP11.encode()])
    set_judge(context, judge)
    connection = SSL.Connection(context)
    connection.set_app_data(findings)
    connection.set_connect_state()
    if not is_address(host):
        connection.set_tlsext_host_name(host.rstrip(".").encode("ascii"))
    return connection


def _handshake(link: Link, connection: SSL.Connection, findings: Findings, judge: Judge) -> None:
    deadline = link.patience.step()
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            link.send(_outgoing(connection), deadline)
            part = link.receive(deadline)
            if not part:
                raise ConnectionLost("Connection closed by peer") from None
            connection.bio_write(part)
        except SSL.Error as error:
            refusal = findings.error(judge.now)
            if refusal is not None:
                raise refusal from error
            reason = _reason(error)
            raise SslProtocolError(f"SSL handshake aborted: {reason}") from error
        else:
            link.send(_outgoing(connection), deadline)
            return


def _outgoing(connection: SSL.Connection) -> bytes:
    """Take what OpenSSL wants sent."""
    parts = []
    with suppress(SSL.WantReadError):
        while True:
            parts.append(connection.bio_read(_PART))
    return b"".join(parts)


def _reason(error: SSL.Error) -> str:
    """Return OpenSSL's own words, such as ``tlsv1 alert internal error``."""
    queue = error.args[0] if error.args else ()
    words = [entry[-1] for entry in queue if isinstance(entry, tuple)] if queue else []
    failure = "Failure in SSL library, usually a protocol error"
    return f"{failure}: {words[0]}" if words and words[0] else failure
