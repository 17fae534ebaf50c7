from __future__ import annotations

import pytest

from lab.apps.messages import SETUP_BEGINS
from lab.apps.messages_ios import REFUSED_BY_SDK, entry, read_error, read_setup, read_test
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, ErrorKind
from lab.phone.ios import test_app_words, url_errors
from lab.phone.sdk import errors
from lab.phone.sdk.errors import TrustPinError
from lab.phone.services import (
    BadUrl,
    Cancelled,
    CertificateTimeError,
    ConnectError,
    ConnectionLost,
    HttpProtocolError,
    HttpResponse,
    PlatformError,
    ProxyError,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
    UnknownHost,
)

URL = "https://api.acme.test/v1"
BEGIN = test_app_words.testing(URL).lines
SDK_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TrustPinError) and kind is not TrustPinError
]


def log(*said: tuple[str, ...]) -> list[str]:
    rows = [entry(f"[12:00:00] {line}") for lines in said for line in lines]
    return [row for row in rows if row is not None]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("[12:00:00] 📱 Method: GET", "Method: GET"),
        ("[12:00:00] ⚠️ Careful", "Careful"),
        ("[12:00:00] 📱 🌐 Testing connection to: a.test", "Testing connection to: a.test"),
        ("[12:00:00] ❌ Connection failed: (x)", "Connection failed: (x)"),
        ("[12:00:00] plain", "plain"),
        ("[12:00:00] 📱    Status: 200", "Status: 200"),
        ("12:00:00 📱 Method: GET", None),
        ("TrustPin Configuration", None),
    ],
)
def test_reads_rows(row: str, says: str | None) -> None:
    assert entry(row) == says


def test_reads_an_answer() -> None:
    answer = HttpResponse(200, "OK", (), b"hello", "HTTP/1.1")
    outcome = read_test(log(BEGIN, test_app_words.answered(answer).lines))
    assert outcome.answer is Answer.ACCEPTED
    assert outcome.log[0] == f"Testing connection to: {URL}"


def test_reads_a_status_that_is_no_answer() -> None:
    answer = HttpResponse(503, "", (), b"", "HTTP/2")
    outcome = read_test(log(BEGIN, test_app_words.answered(answer).lines))
    assert (outcome.answer, *outcome.kinds) == (Answer.REFUSED, ErrorKind.HTTP)


@pytest.mark.parametrize("kind", SDK_ERRORS, ids=lambda kind: kind.__name__)
def test_reads_every_documented_error(kind: type[TrustPinError]) -> None:
    failed = test_app_words.test_failed(kind("something went wrong"), URL).lines
    outcome = read_test(log(test_app_words.testing(URL).lines, failed))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {DOCUMENTED_ERRORS[kind.__name__]}
    setup = read_setup([SETUP_BEGINS, *log(test_app_words.setup_failed(kind("no")).lines)])
    assert setup.kinds == outcome.kinds


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (UnknownHost("api.acme.test"), {ErrorKind.NETWORK}),
        (ConnectError("refused"), {ErrorKind.NETWORK}),
        (ProxyError("no tunnel"), {ErrorKind.NETWORK}),
        (ConnectionLost("reset"), {ErrorKind.NETWORK}),
        (SocketTimeout("timeout"), {ErrorKind.NETWORK}),
        (SslHandshakeError("x"), {ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME}),
        (CertificateTimeError("x"), {ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME}),
        (SslPeerUnverifiedError("x"), {ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME}),
        (SslProtocolError("x"), {ErrorKind.TLS, ErrorKind.CHAIN}),
        (HttpProtocolError("x"), {ErrorKind.HTTP}),
        (HttpProtocolError("Too many follow-up requests: 21"), {ErrorKind.HTTP}),
        (BadUrl("x"), {ErrorKind.UNKNOWN}),
        (Cancelled("x"), REFUSED_BY_SDK),
        (PlatformError("whatever"), {ErrorKind.UNKNOWN}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_reads_the_platforms_errors(error: PlatformError, kinds: set[ErrorKind]) -> None:
    outcome = read_test(
        log(test_app_words.testing(URL).lines, test_app_words.test_failed(error, URL).lines)
    )
    assert outcome.kinds == kinds
    # Whatever iOS says of it, the true kind is among what that can mean.
    if ErrorKind.UNKNOWN not in kinds and not isinstance(error, Cancelled):
        assert error.kind in kinds


@pytest.mark.parametrize(
    ("message", "kinds", "code"),
    [
        (
            "The operation couldn\N{RIGHT SINGLE QUOTATION MARK}t be completed. "
            "(TrustPinKit.TrustPinErrors error 5.)",
            REFUSED_BY_SDK,
            None,
        ),
        ("cancelled", REFUSED_BY_SDK, None),
        ("pinsMismatch", {ErrorKind.PIN}, "PinsMismatch"),
        ("a timeout of some kind", {ErrorKind.UNKNOWN}, None),
        ("TrustPinErrors.timeout: it took too long", {ErrorKind.NETWORK}, "Timeout"),
        ("TrustPinErrors.brandNew: what", {ErrorKind.UNKNOWN}, "BrandNew"),
        ("The certificate for this server has expired.", {ErrorKind.TIME}, None),
        ("certificate CN=xpinsMismatchx", {ErrorKind.UNKNOWN}, None),
    ],
)
def test_reads_messages(message: str, kinds: set[ErrorKind], code: str | None) -> None:
    assert read_error(message) == (frozenset(kinds), code)


def test_a_bad_chain_names_the_host() -> None:
    told = url_errors.url_error(SslHandshakeError("x"), "a.test")
    assert told.code == -1202
    assert "\N{LEFT DOUBLE QUOTATION MARK}a.test" in told.text
