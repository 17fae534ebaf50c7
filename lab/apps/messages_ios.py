"""From what TrustPin's iOS TestApp says in its log to what that means (contract section 6.2).

A row of the log is ``[HH:mm:ss] <icon> message``; later versions have an icon in the message, too.
An error is told by its localizedDescription alone: iOS's own texts are those of NSURLErrorDomain in
English, and name several causes at once; the SDK's are not documented, its Swift names are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lab.apps.messages import (
    SETUP_BEGINS,
    SETUP_FAILED,
    SETUP_SUCCEEDED,
    TEST_BEGINS,
    TEST_FAILED,
    TEST_SUCCEEDED,
    read_attempt,
)
from lab.model.outcome import DOCUMENTED_ERRORS, AppOutcome, ErrorKind

_ROW = re.compile(r"\[\d\d:\d\d:\d\d\]\s+(?:[^\w\s]+\s+)*")
_STATUS = re.compile(r"HTTP \d{3}\b")

SWIFT_NAMES: Mapping[str, str] = {
    "invalidProjectConfig": "InvalidProjectConfig",
    "errorFetchingPinningInfo": "ErrorFetchingPinningInfo",
    "configurationValidationFailed": "ConfigurationValidationFailed",
    "configIntegrityFailed": "ConfigIntegrityError",
    "domainNotRegistered": "DomainNotRegistered",
    "pinsMismatch": "PinsMismatch",
    "allPinsExpired": "AllPinsExpired",
    "invalidServerCert": "InvalidServerCert",
    "alreadyInitialized": "AlreadyInitialized",
    "timeout": "Timeout",
}
"""Swift's documented names, and Kotlin's of the same (contract section 3.1)."""

_SWIFT = re.compile(rf"TrustPinErrors?\.({'|'.join(SWIFT_NAMES)}|[a-z]\w*)\b")
_BARE = re.compile(rf"\b({'|'.join(name for name in SWIFT_NAMES if name != 'timeout')})\b")

REFUSED_BY_SDK = frozenset(
    {
        ErrorKind.PIN,
        ErrorKind.PINS_EXPIRED,
        ErrorKind.UNREGISTERED,
        ErrorKind.CHAIN,
        ErrorKind.CONFIGURATION,
    }
)
"""What it can mean that the SDK cancelled a challenge, or that its error has but a number."""

_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), frozenset(kinds))
    for pattern, kinds in (
        (r"\bcancell?ed\b|TrustPin\w*Errors? error \d", REFUSED_BY_SDK),
        (r"certificate for this server (has expired|is not yet valid)", {ErrorKind.TIME}),
        (r"unknown certifying authority", {ErrorKind.CHAIN}),
        (
            r"certificate for this server is invalid",
            {ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME},
        ),
        # With ATS, iOS says so of a chain that it finds too weak as well.
        (r"SSL error has occurred", {ErrorKind.TLS, ErrorKind.CHAIN}),
        (r"requires a client certificate|did not accept the certificate", {ErrorKind.TLS}),
        (r"App Transport Security", {ErrorKind.NETWORK}),
        (
            r"hostname could not be found|could not connect|timed out|connection was lost"
            r"|appears to be offline|web proxy server",
            {ErrorKind.NETWORK},
        ),
        (r"cannot parse response|HTTP redirects|bad (server )?response", {ErrorKind.HTTP}),
    )
)


def entry(row: str) -> str | None:
    """Return what a row of the log says, without its time and icons; None for no row of a log."""
    match = _ROW.match(row)
    return None if match is None else row[match.end() :]


def read_test(log: Sequence[str]) -> AppOutcome:
    """Return what the entries say about the last attempt to request something. Without one, or
    without its end, the app was silent."""
    return read_attempt(log, TEST_BEGINS, TEST_SUCCEEDED, TEST_FAILED, _understood)


def read_setup(log: Sequence[str]) -> AppOutcome:
    """Return what the entries say about the last setup, as ``read_test`` does."""
    failed = (*SETUP_FAILED, "Configuration failed:")
    return read_attempt(log, SETUP_BEGINS, SETUP_SUCCEEDED, failed, _understood)


def read_error(message: str) -> tuple[frozenset[ErrorKind], str | None]:
    """Return what an error can mean that the app told by its localizedDescription, and its
    documented name (Kotlin's) where it has one."""
    if _STATUS.match(message):
        return frozenset({ErrorKind.HTTP}), None
    named = _SWIFT.search(message) or _BARE.search(message)
    if named is not None:
        code = SWIFT_NAMES.get(named[1], named[1][:1].upper() + named[1][1:])
        return frozenset({DOCUMENTED_ERRORS.get(code, ErrorKind.UNKNOWN)}), code
    for pattern, kinds in _TEXTS:
        if pattern.search(message):
            return kinds, None
    return frozenset({ErrorKind.UNKNOWN}), None


def _understood(said: str, _: Sequence[str]) -> tuple[frozenset[ErrorKind], str | None]:
    return read_error(said)
