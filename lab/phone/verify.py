"""The platform's judgement of a server's certificates: chain, dates, name.

OpenSSL builds and verifies the path inside the handshake; what it found decides the error.
Messages are Android's (Conscrypt's and OkHttp's).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto
from OpenSSL.SSL import X509VerificationCodes as Code
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)

from lab.phone.services import CertificateTimeError, SslHandshakeError, SslPeerUnverifiedError

MAX_DEPTH = 10
"""Intermediates between leaf and anchor."""
MAX_SHOWN = 1000
"""Characters of a name, or of a list of names, that an error message shows."""

_TIME = frozenset({Code.ERR_CERT_HAS_EXPIRED, Code.ERR_CERT_NOT_YET_VALID})
_UNTRUSTED = frozenset(
    {
        Code.ERR_UNABLE_TO_GET_ISSUER_CERT,
        Code.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        Code.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        Code.ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        Code.ERR_SELF_SIGNED_CERT_IN_CHAIN,
        Code.ERR_CERT_CHAIN_TOO_LONG,
        Code.ERR_CERT_UNTRUSTED,
    }
)
_WEAK_KEY = frozenset({66, 67})
"""X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL (openssl/x509_vfy.h)."""
_WEAK_SIGNATURE = 68
"""X509_V_ERR_CA_MD_TOO_WEAK."""

_WORDS = {
    **dict.fromkeys(_UNTRUSTED, "Trust anchor for certification path not found."),
    **dict.fromkeys(_WEAK_KEY, "Algorithm constraints check failed: unacceptable key size"),
    _WEAK_SIGNATURE: "Algorithm constraints check failed: insecure signature hash",
    Code.ERR_CERT_SIGNATURE_FAILURE: "signature check failed",
    Code.ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: "signature check failed",
    Code.ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: "signature check failed",
    Code.ERR_INVALID_CA: "basic constraints check failed: this is not a CA certificate",
    Code.ERR_INVALID_NON_CA: "basic constraints check failed: this is not a CA certificate",
    Code.ERR_PATH_LENGTH_EXCEEDED: "basic constraints check failed: pathLenConstraint violated",
    Code.ERR_KEYUSAGE_NO_CERTSIGN: "CA key usage check failed: keyCertSign bit is not set",
    Code.ERR_INVALID_PURPOSE: "Certificate does not have a valid extendedKeyUsage",
    Code.ERR_UNHANDLED_CRITICAL_EXTENSION: "unrecognized critical extension(s)",
    Code.ERR_PERMITTED_VIOLATION: "name constraints check failed",
    Code.ERR_EXCLUDED_VIOLATION: "name constraints check failed",
}
_EXPIRED = "java.security.cert.CertificateExpiredException: "
_EARLY = "java.security.cert.CertificateNotYetValidException: "
_PATH_ERROR = "java.security.cert.CertPathValidatorException: "

_ADDRESS = (ipaddress.IPv4Address, ipaddress.IPv6Address)
# English whatever the locale is, which strftime would follow.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@dataclass(frozen=True, slots=True)
class Judge:
    """What the platform judges by."""

    anchors: tuple[bytes, ...]
    """DER. A certificate among them need not sign for itself to be trusted."""
    now: float
    """The phone's time, epoch seconds."""
    verify: bool = True
    """False accepts every certificate."""


@dataclass(slots=True)
class Findings:
    """The first thing that OpenSSL did not like about a chain."""

    code: int = 0
    certificate: crypto.X509 | None = None

    def error(self, now: float) -> SslHandshakeError | None:
        """Return what the platform raises, None where nothing was found."""
        if not self.code:
            return None
        if self.code in _TIME and self.certificate is not None:
            return CertificateTimeError(_time_words(self.code, self.certificate, now))
        words = _WORDS.get(self.code, f"certificate verification error {self.code}")
        return SslHandshakeError(_PATH_ERROR + words)


def set_judge(context: SSL.Context, judge: Judge) -> None:
    """Let ``context`` verify as ``judge`` says. A connection's app data must be its Findings.

    A context belongs to one moment: OpenSSL's store takes a time once and ignores later ones.
    """
    if not judge.verify:
        context.set_verify(SSL.VERIFY_NONE)
        return
    store = context.get_cert_store()
    assert store is not None, "a context has a store from the start"
    for anchor in judge.anchors:
        # What OpenSSL cannot read cannot vouch for anything.
        with suppress(crypto.Error):
            store.add_cert(_anchor(anchor))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(datetime.fromtimestamp(judge.now, UTC))
    context.set_verify_depth(MAX_DEPTH)
    context.set_verify(SSL.VERIFY_PEER, _note)


def _note(
    connection: SSL.Connection, certificate: crypto.X509, code: int, _depth: int, ok: int
) -> bool:
    if ok:
        return True
    findings = connection.get_app_data()
    if isinstance(findings, Findings):
        findings.code = code
        findings.certificate = certificate
    return False


@lru_cache(maxsize=1024)
def _anchor(der: bytes) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def check_name(host: str, leaf: bytes) -> None:
    """Check that ``leaf`` (DER) is for ``host``, by its subjectAltName alone (RFC 9525).

    Raises SslPeerUnverifiedError; SslHandshakeError where the certificate cannot be read.
    """
    try:
        certificate = x509.load_der_x509_certificate(leaf)
        names = _names(certificate)
    except ValueError as error:
        raise SslHandshakeError("java.security.cert.CertificateParsingException") from error
    try:
        wanted = _wanted(host)
        verify_service_identity(list(_patterns(names)), [wanted], [])
    except (VerificationError, CertificateError, ValueError) as error:
        raise SslPeerUnverifiedError(_not_verified(host, certificate, names)) from error


def _names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(found.value)


def _wanted(host: str) -> DNS_ID | IPAddress_ID:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return DNS_ID(host.rstrip("."))
    return IPAddress_ID(host)


def _patterns(names: tuple[x509.GeneralName, ...]) -> Iterator[CertificatePattern]:
    for name in names:
        if isinstance(name, x509.DNSName):
            try:
                yield DNSPattern.from_bytes(name.value.encode())
            except CertificateError:
                # A name that cannot be matched says nothing about the others.
                continue
        elif isinstance(name, x509.IPAddress) and isinstance(name.value, _ADDRESS):
            yield IPAddressPattern(name.value)


def _not_verified(
    host: str, certificate: x509.Certificate, names: tuple[x509.GeneralName, ...]
) -> str:
    """Say it as OkHttp does, in lines that a certificate cannot add to."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
    plain = [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    listed = ", ".join(plain)
    return "\n    ".join(
        [
            f"Hostname {host} not verified:",
            f"certificate: sha256/{pin}",
            f"DN: {_printable(certificate.subject.rfc4514_string())}",
            f"subjectAltNames: [{_printable(listed)}]",
        ]
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_SHOWN])


def _time_words(code: int, certificate: crypto.X509, now: float) -> str:
    try:
        dates = certificate.to_cryptography()
        begin, end = _date(dates.not_valid_before_utc), _date(dates.not_valid_after_utc)
    except ValueError:
        begin = end = "an unreadable date"
    compared = f"(compared to {_date(datetime.fromtimestamp(now, UTC))})"
    if code == Code.ERR_CERT_HAS_EXPIRED:
        return f"{_EXPIRED}Certificate expired at {end} {compared}"
    return f"{_EARLY}Certificate not valid until {begin} {compared}"


def _date(moment: datetime) -> str:
    """Return a date as Java's ``Date.toString`` writes it, in GMT."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment:%d %H:%M:%S} GMT {moment.year}"
