"""TLS as the adversary serves it: any chain, and a witness for every byte and alert."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from OpenSSL import SSL, crypto

from lab.adversary import alerts
from lab.adversary.recorder import Track
from lab.model.serving import Terminate
from lab.model.wire import Alert, TlsVersion

_CALLBACK_ALERT, _CALLBACK_READ = 0x4000, 0x04
_FATAL = 2
_VERSIONS = {TlsVersion.TLS12: SSL.TLS1_2_VERSION, TlsVersion.TLS13: SSL.TLS1_3_VERSION}
_HTTP_PROTOCOLS = (b"h2", b"http/1.1")

ANY_CIPHER = b"DEFAULT:@SECLEVEL=0"
"""What may be served is decided by the attack, not by OpenSSL's policy."""


class WitnessedConnection(SSL.Connection):
    """An OpenSSL connection that tells its track what happens on it."""

    track: Track

    def do_handshake(self) -> None:
        super().do_handshake()
        if not self.track.course.established:
            alpn = self.get_alpn_proto_negotiated().decode("ascii", "replace")
            self.track.established(self.get_protocol_version_name(), alpn or None)

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        data = super().recv(bufsiz, flags)
        self.track.course.plaintext(data)
        return data


def connection(
    serving: Terminate, versions: tuple[TlsVersion, ...], track: Track
) -> WitnessedConnection:
    """Return the server side of a TLS connection that serves the chain of ``serving``."""
    track.served_chain = _digests(serving.chain)
    made = WitnessedConnection(_context(serving.chain, serving.key, versions))
    made.track = track
    made.set_accept_state()
    return made


@functools.lru_cache(maxsize=512)
def _digests(chain: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(certificate).hexdigest() for certificate in chain)


@functools.lru_cache(maxsize=64)
def _context(chain: tuple[bytes, ...], key: bytes, versions: tuple[TlsVersion, ...]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(min(_VERSIONS[v] for v in versions))
    context.set_max_proto_version(max(_VERSIONS[v] for v in versions))
    context.set_cipher_list(ANY_CIPHER)
    # A resumed session would skip the certificate, and with it the attack.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.use_certificate(crypto.load_certificate(crypto.FILETYPE_ASN1, chain[0]))
    for certificate in chain[1:]:
        context.add_extra_chain_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, certificate))
    context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_ASN1, key))
    context.set_alpn_select_callback(_select_protocol)
    context.set_info_callback(_note_alert)
    return context


def _select_protocol(_: SSL.Connection, offered: Any) -> Any:
    return next((p for p in offered if p in _HTTP_PROTOCOLS), SSL.NO_OVERLAPPING_PROTOCOLS)


def _note_alert(connection: SSL.Connection, where: int, value: int) -> None:
    if not where & _CALLBACK_ALERT:
        return
    level, code = value >> 8 & 0xFF, value & 0xFF
    if code == alerts.CLOSE_NOTIFY or not isinstance(connection, WitnessedConnection):
        return
    track = connection.track
    if track.alert is None:
        track.alert = Alert(
            code,
            alerts.name_of(code),
            sent_by_client=bool(where & _CALLBACK_READ),
            fatal=level == _FATAL,
        )
