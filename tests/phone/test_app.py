from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.model.pins import Mode
from lab.phone import activity
from lab.phone.app import MAX_LOG, TAG, SampleActivity
from lab.phone.app_view import DEFAULT_URL
from lab.phone.node import BUTTON, EDIT, HEIGHT, SWITCH, TEXT, WIDTH, Node
from lab.phone.sdk import errors
from lab.phone.sdk.errors import TrustPinError
from lab.phone.services import (
    Cancelled,
    CertificateTimeError,
    ConnectError,
    ConnectionLost,
    HttpProtocolError,
    HttpResponse,
    PlatformError,
    SdkSettings,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
    UnknownHost,
)
from lab.phone.state import PhoneState
from tests.patience import CAP
from tests.phone.scripted import (
    OK,
    Gate,
    ScriptedSdk,
    enter,
    fill,
    find,
    log_of,
    make_phone,
    press,
    raising,
    set_up,
)

URL = "https://api.acme.test/v1"
BEGIN_SETUP = [
    "Configuring TrustPin...",
    "   Organization ID: acme-org",
    "   Project ID: acme-shop",
    "   Public Key: MFkwEwYHKoZIzj0CAQYI...",
]
BEGIN_TEST = [
    f"Testing connection to: {URL}",
    "Making HTTP request...",
    "   Method: GET",
    f"   URL: {URL}",
    "   User-Agent: TrustPin-Android-Sample/1.0.0",
]
SDK_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TrustPinError) and kind is not TrustPinError
]
PLATFORM_ERRORS = [
    UnknownHost("api.acme.test"),
    ConnectError("Failed to connect to api.acme.test/127.0.0.1:443"),
    ConnectionLost("Connection reset"),
    SocketTimeout("timeout"),
    SslHandshakeError("Trust anchor for certification path not found."),
    CertificateTimeError("Certificate expired"),
    SslPeerUnverifiedError("Hostname api.acme.test not verified"),
    SslProtocolError("Read error"),
    HttpProtocolError("Unexpected status line"),
    PlatformError("broken"),
]


class Mute(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


class Nameless(TrustPinError):
    """A stand-in's error whose documented name cannot be had."""

    @property
    def code(self) -> str:
        raise RuntimeError


RUBBISH = [
    (ValueError("what?"), "ValueError: what?"),
    (SystemExit(3), "SystemExit: 3"),
    (KeyboardInterrupt(), "KeyboardInterrupt: "),
    (Mute(), "Mute: ?"),
    (RuntimeError("two\nlines\u2028three"), "RuntimeError: two lines three"),
]


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


Make = Callable[[ScriptedSdk], SampleActivity]


@pytest.fixture
def make(phone: PhoneState, tmp_path: Path) -> Iterator[Make]:
    made: list[SampleActivity] = []

    def make(sdk: ScriptedSdk) -> SampleActivity:
        made.append(SampleActivity(phone, sdk, tmp_path / "storage", "phone-1"))
        return made[-1]

    yield make
    for app in made:
        app.close()


def attempt(app: SampleActivity, url: str = URL) -> list[str]:
    """Return what the app says about a test, without what it says when it begins."""
    enter(app, "url", url)
    press(app, "test")
    assert app.wait_idle(CAP)
    said = log_of(app)
    assert said[: len(BEGIN_TEST) + 1] == ["Log cleared", *BEGIN_TEST]
    return said[len(BEGIN_TEST) + 1 :]


def test_every_element_is_there_in_order(make: Make) -> None:
    root = make(ScriptedSdk()).root()
    seen = [
        (node.class_name.rpartition(".")[2], node.text or node.hint)
        for node in root.walk()
        if node.text or node.hint
    ]
    assert [(kind, text) for kind, text in seen if "Welcome" not in text] == [
        ("TextView", "TrustPin Sample App"),
        ("TextView", "TrustPin not configured"),
        ("TextView", "TrustPin Configuration"),
        ("EditText", "Organization ID"),
        ("EditText", "Project ID"),
        ("EditText", "Public Key"),
        ("EditText", "Configuration URL"),
        ("EditText", "Report URL"),
        ("Switch", "Permissive Mode"),
        ("Button", "Setup TrustPin"),
        ("TextView", "Connection Testing"),
        ("EditText", "https://api.acme.test/health"),
        ("Button", "Test Connection"),
        ("Button", "Fetch Certificate"),
        ("TextView", "Log Output"),
        ("Button", "Clear Log"),
    ]
    assert root.find("url").hint == "Test URL"
    assert all(not node.content_desc and not node.resource_id for node in root.walk())


def test_nodes_lie_beside_each_other_within_their_parents(make: Make) -> None:
    root = make(ScriptedSdk()).root()
    assert root.bounds == (0, 0, WIDTH, HEIGHT)
    keys = [node.key for node in root.walk()]
    assert len(set(keys)) == len(keys)

    def check(node: Node) -> None:
        left, top, right, bottom = node.bounds
        for number, child in enumerate(node.children):
            x0, y0, x1, y1 = child.bounds
            assert left <= x0 < x1 <= right, child.key
            assert top <= y0 < y1 <= bottom, child.key
            for other in node.children[number + 1 :]:
                a0, b0, a1, b1 = other.bounds
                assert x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0, (child.key, other.key)
            check(child)

    check(root)


def test_the_log_begins_with_a_welcome_at_the_phones_time(make: Make, phone: PhoneState) -> None:
    lines = find(make(ScriptedSdk()), "log").text.split("\n")
    assert [re.sub(r"^\[12:00:0\d\] ", "", line) for line in lines] == [
        "Welcome to TrustPin Android Sample",
        "Configure TrustPin and test connections...",
        "TrustPin Android Sample started",
        "TrustPin configured for debug logging",
    ]


def test_a_moved_clock_stamps_the_lines(make: Make, phone: PhoneState) -> None:
    app = make(ScriptedSdk())
    phone.set_clock(phone.now() + 3600 * 25 + 60)
    press(app, "clear")
    assert re.fullmatch(r"\[13:01:0\d\] Log cleared", find(app, "log").text)


def test_the_phones_log_holds_the_same_lines(make: Make, phone: PhoneState) -> None:
    app = make(ScriptedSdk(get=raising(errors.PinsMismatch("no pin matches"))))
    shown = log_of(app)
    set_up(app)
    said = attempt(app)
    in_log = [line.message for line in phone.logcat.lines((TAG,))]
    assert in_log[: len(shown)] == shown
    assert in_log[-len(said) - len(BEGIN_TEST) :] == [*BEGIN_TEST, *said]
    assert [line.letter for line in phone.logcat.lines((TAG,))][-3:] == ["I", "E", "E"]


@pytest.mark.parametrize("missing", ["organization", "project", "public_key"])
def test_setup_needs_its_three_fields(make: Make, missing: str) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    fill(app)
    enter(app, missing, "  ")
    press(app, "setup")
    assert log_of(app)[4:] == ["Configuration failed: Missing required fields"]
    assert app.toast == "Please fill in all configuration fields"
    assert app.idle
    assert not sdk.made


def test_setup_hands_over_what_was_typed(make: Make, phone: PhoneState, tmp_path: Path) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    fill(app)
    enter(app, "configuration_url", "https://config.acme.test/pins")
    enter(app, "report_url", "https://reports.acme.test/")
    press(app, "permissive")
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert sdk.made == [(phone, tmp_path / "storage")]
    assert sdk.settings == [
        SdkSettings(
            organization_id="acme-org",
            project_id="acme-shop",
            public_key="MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
            mode=Mode.PERMISSIVE,
            configuration_url="https://config.acme.test/pins",
            report_url="https://reports.acme.test/",
            device="phone-1",
        )
    ]


def test_strict_is_what_the_switch_says_unless_it_is_on(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    press(app, "permissive")
    assert find(app, "permissive").checked
    press(app, "permissive")
    set_up(app)
    assert sdk.settings[0].mode is Mode.STRICT


INPUTS = ("organization", "project", "public_key", "configuration_url", "report_url", "permissive")


def test_setup_goes_through_its_states(make: Make) -> None:
    gate = Gate()
    app = make(ScriptedSdk(setup=gate))
    fill(app)
    press(app, "setup")
    assert gate.entered.wait(CAP)
    assert (find(app, "setup").text, find(app, "setup").enabled) == ("Configuring...", False)
    assert not app.idle
    assert not app.wait_idle(0.01)
    assert log_of(app)[4:] == BEGIN_SETUP
    press(app, "setup")
    press(app, "test")
    assert log_of(app)[8:] == ["Test connection failed: TrustPin not configured"]

    gate.opened.set()
    assert app.wait_idle(CAP)
    button = find(app, "setup")
    assert (button.text, button.enabled) == ("TrustPin Configured ✓", False)
    assert [find(app, key).enabled for key in INPUTS] == [False] * 6
    assert find(app, "status").text == "TrustPin configured"
    assert log_of(app)[9:] == [
        "TrustPin configuration successful",
        "Configuration fields locked - TrustPin is now configured",
    ]
    assert app.toast == "TrustPin configured successfully!"


def test_a_second_setup_is_ignored(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    set_up(app)
    press(app, "setup")
    assert log_of(app)[1:] == ["Setup attempt ignored: TrustPin already configured"]
    assert app.toast == "TrustPin is already configured"
    assert len(sdk.settings) == 1


@pytest.mark.parametrize("kind", SDK_ERRORS)
def test_an_sdk_error_fails_the_setup(make: Make, kind: type[TrustPinError]) -> None:
    errors_of = iter([kind("for a reason")])

    def setup(settings: SdkSettings) -> None:
        for error in errors_of:
            raise error

    app = make(ScriptedSdk(setup=setup))
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert log_of(app)[4:] == [
        *BEGIN_SETUP,
        "TrustPin configuration failed: for a reason",
        f"   Error type: {kind.__name__}",
    ]
    assert app.toast == "Configuration failed: for a reason"
    assert find(app, "status").text == "TrustPin not configured"
    button = find(app, "setup")
    assert (button.text, button.enabled) == ("Setup TrustPin", True)
    assert all(find(app, key).enabled for key in INPUTS)
    set_up(app)


@pytest.mark.parametrize("error", PLATFORM_ERRORS, ids=lambda e: type(e).__name__)
def test_a_platform_error_fails_the_setup(make: Make, error: PlatformError) -> None:
    app = make(ScriptedSdk(setup=raising(error)))
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert log_of(app)[8:] == [f"Unexpected error: {error}", f"   Error type: {error.java_name}"]


@pytest.mark.parametrize(("error", "said"), RUBBISH)
def test_rubbish_fails_the_setup_and_no_more(make: Make, error: BaseException, said: str) -> None:
    app = make(ScriptedSdk(setup=raising(error)))
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert log_of(app)[8:] == [f"Unexpected error: {said}"]
    assert find(app, "setup").enabled


def test_an_sdk_that_cannot_be_made_fails_the_setup(phone: PhoneState, tmp_path: Path) -> None:
    made: list[int] = []

    def make_sdk(phone: object, storage: Path) -> ScriptedSdk:
        made.append(1)
        if len(made) == 1:
            raise ImportError("no such thing")
        return ScriptedSdk()

    app = SampleActivity(phone, make_sdk, tmp_path, "phone-1")
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert log_of(app)[8:] == ["Unexpected error: ImportError: no such thing"]
    set_up(app)
    app.close()


def test_an_answer_is_success(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    set_up(app)
    assert attempt(app) == [
        "Response received:",
        "   Status: 200 OK",
        "   Headers: 2 headers",
        "Connection test successful!",
        '   Response: {"status":"ok"}',
    ]
    assert sdk.urls == [URL]
    assert app.toast == "Connection test successful!"
    assert find(app, "status").text == "TrustPin configured"


def test_the_url_is_the_labs_own_unless_another_is_typed(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    set_up(app)
    press(app, "test")
    assert app.wait_idle(CAP)
    assert sdk.urls == [DEFAULT_URL] == ["https://api.acme.test/health"]


def test_a_status_without_a_reason(make: Make) -> None:
    app = make(ScriptedSdk(get=lambda url: HttpResponse(204, "", (), b"", "HTTP/2")))
    set_up(app)
    assert attempt(app) == [
        "Response received:",
        "   Status: 204",
        "   Headers: 0 headers",
        "Connection test successful!",
        "   Response: ",
    ]


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [(404, "Not Found", "404 Not Found"), (302, "Found", "302 Found"), (503, "", "503")],
)
def test_another_status_is_a_failure(make: Make, status: int, reason: str, said: str) -> None:
    app = make(ScriptedSdk(get=lambda url: HttpResponse(status, reason, (), b"no", "HTTP/1.1")))
    set_up(app)
    assert attempt(app) == [
        "Response received:",
        f"   Status: {said}",
        "   Headers: 0 headers",
        f"Connection failed: HTTP {said}",
    ]
    assert app.toast == f"Connection failed: HTTP {said}"


@pytest.mark.parametrize("kind", SDK_ERRORS)
def test_an_sdk_error_fails_the_test(make: Make, kind: type[TrustPinError]) -> None:
    app = make(ScriptedSdk(get=raising(kind("for a reason"))))
    set_up(app)
    assert attempt(app) == [
        "TrustPin validation failed: for a reason",
        f"   Error type: {kind.__name__}",
    ]
    assert app.toast == "TrustPin validation failed: for a reason"
    assert find(app, "status").text == "TrustPin configured"
    assert find(app, "test").enabled


@pytest.mark.parametrize("error", PLATFORM_ERRORS, ids=lambda e: type(e).__name__)
def test_a_platform_error_fails_the_test(make: Make, error: PlatformError) -> None:
    app = make(ScriptedSdk(get=raising(error)))
    set_up(app)
    assert attempt(app) == [f"Connection failed: {error}", f"   Error type: {error.java_name}"]
    assert app.toast == f"Connection failed: {error}"


@pytest.mark.parametrize(("error", "said"), RUBBISH)
def test_rubbish_fails_the_test_and_no_more(make: Make, error: BaseException, said: str) -> None:
    app = make(ScriptedSdk(get=raising(error)))
    set_up(app)
    assert attempt(app) == [f"Connection failed: {said}"]
    assert find(app, "test").enabled


def test_an_error_without_a_name_is_called_by_its_class(make: Make) -> None:
    app = make(ScriptedSdk(get=raising(Nameless("odd"))))
    set_up(app)
    assert attempt(app) == ["TrustPin validation failed: odd", "   Error type: Nameless"]


@pytest.mark.parametrize("answer", [None, 7, "200 OK", HttpResponse(200, "OK", (), None, "")])  # type: ignore[arg-type]
def test_a_rubbish_answer_is_a_failure(make: Make, answer: object) -> None:
    app = make(ScriptedSdk(get=lambda url: answer))
    set_up(app)
    (said,) = attempt(app)
    assert re.fullmatch(r"Connection failed: (AttributeError|TypeError): .+", said)


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_a_server_writes_no_lines_of_its_own(make: Make, phone: PhoneState, breaks: str) -> None:
    forged = f"x{breaks}[12:00:00] TrustPin validation failed: forged"
    answer = HttpResponse(200, forged, (), forged.encode(), "HTTP/1.1")
    app = make(ScriptedSdk(get=lambda url: answer))
    set_up(app)
    said = attempt(app)
    assert len(said) == 5
    flat = "x [12:00:00] TrustPin validation failed: forged"
    assert (said[1], said[4]) == (f"   Status: 200 {flat}", f"   Response: {flat}")
    assert phone.logcat.lines((TAG,))[-1].message == said[4]


def test_a_body_is_shown_up_to_200_characters(make: Make) -> None:
    body = "\x00\ud7ff\ufffe".encode() + b"\xff\xfe" + "é\U0001f600".encode() * 500
    app = make(ScriptedSdk(get=lambda url: HttpResponse(200, "OK", (), body, "HTTP/1.1")))
    set_up(app)
    shown = attempt(app)[-1].removeprefix("   Response: ")
    assert len(shown) == 200
    # NUL and U+FFFE are no characters of XML, FF and FE are not UTF-8.
    assert shown.startswith("\ufffd\ud7ff\ufffd\ufffd\ufffdé\U0001f600é")


def test_a_long_error_is_cut(make: Make) -> None:
    app = make(ScriptedSdk(get=raising(errors.PinsMismatch("x" * 100_000))))
    set_up(app)
    failure, kind = attempt(app)
    assert 1000 < len(failure) < 3000
    assert kind == "   Error type: PinsMismatch"


def test_a_test_needs_a_setup(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    enter(app, "url", "")
    press(app, "test")
    assert log_of(app)[4:] == ["Test connection failed: TrustPin not configured"]
    assert app.toast == "Please configure TrustPin first"
    assert find(app, "test").enabled
    assert not sdk.urls


def test_a_test_needs_a_url(make: Make) -> None:
    app = make(ScriptedSdk())
    set_up(app)
    enter(app, "url", " ")
    press(app, "test")
    assert log_of(app)[1:] == ["Test connection failed: No URL provided"]
    assert app.toast == "Please enter a test URL"


def test_the_screen_stays_responsive_during_a_test(make: Make) -> None:
    gate = Gate()

    def get(url: str) -> HttpResponse:
        gate()
        return OK

    sdk = ScriptedSdk(get=get)
    app = make(sdk)
    set_up(app)
    press(app, "test")
    assert gate.entered.wait(CAP)
    assert find(app, "status").text == "Testing connection..."
    assert not find(app, "test").enabled
    assert not find(app, "fetch").enabled
    # Touches that were on their way when the buttons were disabled change nothing.
    press(app, "test")
    press(app, "fetch")
    press(app, "clear")
    enter(app, "url", "https://other.acme.test/")
    assert (find(app, "url").text, find(app, "url").focused) == ("https://other.acme.test/", True)
    assert log_of(app) == ["Log cleared"]
    gate.opened.set()
    assert app.wait_idle(CAP)
    assert find(app, "test").enabled
    assert (sdk.urls, sdk.hosts) == ([DEFAULT_URL], [])
    assert log_of(app)[1] == "Response received:"


def test_waiting_ends_with_the_event_not_with_the_cap(make: Make) -> None:
    gate = Gate()
    app = make(ScriptedSdk(setup=gate))
    fill(app)
    press(app, "setup")
    assert gate.entered.wait(CAP)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(app.wait_idle(60)))
    waiting.start()
    gate.opened.set()
    waiting.join(CAP)
    assert results == [True]


def test_a_certificate_is_shown_with_the_digest_of_its_text(make: Make) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    gate = Gate()

    def fetch(host: str, port: int) -> str:
        gate()
        return pem

    sdk = ScriptedSdk(fetch=fetch)
    app = make(sdk)
    press(app, "clear")
    enter(app, "url", "https://user@API.acme.test:8443/x?y#z")
    press(app, "fetch")
    assert gate.entered.wait(CAP)
    assert find(app, "status").text == "Fetching certificate..."
    gate.opened.set()
    assert app.wait_idle(CAP)
    text = find(app, "log").text
    stamp = r"\[12:00:0\d\] "
    assert re.fullmatch(
        f"{stamp}Log cleared\n"
        f"{stamp}Fetching certificate for: api.acme.test\n"
        f"{stamp}Certificate PEM:\n{pem}"
        f"{stamp}SHA-256 checksum: {hashlib.sha256(pem.encode()).hexdigest()}",
        text,
    )
    assert sdk.hosts == [("api.acme.test", 443)]
    assert app.toast == "Certificate fetched successfully!"
    assert find(app, "status").text == "TrustPin not configured"


@pytest.mark.parametrize(
    ("url", "reason", "toast"),
    [
        ("", "No URL provided", "Please enter a test URL"),
        ("nonsense", "Invalid URL", "Invalid URL"),
        ("https://", "Invalid URL", "Invalid URL"),
        ("https://[::1", "Invalid URL", "Invalid URL"),
    ],
)
def test_a_certificate_needs_a_host(make: Make, url: str, reason: str, toast: str) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    enter(app, "url", url)
    press(app, "fetch")
    assert log_of(app)[4:] == [f"Fetch certificate failed: {reason}"]
    assert app.toast == toast
    assert not sdk.hosts


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.Timeout("too slow"), "too slow"),
        (SslHandshakeError("no anchor"), "no anchor"),
        *RUBBISH,
    ],
)
def test_a_certificate_that_cannot_be_had(make: Make, error: BaseException, said: str) -> None:
    app = make(ScriptedSdk(fetch=raising(error)))
    press(app, "fetch")
    assert app.wait_idle(CAP)
    assert log_of(app)[5:] == [f"Fetch certificate failed: {said}"]
    assert app.toast == f"Fetch certificate failed: {said}"
    assert find(app, "fetch").enabled


def test_clearing_leaves_one_line(make: Make) -> None:
    app = make(ScriptedSdk())
    press(app, "clear")
    assert log_of(app) == ["Log cleared"]


def test_the_log_is_bounded(make: Make) -> None:
    app = make(ScriptedSdk())
    for _ in range(MAX_LOG):
        press(app, "test")
        press(app, "setup")
    lines = log_of(app)
    assert len(lines) == MAX_LOG
    assert lines[-1] == "Configuration failed: Missing required fields"


def test_typed_text_is_bounded_and_clean(make: Make) -> None:
    app = make(ScriptedSdk())
    enter(app, "project", "a\nb\x00c\ud800" + "x" * 10_000)
    assert find(app, "project").text.startswith("a b\ufffdc\ufffdx")
    assert len(find(app, "project").text) == 2000
    enter(app, "public_key", "-----BEGIN\nx")
    assert find(app, "public_key").text == "-----BEGIN\nx"


def test_one_field_has_the_focus(make: Make) -> None:
    app = make(ScriptedSdk())
    press(app, "project")
    enter(app, "url", "x")
    assert [node.key for node in app.root().walk() if node.focused] == ["url"]


def test_toasts_fade(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make(ScriptedSdk())
    now = time.monotonic()
    monkeypatch.setattr("lab.phone.activity.time.monotonic", lambda: now)
    press(app, "test")
    assert app.toast
    now += 4
    assert app.toast == ""


def test_closing_ends_the_sdk(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    set_up(app)
    app.close()
    assert sdk.closed.is_set()


def test_an_app_without_an_sdk_has_nothing_to_end(make: Make) -> None:
    sdk = ScriptedSdk()
    make(sdk).close()
    assert not sdk.made
    assert not sdk.closed.is_set()


def complaints(phone: PhoneState) -> list[str]:
    return [line.message for line in phone.logcat.lines(("ActivityManager",))]


def test_closing_during_a_test_shows_nothing_any_more(make: Make, phone: PhoneState) -> None:
    gate = Gate()

    def get(url: str) -> HttpResponse:
        gate()
        return OK

    # Closing ends the request, as a socket that is shut down does.
    app = make(ScriptedSdk(get=get, close=gate.opened.set))
    set_up(app)
    press(app, "test")
    assert gate.entered.wait(CAP)
    before = find(app, "log").text
    app.close()
    assert complaints(phone) == []
    assert not [t for t in threading.enumerate() if app.package in t.name]
    assert find(app, "log").text == before
    press(app, "test")
    assert app.idle


@pytest.mark.parametrize("where", ["get", "close"])
def test_closing_takes_a_second_at_most_whatever_hangs(
    make: Make, phone: PhoneState, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert activity.CLOSE_CAP < 1
    monkeypatch.setattr(activity, "CLOSE_CAP", 0.1)
    gate = Gate()
    sdk = ScriptedSdk(get=gate) if where == "get" else ScriptedSdk(close=gate)
    app = make(sdk)
    set_up(app)
    if where == "get":
        press(app, "test")
        assert gate.entered.wait(CAP)
    app.close()
    assert not gate.opened.is_set()
    assert app.idle
    what = "Testing connection..." if where == "get" else "end"
    assert complaints(phone) == [f"{app.package} {what} did not end"]
    gate.opened.set()
    for thread in threading.enumerate():
        if app.package in thread.name:
            thread.join(CAP)


def test_an_sdk_made_while_the_app_ends_does_not_outlive_it(
    phone: PhoneState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "CLOSE_CAP", 0.1)
    gate, sdk = Gate(), ScriptedSdk()

    def make_sdk(phone: object, storage: Path) -> ScriptedSdk:
        gate()
        return sdk

    app = SampleActivity(phone, make_sdk, tmp_path, "phone-1")
    fill(app)
    press(app, "setup")
    assert gate.entered.wait(CAP)
    app.close()
    gate.opened.set()
    assert sdk.closed.wait(CAP)


def test_a_closed_app_makes_no_sdk(make: Make) -> None:
    sdk = ScriptedSdk()
    app = make(sdk)
    app.close()
    with pytest.raises(Cancelled):
        app._sdk()
    assert not sdk.made


@pytest.mark.parametrize(("error", "said"), RUBBISH)
def test_an_sdk_that_fails_to_close_is_logged(
    make: Make, phone: PhoneState, error: BaseException, said: str
) -> None:
    app = make(ScriptedSdk(close=raising(error)))
    set_up(app)
    app.close()
    assert phone.logcat.lines((TAG,))[-1].message == f"closing the SDK: {said}"


def test_kinds_of_nodes(make: Make) -> None:
    root = make(ScriptedSdk()).root()
    clickable = {node.class_name for node in root.walk() if node.clickable}
    assert clickable == {EDIT, BUTTON, SWITCH}
    assert not any(node.clickable for node in root.walk() if node.class_name == TEXT)
    assert [node.key for node in root.walk() if node.checkable] == ["permissive"]
