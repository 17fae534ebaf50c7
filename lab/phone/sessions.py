"""The TLS sessions that an app's HTTP client may resume: those of servers that it accepted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from cryptography import x509
from OpenSSL import SSL

from lab.phone.tls import TlsConnection
from lab.phone.verify import Judge

MAX_SESSIONS = 32
"""Sessions that are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    session: SSL.Session
    anchors: tuple[bytes, ...]
    since: float
    until: float
    """On the phone's clock, epoch seconds: while the certificates are valid."""


class Sessions:
    """Sessions by server. May be used from any thread.

    A resumed handshake has no certificates, so a session stands for those of the handshake that
    it comes from. Each is offered once (RFC 8446 appendix C.4), to the server that it is of, and
    only while the platform would judge its certificates as it did.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[object, _Kept] = {}

    def key(self, host: str, port: int) -> object:
        """Return what is equal for servers that may resume each other's sessions."""
        return host, port

    def knows(self, host: str, port: int) -> bool:
        """Tell whether there is a session of this server."""
        return self.key(host, port) in self._kept

    def offered_to(self, host: str, port: int, judge: Judge) -> Judge:
        """Return ``judge`` with the session that this server is offered, if there is one."""
        with self._lock:
            kept = self._kept.pop(self.key(host, port), None)
        if kept is None or kept.anchors != judge.anchors:
            return judge
        if not kept.since <= judge.now <= kept.until:
            return judge
        return replace(judge, session=kept.session)

    def keep(self, host: str, port: int, judge: Judge, connection: TlsConnection) -> None:
        """Keep the session of a connection that was accepted, as it is now."""
        session = connection.session
        if session is None:
            return
        until = min(_end(certificate) for certificate in connection.chain)
        kept = _Kept(session, judge.anchors, judge.now, until)
        with self._lock:
            self._kept.pop(self.key(host, port), None)
            self._kept[self.key(host, port)] = kept
            if len(self._kept) > MAX_SESSIONS:
                del self._kept[next(iter(self._kept))]


def _end(certificate: bytes) -> float:
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        # A certificate that cannot be read is good for this one connection.
        return 0.0
