"""The platform's judgement of a server's certificates inside the handshake: chain and dates.

OpenSSL builds and verifies the path, and the platform's rules have the last word about what it
found; the first finding that counts decides the error. Messages are Android's (Conscrypt's).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial

from cryptography import x509
from OpenSSL import SSL, crypto
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.phone.path_rules import ANDROID, Fault, PlatformRules
from lab.phone.services import CertificateTimeError, SslHandshakeError

MAX_DEPTH = 10
"""Intermediates between leaf and anchor."""

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
_EXPLICIT_CURVE = 94
"""X509_V_ERR_EC_KEY_EXPLICIT_PARAMS."""

_WORDS = {
    **dict.fromkeys(_UNTRUSTED, "Trust anchor for certification path not found."),
    **dict.fromkeys(_WEAK_KEY, "Algorithm constraints check failed: unacceptable key size"),
    _WEAK_SIGNATURE: "Algorithm constraints check failed: insecure signature hash",
    Code.ERR_CERT_SIGNATURE_FAILURE: "signature check failed",
    Code.ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: "signature check failed",
    Code.ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: "signature check failed",
    Code.ERR_INVALID_CA: "basic constraints check failed: this is not a CA certificate",
    Code.ERR_INVALID_NON_CA: "basic constraints check failed: this is not a CA certificate",
    _EXPLICIT_CURVE: "unsupported public key",
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
    rules: PlatformRules = ANDROID
    """What is right and what is wrong. Of no weight where nothing is verified."""
    session: SSL.Session | None = None
    """What the server may resume instead of showing its certificates again: a session of its
    own, in which they were judged by the same anchors."""


@dataclass(slots=True)
class Findings:
    """What was found out about a chain: its path, and the first thing that is wrong with it."""

    fault: Fault | None = None
    objection: str = ""
    """What the platform says against a path that OpenSSL likes; empty for nothing."""
    path: dict[int, crypto.X509] = field(default_factory=dict)
    """By depth: 0 for the leaf."""

    def error(self) -> SslHandshakeError | None:
        """Return what the platform raises, None where nothing was found."""
        fault = self.fault
        if self.objection:
            return SslHandshakeError(_PATH_ERROR + self.objection)
        if fault is None:
            return None
        if fault.code in _TIME:
            return CertificateTimeError(_time_words(fault))
        words = _WORDS.get(fault.code, f"certificate verification error {fault.code}")
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
    context.set_verify(SSL.VERIFY_PEER, partial(_consider, judge))


def _consider(
    judge: Judge,
    connection: SSL.Connection,
    certificate: crypto.X509,
    code: int,
    depth: int,
    ok: int,
) -> bool:
    """Called for every fault, and for every certificate of the path from the anchor down to the
    leaf once its signature and its dates are right."""
    findings = connection.get_app_data()
    assert isinstance(findings, Findings), "every connection has its own"
    findings.path[depth] = certificate
    trusted, below_anchor = (_is_anchor(judge, findings.path.get(d)) for d in (depth, depth + 1))
    fault = Fault(code, depth, certificate, trusted, below_anchor, judge.now)
    if ok:
        # OpenSSL's clock knows whole seconds only.
        fault = replace(fault, code=fault.missed_dates)
    if fault.code and not judge.rules.forgives(fault):
        findings.fault = fault
        return False
    return not ok or depth > 0 or _is_agreeable(judge, findings)


def _is_anchor(judge: Judge, certificate: crypto.X509 | None) -> bool:
    if certificate is None:
        return False
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) in judge.anchors


def _is_agreeable(judge: Judge, findings: Findings) -> bool:
    try:
        path = tuple(findings.path[depth].to_cryptography() for depth in sorted(findings.path))
    except (ValueError, x509.InvalidVersion):
        findings.objection = "a certificate cannot be read"
    else:
        findings.objection = next(judge.rules.objections(path, judge.now), "")
    return not findings.objection


@lru_cache(maxsize=1024)
def _anchor(der: bytes) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def _time_words(fault: Fault) -> str:
    begin = end = "an unreadable date"
    if fault.read is not None:
        begin, end = _date(fault.read.not_valid_before_utc), _date(fault.read.not_valid_after_utc)
    compared = f"(compared to {_date(datetime.fromtimestamp(fault.now, UTC))})"
    if fault.code == Code.ERR_CERT_HAS_EXPIRED:
        return f"{_EXPIRED}Certificate expired at {end} {compared}"
    return f"{_EARLY}Certificate not valid until {begin} {compared}"


def _date(moment: datetime) -> str:
    """Return a date as Java's ``Date.toString`` writes it, in GMT."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment:%d %H:%M:%S} GMT {moment.year}"
