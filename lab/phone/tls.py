"""The platform's TLS client, as Conscrypt is on Android: TLS 1.2 and 1.3."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from OpenSSL import SSL, crypto

from lab.openssl import is_resumed, resume
from lab.phone.link import Link, Patience
from lab.phone.resolver import is_address
from lab.phone.services import (
    ConnectionLost,
    SocketTimeout,
    SslHandshakeError,
    SslProtocolError,
)
from lab.phone.verify import Findings, Judge, set_judge

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


class Secured(Protocol):
    """A connection with TLS, as a request needs it. Raises nothing but PlatformError."""

    chain: tuple[bytes, ...]
    protocol: str

    def receive(self) -> bytes:
        """Return what comes next, nothing after a close_notify."""

    def send(self, content: bytes) -> None:
        """Send all of ``content``."""

    def close(self) -> None:
        """Close it. May be repeated."""


OpenTls = Callable[[Link, str, Judge], Secured]
"""Called as ``open_tls(link, host, judge)``: see there. Wrong clients have stacks of their own."""


class TlsConnection:
    """A TLS connection that the platform has accepted. Owns its link."""

    def __init__(self, link: Link, connection: SSL.Connection) -> None:
        self._link = link
        self._connection = connection
        self._broken = False
        self._waiting = b""
        self.is_resumed = is_resumed(connection)
        """Whether an earlier session goes on; ``chain`` is what was served in that."""
        served = connection.get_peer_cert_chain() or []
        self.chain = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, c) for c in served)
        """DER as served, leaf first."""
        self.protocol = connection.get_alpn_proto_negotiated().decode("ascii", "replace")
        """What ALPN agreed on; empty for nothing."""

    def receive(self) -> bytes:
        """Return what comes next, nothing after a close_notify. Raises PlatformError.

        An end without close_notify is an error: anybody on the way could have cut it there.
        """
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            return waiting
        deadline = self._link.patience.step()
        while True:
            try:
                return self._connection.recv(_PART)
            except SSL.WantReadError:
                # Answers to key updates must not wait for the next request.
                self._link.send(outgoing(self._connection), deadline)
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
            self._link.send(outgoing(self._connection), deadline)

    @property
    def session(self) -> SSL.Session | None:
        """The session as it is now, for a later handshake to resume. Under TLS 1.3 it can be
        resumed only once a ticket has been received (RFC 8446 section 4.6.1)."""
        return self._connection.get_session()

    def adopt(self, patience: Patience) -> None:
        """Serve another call, within its limits. Raises Cancelled, and is closed then."""
        self._link.adopt(patience)

    def is_ready(self, *, silent: bool) -> bool:
        """Tell whether the peer has kept the connection open; ``silent``: and has sent nothing
        on it that nobody asked for."""
        if self._broken:
            return False
        try:
            while (part := self._link.arrived()) is not None:
                if not part:
                    return False
                self._connection.bio_write(part)
            self._waiting += self._connection.recv(_PART)
        except SSL.WantReadError:
            pass
        except SSL.Error:
            return False
        return not (silent and self._waiting)

    def wait_for_ticket(self, cap: float) -> None:
        """Take in what the peer sends behind the handshake, waiting ``cap`` seconds at most. Up to
        TLS 1.2 tickets are part of the handshake."""
        if self._connection.get_protocol_version() < SSL.TLS1_3_VERSION:
            return
        with suppress(SocketTimeout):
            part = self._link.receive(time.monotonic() + cap)
            if part:
                self._connection.bio_write(part)
                self.is_ready(silent=False)

    def close(self) -> None:
        """Send a close_notify as far as that does not block, and close. May be repeated."""
        if not self._broken:
            self._broken = True
            with suppress(SSL.Error):
                self._connection.shutdown()
        self._link.close(outgoing(self._connection))


def open_tls(link: Link, host: str, judge: Judge, suites: str = _SUITES) -> TlsConnection:
    """Do the handshake with ``host`` and judge what it serves. Takes ``link`` over.

    ``suites`` are what is offered for TLS 1.2, in OpenSSL's names.
    Raises PlatformError; the link is closed then, after the alert that tells the server why.
    """
    findings = Findings()
    try:
        connection = make_client(host, judge, findings, suites)
    except BaseException:
        link.close()
        raise
    try:
        shake_hands(link, connection, findings)
        opened = TlsConnection(link, connection)
    except BaseException:
        link.close(outgoing(connection))
        raise
    try:
        if not opened.chain:
            raise SslHandshakeError("The server showed no certificate")
        if judge.verify:
            judge.rules.check_name(host, opened.chain[0])
    except BaseException:
        opened.close()
        raise
    return opened


def make_client(
    host: str, judge: Judge, findings: Findings, suites: str = _SUITES
) -> SSL.Connection:
    """Return the client's side of a handshake with ``host`` that has not begun yet."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # Level 1 refuses what Android does: SHA-1 signatures, RSA below 1024 bits.
    context.set_cipher_list(f"{suites}:@SECLEVEL=1".encode())
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
    if judge.session is not None:
        resume(connection, judge.session)
    return connection


def shake_hands(link: Link, connection: SSL.Connection, findings: Findings) -> None:
    """Do the handshake. Raises PlatformError; the link is left open then."""
    deadline = link.patience.step()
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            link.send(outgoing(connection), deadline)
            part = link.receive(deadline)
            if not part:
                raise ConnectionLost("Connection closed by peer") from None
            connection.bio_write(part)
        except SSL.Error as error:
            refusal = findings.error()
            if refusal is not None:
                raise refusal from error
            reason = _reason(error)
            raise SslProtocolError(f"SSL handshake aborted: {reason}") from error
        else:
            link.send(outgoing(connection), deadline)
            return


def outgoing(connection: SSL.Connection) -> bytes:
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
