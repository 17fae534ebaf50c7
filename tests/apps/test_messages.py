from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.apps.messages import MAX_LOG, entries, read_error, read_setup, read_test
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, ErrorKind
from lab.phone import app_words, services
from lab.phone.sdk import errors
from lab.phone.services import HttpResponse, PlatformError

URL = "https://api.acme.test/"
BEGIN = (
    f"Testing connection to: {URL}",
    "Making HTTP request...",
    "   Method: GET",
    f"   URL: {URL}",
    "   User-Agent: TrustPin-Android-Sample/1.0.0",
)
SUCCESS = (
    "Response received:",
    "   Status: 200 OK",
    "   Headers: 3 headers",
    "Connection test successful!",
    '   Response: {"status":"ok"}',
)


def test_entries_are_messages_without_times() -> None:
    text = (
        "[12:00:00] Certificate PEM:\n-----BEGIN CERTIFICATE-----\nMII\n"
        "[12:00:01]    Error type: x\n[12:00:02] [12:00:03] a\n"
    )
    assert entries(text) == (
        "Certificate PEM:\n-----BEGIN CERTIFICATE-----\nMII",
        "   Error type: x",
        "[12:00:03] a\n",
    )
    assert entries("") == ()
    assert entries("no time\n[12:00:00] a") == ("no time", "a")


def test_an_accepted_request() -> None:
    outcome = read_test((*BEGIN, *SUCCESS))
    assert outcome.answer is Answer.ACCEPTED
    assert outcome.kinds == frozenset()
    assert outcome.log == (*BEGIN, *SUCCESS)


def test_a_refused_request() -> None:
    failure = "TrustPin validation failed: the leaf matches no pin"
    outcome = read_test((*BEGIN, failure, "   Error type: PinsMismatch"))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.PIN}
    assert outcome.code == "PinsMismatch"
    assert outcome.message == failure


def test_only_the_last_attempt_counts() -> None:
    refused = (*BEGIN, "Connection failed: HTTP 404")
    assert read_test((*BEGIN, *SUCCESS, *refused)).answer is Answer.REFUSED
    assert read_test((*refused, *BEGIN, *SUCCESS)).answer is Answer.ACCEPTED
    silent = read_test((*BEGIN, *SUCCESS, *BEGIN))
    assert silent.answer is Answer.SILENT
    assert silent.log == BEGIN
    assert "its last words:    User-Agent" in silent.message


@pytest.mark.parametrize(
    "log",
    [
        (),
        ("Welcome to TrustPin Android Sample",),
        SUCCESS,
        ("Test connection failed: TrustPin not configured",),
        ("Test connection failed: No URL provided",),
    ],
)
def test_without_an_attempt_the_app_was_silent(log: tuple[str, ...]) -> None:
    outcome = read_test(log)
    assert outcome.answer is Answer.SILENT
    assert (log[-1] if log else "it said: nothing") in outcome.message
    assert outcome.log == log


def test_what_a_server_sends_is_not_taken_for_what_the_app_says() -> None:
    """An app that shows a response on several lines must not be talked into a refusal."""
    fake = "   Response: \nConnection failed: no\n   Error type: PinsMismatch"
    assert read_test((*BEGIN, *SUCCESS[:4], fake, "Connection failed: no")).answer is (
        Answer.ACCEPTED
    )
    text = "\n".join(f"[12:00:00] {line}" for line in (*BEGIN, *SUCCESS[:4], fake))
    assert read_test(entries(text)).answer is Answer.ACCEPTED


def test_the_log_of_an_outcome_is_bounded() -> None:
    assert len(read_test((*BEGIN, *("x",) * 100, *SUCCESS)).log) == MAX_LOG


@pytest.mark.parametrize("name", sorted(DOCUMENTED_ERRORS))
def test_every_documented_error_of_a_request(name: str) -> None:
    said = app_words.test_failed(getattr(errors, name)("something went wrong"))
    outcome = read_test((*BEGIN, *said.lines))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {DOCUMENTED_ERRORS[name]}
    assert outcome.code == name


@pytest.mark.parametrize("name", sorted(DOCUMENTED_ERRORS))
def test_every_documented_error_of_a_setup(name: str) -> None:
    begin = "Configuring TrustPin..."
    said = app_words.setup_failed(getattr(errors, name)("something went wrong"))
    outcome = read_setup((begin, *said.lines))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {DOCUMENTED_ERRORS[name]}
    assert outcome.code == name


def test_a_setup() -> None:
    begin = "Configuring TrustPin..."
    assert read_setup((begin, *app_words.SET_UP.lines)).answer is Answer.ACCEPTED
    unexpected = read_setup((begin, "Unexpected error: ValueError: no"))
    assert unexpected.answer is Answer.REFUSED
    assert unexpected.kinds == {ErrorKind.UNKNOWN}
    assert read_setup(app_words.FIELDS_MISSING.lines).answer is Answer.SILENT
    assert read_setup((begin,)).answer is Answer.SILENT


PATH = "java.security.cert.CertPathValidatorException: "
PLATFORM: list[tuple[PlatformError, ErrorKind]] = [
    (services.UnknownHost("api.acme.test"), ErrorKind.NETWORK),
    (services.ConnectError("Failed to connect to /127.0.0.1:443"), ErrorKind.NETWORK),
    (services.ProxyError("Unexpected response code for CONNECT: 502"), ErrorKind.NETWORK),
    (services.ProxyError("TLS tunnel buffered too many bytes!"), ErrorKind.NETWORK),
    (services.ConnectionLost("Connection reset"), ErrorKind.NETWORK),
    (services.ConnectionLost("Connection closed by peer"), ErrorKind.NETWORK),
    (services.SocketTimeout("timeout"), ErrorKind.NETWORK),
    (services.SslHandshakeError(PATH + "Trust anchor ... not found."), ErrorKind.CHAIN),
    (services.SslHandshakeError("The server showed no certificate"), ErrorKind.CHAIN),
    (
        services.CertificateTimeError(
            "java.security.cert.CertificateExpiredException: Certificate expired at Wed ..."
        ),
        ErrorKind.TIME,
    ),
    (
        services.CertificateTimeError(
            "java.security.cert.CertificateNotYetValidException: Certificate not valid until ..."
        ),
        ErrorKind.TIME,
    ),
    (
        services.SslPeerUnverifiedError("Hostname a.test not verified:\n    certificate: x"),
        ErrorKind.NAME,
    ),
    (services.SslProtocolError("SSL handshake aborted: sslv3 alert"), ErrorKind.TLS),
    (services.SslProtocolError("Read error: unexpected message"), ErrorKind.TLS),
    (services.HttpProtocolError("Too many follow-up requests: 21"), ErrorKind.HTTP),
    (services.HttpProtocolError("Unexpected answer: illegal status line"), ErrorKind.HTTP),
    (services.BadUrl("Expected URL scheme 'http' or 'https'"), ErrorKind.UNKNOWN),
    (services.Cancelled("Canceled"), ErrorKind.NETWORK),
]


@pytest.mark.parametrize(("error", "kind"), PLATFORM)
def test_every_error_of_the_platform(error: PlatformError, kind: ErrorKind) -> None:
    """What the phone's platform means by an error is what is read out of its words."""
    outcome = read_test((*BEGIN, *app_words.test_failed(error).lines))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {kind} == {error.kind}
    assert outcome.code == error.java_name


def test_no_platform_error_is_left_out() -> None:
    known = {
        value
        for value in vars(services).values()
        if isinstance(value, type) and issubclass(value, PlatformError)
    }
    assert known - {PlatformError} == {type(error) for error, _ in PLATFORM}


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("HTTP 404 Not Found", ErrorKind.HTTP),
        ("HTTP 503", ErrorKind.HTTP),
        ("HTTP 403 PinsMismatch", ErrorKind.HTTP),
        ("Trust anchor for certification path not found.", ErrorKind.CHAIN),
        ("Chain validation failed", ErrorKind.CHAIN),
        ("Hostname a not verified:\n certificate: sha256/x", ErrorKind.NAME),
        ('Unable to resolve host "a": No address associated with hostname', ErrorKind.NETWORK),
        ("failed to connect to a/1.2.3.4 (port 443) after 3000ms", ErrorKind.NETWORK),
        ("unexpected end of stream on https://a/...", ErrorKind.NETWORK),
        ("Read timed out", ErrorKind.NETWORK),
        ("Read error: ssl=0x7: Failure in SSL library, usually a protocol error", ErrorKind.TLS),
        (
            "error:1000042e:SSL routines:OPENSSL_internal:TLSV1_ALERT_PROTOCOL_VERSION",
            ErrorKind.TLS,
        ),
        ("Received fatal alert: handshake_failure", ErrorKind.TLS),
        ("something else", ErrorKind.UNKNOWN),
        ("", ErrorKind.UNKNOWN),
    ],
)
def test_words_alone(message: str, kind: ErrorKind) -> None:
    """Real Android apps tell the message without the class."""
    assert read_error(message).kind is kind


@pytest.mark.parametrize(
    "message",
    [
        "javax.net.ssl.SSLHandshakeException: cloud.trustpin.kotlin.sdk.TrustPinError$PinsMismatch",
        "cloud.trustpin.kotlin.sdk.PinsMismatch: the leaf matches no pin",
        "PinsMismatch",
        "java.security.cert.CertificateException: PinsMismatch: no pin",
        "PinsMismatch (host a)",
    ],
)
def test_a_documented_name_inside_another_error(message: str) -> None:
    """A platform wraps what is raised while it shakes hands."""
    for error_type in ("", "javax.net.ssl.SSLHandshakeException", "java.io.IOException"):
        meaning = read_error(message, error_type)
        assert (meaning.kind, meaning.code) == (ErrorKind.PIN, "PinsMismatch")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Hostname a not verified: DN: CN=PinsMismatch", ErrorKind.NAME),
        ("Hostname a not verified: subjectAltNames: [PinsMismatch]", ErrorKind.NAME),
        ('Unable to resolve host "PinsMismatch"', ErrorKind.NETWORK),
        ("NotPinsMismatch: x", ErrorKind.UNKNOWN),
        ("SocketTimeoutException: x", ErrorKind.UNKNOWN),
    ],
)
def test_a_name_that_is_no_error(message: str, kind: ErrorKind) -> None:
    assert read_error(message).kind is kind


@pytest.mark.parametrize(
    ("error_type", "kind"),
    [
        ("java.net.NoRouteToHostException", ErrorKind.NETWORK),
        ("java.io.EOFException", ErrorKind.NETWORK),
        ("java.security.cert.CertPathValidatorException", ErrorKind.CHAIN),
        ("javax.net.ssl.SSLHandshakeException", ErrorKind.CHAIN),
        ("javax.net.ssl.SSLException", ErrorKind.TLS),
        ("java.lang.IllegalStateException", ErrorKind.UNKNOWN),
    ],
)
def test_classes_alone(error_type: str, kind: ErrorKind) -> None:
    meaning = read_error("?", error_type)
    assert (meaning.kind, meaning.code) == (kind, error_type)


def test_an_answer_that_is_no_success() -> None:
    said = app_words.answered(HttpResponse(403, "Forbidden", (), b"", "HTTP/1.1"))
    outcome = read_test((*BEGIN, *said.lines))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.HTTP}


@given(st.lists(st.text(max_size=30) | st.sampled_from([*BEGIN, *SUCCESS, "Connection failed: x"])))
def test_any_log_means_something(log: list[str]) -> None:
    for read in (read_test, read_setup):
        outcome = read(log)
        assert bool(outcome.kinds) == (outcome.answer is Answer.REFUSED)


@given(st.text(), st.text())
def test_any_error_has_a_kind(message: str, error_type: str) -> None:
    assert read_error(message, error_type).kind in ErrorKind
