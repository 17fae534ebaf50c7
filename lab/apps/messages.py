"""From what an app says in its log to what that means. Pure: lines in, outcome out.

Written for TrustPin's Android sample app (contract section 6.1), whose log has one entry on a
line, ``[HH:mm:ss] message``; a line without that goes on with the entry before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lab.model.outcome import DOCUMENTED_ERRORS, Answer, AppOutcome, ErrorKind

MAX_LOG = 40
"""Entries of an outcome's log."""

TEST_BEGINS = "Testing connection to:"
TEST_SUCCEEDED = "Connection test successful!"
TEST_FAILED = ("TrustPin validation failed:", "Connection failed:")
SETUP_BEGINS = "Configuring TrustPin..."
SETUP_SUCCEEDED = "TrustPin configuration successful"
SETUP_FAILED = ("TrustPin configuration failed:", "Unexpected error:")
ERROR_TYPE = "   Error type:"

_STAMP = re.compile(r"\[\d\d:\d\d:\d\d\] ")


def entries(text: str) -> tuple[str, ...]:
    """Return the messages of a log, oldest first, without their times."""
    found: list[str] = []
    for line in text.split("\n"):
        stamp = _STAMP.match(line)
        if stamp is not None:
            found.append(line[stamp.end() :])
        elif found:
            found[-1] += f"\n{line}"
        elif line:
            found.append(line)
    return tuple(found)


def read_test(log: Sequence[str]) -> AppOutcome:
    """Return what the entries say about the last attempt to request something.

    Entries before that attempt do not count. Without one, or without its end, the app was silent.
    """
    return read_attempt(log, TEST_BEGINS, TEST_SUCCEEDED, TEST_FAILED, _understood)


def read_setup(log: Sequence[str]) -> AppOutcome:
    """Return what the entries say about the last setup, as ``read_test`` does."""
    return read_attempt(log, SETUP_BEGINS, SETUP_SUCCEEDED, SETUP_FAILED, _understood)


Understand = Callable[[str, Sequence[str]], tuple[frozenset[ErrorKind], str | None]]
"""Returns what an error can mean and its documented name: called with what the app said, and with
the entries that follow."""


def read_attempt(
    log: Sequence[str],
    begins: str,
    success: str,
    failures: Sequence[str],
    understand: Understand,
) -> AppOutcome:
    """Return what the entries say about the last attempt, which begins, succeeds and fails with
    these words. Without one, or without its end, the app was silent."""
    starts = [index for index, entry in enumerate(log) if entry.startswith(begins)]
    if not starts:
        seen = "; ".join(log[-3:]) or "nothing"
        return _silent(f"the app never said {begins!r}; it said: {seen}", log)
    attempt = log[starts[-1] :]
    for index, entry in enumerate(attempt):
        # The first end counts: what comes after it may quote what a server sent.
        if entry.startswith(success):
            return AppOutcome(Answer.ACCEPTED, message=success, log=_kept(attempt))
        failure = next((words for words in failures if entry.startswith(words)), None)
        if failure is not None:
            said = entry.removeprefix(failure).strip()
            kinds, code = understand(said, attempt[index + 1 :])
            return AppOutcome(
                Answer.REFUSED,
                kinds,
                code=code,
                message=entry,
                log=_kept(attempt),
            )
    return _silent(f"the app did not say how it went; its last words: {attempt[-1]}", attempt)


def _understood(said: str, following: Sequence[str]) -> tuple[frozenset[ErrorKind], str | None]:
    meaning = read_error(said, _error_type(following[:1]))
    return frozenset({meaning.kind}), meaning.code


def _silent(message: str, log: Sequence[str]) -> AppOutcome:
    return AppOutcome(Answer.SILENT, message=message, log=_kept(log))


def _kept(log: Sequence[str]) -> tuple[str, ...]:
    return tuple(log[-MAX_LOG:])


def _error_type(following: Iterable[str]) -> str:
    entry = next(iter(following), "")
    return entry.removeprefix(ERROR_TYPE).strip() if entry.startswith(ERROR_TYPE) else ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is to the judge."""

    kind: ErrorKind
    code: str | None
    """The documented error name, else the Java class where the app named it."""


# A name inside a message counts where a class name stands: behind a package, a space or at the
# start, before a colon or at the end. A certificate's subject (CN=PinsMismatch) is no error.
_WRAPPED = re.compile(rf"(?:^|[\s.$])({'|'.join(DOCUMENTED_ERRORS)})(?=[:)\s]|$)")
_STATUS = re.compile(r"HTTP \d{3}\b")

_CLASSES = {
    "UnknownHostException": ErrorKind.NETWORK,
    "ConnectException": ErrorKind.NETWORK,
    "NoRouteToHostException": ErrorKind.NETWORK,
    "SocketException": ErrorKind.NETWORK,
    "SocketTimeoutException": ErrorKind.NETWORK,
    "InterruptedIOException": ErrorKind.NETWORK,
    "EOFException": ErrorKind.NETWORK,
    "ProtocolException": ErrorKind.HTTP,
    "SSLPeerUnverifiedException": ErrorKind.NAME,
    "SSLProtocolException": ErrorKind.TLS,
    "CertificateExpiredException": ErrorKind.TIME,
    "CertificateNotYetValidException": ErrorKind.TIME,
    "CertPathValidatorException": ErrorKind.CHAIN,
}
"""Java classes that say by themselves what happened."""

_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kind)
    for pattern, kind in (
        (r"certificate(expired|notyetvalid)exception", ErrorKind.TIME),
        (r"hostname .* not verified|sslpeerunverifiedexception", ErrorKind.NAME),
        (r"sslprotocolexception|protocol error|\balert\b|_alert_", ErrorKind.TLS),
        (r"ssl handshake aborted", ErrorKind.TLS),
        (r"certpathvalidatorexception|certificateexception|trust anchor", ErrorKind.CHAIN),
        (r"chain validation failed", ErrorKind.CHAIN),
        (r"unexpected end of stream|connection (reset|closed)|broken pipe", ErrorKind.NETWORK),
        (r"unable to resolve host|failed to connect|\btime(d )?out\b", ErrorKind.NETWORK),
        (r"unexpected response code for connect|tls tunnel", ErrorKind.NETWORK),
        (r"too many follow-up requests|unexpected status line", ErrorKind.HTTP),
    )
)
"""What Android's messages say, the most telling first: a handshake error wraps its cause."""


def read_error(message: str, error_type: str = "") -> Meaning:
    """Return what an error means that the app told by its message and, maybe, its class.

    The SDK's documented names come first, also inside the message of another error: platforms
    wrap what is raised in a handshake. Then the class where it says enough, then the words.
    """
    if error_type in DOCUMENTED_ERRORS:
        return Meaning(DOCUMENTED_ERRORS[error_type], error_type)
    code = error_type or None
    if _STATUS.match(message):
        return Meaning(ErrorKind.HTTP, code)
    wrapped = _WRAPPED.search(message)
    if wrapped is not None:
        return Meaning(DOCUMENTED_ERRORS[wrapped[1]], wrapped[1])
    simple = error_type.rpartition(".")[2]
    if simple in _CLASSES:
        return Meaning(_CLASSES[simple], code)
    for pattern, kind in _PATTERNS:
        if pattern.search(message):
            return Meaning(kind, code)
    if simple == "SSLHandshakeException":
        return Meaning(ErrorKind.CHAIN, code)
    return Meaning(ErrorKind.TLS if simple == "SSLException" else ErrorKind.UNKNOWN, code)
