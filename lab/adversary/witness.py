"""TLS as the adversary serves it: any chain, and a witness for every byte and alert."""

from __future__ import annotations

import functools
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key
from OpenSSL import SSL

from lab.adversary import alerts
from lab.adversary.track import Track
from lab.model.serving import Arming, Terminate
from lab.model.wire import Alert, TlsVersion

_CALLBACK_ALERT, _CALLBACK_READ = 0x4000, 0x04
_FATAL = 2
_VERSIONS = {TlsVersion.TLS12: SSL.TLS1_2_VERSION, TlsVersion.TLS13: SSL.TLS1_3_VERSION}
_HTTP_PROTOCOLS = (b"h2", b"http/1.1")

ANY_CIPHER = b"DEFAULT:@SECLEVEL=0"
"""What may be served is decided by the attack, not by OpenSSL's policy."""


class CannotServe(Exception):
    """No TLS server can be made of the chain, key and versions of an arming; it says why."""


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
        self.track.plaintext(data)
        return data


def prepare(arming: Arming) -> None:
    """Make everything ready that serving ``arming`` takes. Raises CannotServe."""
    for host, plan in arming.hosts:
        for serving in (plan.serving, plan.cleartext):
            if isinstance(serving, Terminate):
                try:
                    _context(serving.chain, serving.key, arming.versions)
                except (SSL.Error, ValueError, TypeError, IndexError) as error:
                    raise CannotServe(f"{arming.label}, {host}: {error}") from error


def connection(
    serving: Terminate, versions: tuple[TlsVersion, ...], track: Track
) -> WitnessedConnection:
    """Return the server side of a TLS connection that serves the chain of ``serving``."""
    track.served_chain = serving.digests
    made = WitnessedConnection(_context(serving.chain, serving.key, versions))
    made.track = track
    made.set_accept_state()
    return made


@functools.lru_cache(maxsize=64)
def _context(chain: tuple[bytes, ...], key: bytes, versions: tuple[TlsVersion, ...]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(min(_VERSIONS[v] for v in versions))
    context.set_max_proto_version(max(_VERSIONS[v] for v in versions))
    context.set_cipher_list(ANY_CIPHER)
    # A resumed session would skip the certificate, and with it the attack.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    leaf, *others = (x509.load_der_x509_certificate(certificate) for certificate in chain)
    context.use_certificate(leaf)
    for certificate in others:
        context.add_extra_chain_cert(certificate)
    private: Any = load_der_private_key(key, None)
    context.use_privatekey(private)
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
