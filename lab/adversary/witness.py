"""TLS as the adversary serves it: any chain, and a witness for every byte and alert."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key
from OpenSSL import SSL

from lab.adversary import alerts, oddities
from lab.adversary.track import Track
from lab.model.serving import Arming, HttpAnswer, Terminate
from lab.model.wire import Alert, TlsVersion
from lab.openssl import allow_early_data, is_resumed, read_early_data

_CALLBACK_ALERT, _CALLBACK_READ = 0x4000, 0x04
_FATAL = 2
_VERSIONS = {TlsVersion.TLS12: SSL.TLS1_2_VERSION, TlsVersion.TLS13: SSL.TLS1_3_VERSION}

ANY_CIPHER = b"DEFAULT:@SECLEVEL=0"
"""What may be served is decided by the attack, not by OpenSSL's policy."""


class CannotServe(Exception):
    """No TLS server can be made of the chain, key and versions of an arming; it says why."""


class WitnessedConnection(SSL.Connection):
    """An OpenSSL connection that tells its track what happens on it."""

    track: Track
    early: bytearray | None = None
    """Early data that has not been asked for yet; None where none is taken."""
    _early_done = False

    def do_handshake(self) -> None:
        if self.early is not None and not self._early_done:
            self._take_early_data(self.early)
        super().do_handshake()
        self.track.resumed = is_resumed(self)
        self._established()

    def _take_early_data(self, early: bytearray) -> None:
        before = len(early)
        try:
            read_early_data(self, early)
            self._early_done = True
        finally:
            if fresh := bytes(early[before:]):
                # It was read, whatever becomes of the handshake.
                self.track.resumed = True
                self._established()
                self.track.plaintext(fresh)

    def _established(self) -> None:
        if not self.track.course.established:
            alpn = self.get_alpn_proto_negotiated().decode("ascii", "replace")
            self.track.established(self.get_protocol_version_name(), alpn or None)

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        if self.early:
            taken = bytes(self.early[:bufsiz])
            del self.early[:bufsiz]
            return taken
        data = super().recv(bufsiz, flags)
        self.track.plaintext(data)
        return data


def prepare(arming: Arming) -> None:
    """Make everything ready that serving ``arming`` takes. Raises CannotServe."""
    for host, plan in arming.hosts:
        for serving in (plan.serving, plan.cleartext):
            if isinstance(serving, Terminate):
                try:
                    _context(_what(serving), arming.versions)
                    oddities.prepare(serving)
                except (SSL.Error, ValueError, TypeError, IndexError) as error:
                    raise CannotServe(f"{arming.label}, {host}: {error}") from error


def connection(
    serving: Terminate, versions: tuple[TlsVersion, ...], track: Track
) -> WitnessedConnection:
    """Return the server side of a TLS connection that serves the chain of ``serving``."""
    track.served_chain = serving.digests
    made = WitnessedConnection(_context(_what(serving), versions))
    made.track = track
    made.early = bytearray() if serving.early_data else None
    made.set_accept_state()
    return made


def _what(serving: Terminate) -> Terminate:
    """Return ``serving`` without what is said inside TLS, and what is made by hand: the key of
    what is prepared for it."""
    return replace(serving, answer=HttpAnswer(), anomaly=None)


@functools.lru_cache(maxsize=64)
def _context(serving: Terminate, versions: tuple[TlsVersion, ...]) -> SSL.Context:
    """Make a context. Tickets are under keys of its own, so that it resumes no others."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(min(_VERSIONS[v] for v in versions))
    context.set_max_proto_version(max(_VERSIONS[v] for v in versions))
    context.set_cipher_list(ANY_CIPHER)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if not serving.tickets:
        # A resumed session would skip the certificate, and with it the attack.
        context.set_options(SSL.OP_NO_TICKET)
    if serving.early_data:
        allow_early_data(context)
    leaf, *others = (x509.load_der_x509_certificate(one) for one in serving.chain)
    context.use_certificate(leaf)
    for certificate in others:
        context.add_extra_chain_cert(certificate)
    # Looking for mistakes in an RSA key takes as long as making one, and this one is our own.
    private: Any = load_der_private_key(serving.key, None, unsafe_skip_rsa_key_validation=True)
    context.use_privatekey(private)
    if serving.protocols:
        context.set_alpn_select_callback(_select(serving.protocols))
    context.set_info_callback(_note_alert)
    context.set_keylog_callback(_note_secret)
    return context


def _select(protocols: tuple[str, ...]) -> Callable[[SSL.Connection, Any], Any]:
    willing = tuple(protocol.encode() for protocol in protocols)

    def select(_: SSL.Connection, offered: Any) -> Any:
        return next((p for p in offered if p in willing), SSL.NO_OVERLAPPING_PROTOCOLS)

    return select


def _note_secret(connection: SSL.Connection, line: bytes) -> None:
    """Keep what decrypts the connection, for whoever captured it."""
    if isinstance(connection, WitnessedConnection):
        connection.track.secrets.append(line)


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
