from __future__ import annotations

import itertools

import pytest
from appium.webdriver.webdriver import WebDriver
from lxml import etree

from lab.apps.android import Page
from lab.apps.browser_android import PACKAGE, WEB_VIEW, AndroidBrowser, kind_of, read_page
from lab.apps.page import BrowserPage
from lab.model.outcome import Answer, ErrorKind
from lab.phone import services
from lab.phone.android.faults import Faults
from lab.phone.browser import BrowserActivity
from lab.phone.browser_words import error_page, page_of
from lab.phone.services import HttpResponse, PlatformError
from tests.patience import CAP
from tests.phone.android.webdriver.rigs import Rig
from tests.phone.scripted import OK, Gate

URL = "https://api.acme.test/"
CHROME = "com.android.chrome"


def source(*labels: str, package: str = PACKAGE, web: bool = True, loading: bool = False) -> str:
    """Return the source of a browser's screen that shows these texts."""
    root = etree.Element("hierarchy")
    frame = etree.SubElement(root, "android.widget.FrameLayout", package=package)
    etree.SubElement(frame, "e", {"class": "android.widget.EditText", "text": URL})
    if loading:
        etree.SubElement(frame, "e", {"class": "android.widget.ProgressBar"})
    inside = etree.SubElement(frame, "e", {"class": WEB_VIEW}) if web else frame
    for number, label in enumerate(labels):
        bounds = f"[0,{100 * number}][1000,{100 * number + 80}]"
        attributes = {"text": label, "bounds": bounds, "clickable": "true", "package": package}
        etree.SubElement(inside, "e", {"class": "android.widget.Button", **attributes})
    return etree.tostring(root, encoding="unicode")


def shown(*labels: str, package: str = PACKAGE) -> Page:
    return Page(source(*labels, package=package))


@pytest.mark.parametrize("status", [200, 204, 302, 404, 502])
def test_a_page(status: int) -> None:
    """No browser shows a status: a page that is there is an answer."""
    page = page_of(HttpResponse(status, "x", (), b"body", "HTTP/1.1"), URL)
    outcome = read_page(shown(page.title, page.text))
    assert (outcome.answer, outcome.kinds) == (Answer.ACCEPTED, frozenset())
    assert outcome.log == ("api.acme.test/", "body")


@pytest.mark.parametrize("status", [404, 502])
def test_an_error_of_the_server_without_a_page(status: int) -> None:
    page = page_of(HttpResponse(status, "x", (), b"", "HTTP/1.1"), URL)
    outcome = read_page(shown(page.title, page.heading, page.text, page.code))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.HTTP}
    assert outcome.code == str(status)


@pytest.mark.parametrize(
    "error",
    [
        services.SslHandshakeError("Trust anchor for certification path not found."),
        services.SslHandshakeError("insecure signature hash"),
        services.SslHandshakeError("something else"),
        services.CertificateTimeError("java.security.cert.CertificateExpiredException: x"),
        services.SslPeerUnverifiedError("Hostname a not verified: x"),
        services.SslProtocolError("SSL handshake aborted: alert"),
        services.UnknownHost("a"),
        services.ConnectError("no"),
        services.ConnectionLost("Connection reset"),
        services.ConnectionLost("Connection closed by peer"),
        services.ProxyError("502"),
        services.SocketTimeout("timeout"),
        services.Cancelled("Canceled"),
        services.HttpProtocolError("Unexpected answer"),
        services.HttpProtocolError("Too many follow-up requests: 21"),
        services.BadUrl("what?"),
    ],
)
def test_what_the_browser_says_of_an_error(error: PlatformError) -> None:
    page = error_page(error, URL)
    outcome = read_page(shown(page.title, page.heading, page.text, page.code))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {error.kind}
    assert outcome.code == page.code
    assert outcome.message == f"{page.heading}: {page.text}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NET::ERR_CERT_REVOKED", ErrorKind.CHAIN),
        ("NET::ERR_CERTIFICATE_TRANSPARENCY_REQUIRED", ErrorKind.CHAIN),
        ("NET::ERR_CERT_DATE_INVALID", ErrorKind.TIME),
        ("ERR_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN", ErrorKind.PIN),
        ("ERR_SSL_VERSION_OR_CIPHER_MISMATCH", ErrorKind.TLS),
        ("ERR_BAD_SSL_CLIENT_AUTH_CERT", ErrorKind.TLS),
        ("ERR_SSL_CLIENT_AUTH_CERT_NEEDED", ErrorKind.TLS),
        ("ERR_INTERNET_DISCONNECTED", ErrorKind.NETWORK),
        ("ERR_EMPTY_RESPONSE", ErrorKind.NETWORK),
        ("ERR_PROXY_CONNECTION_FAILED", ErrorKind.NETWORK),
        ("ERR_HTTP2_PROTOCOL_ERROR", ErrorKind.HTTP),
        ("ERR_UNKNOWN_URL_SCHEME", ErrorKind.UNKNOWN),
    ],
)
def test_chromiums_names(code: str, kind: ErrorKind) -> None:
    assert kind_of(code) is kind


def test_typographic_apostrophes_are_read_too() -> None:
    outcome = read_page(
        shown(
            "a",
            "This site can\N{RIGHT SINGLE QUOTATION MARK}t be reached",
            "x",
            "ERR_CONNECTION_REFUSED",
        )
    )
    assert outcome.kinds == {ErrorKind.NETWORK}


def test_an_error_that_has_no_name_is_a_refusal_all_the_same() -> None:
    outcome = read_page(shown("a", "No internet", "Try again"))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.UNKNOWN}


def test_everything_else_is_silence() -> None:
    assert read_page(shown()).answer is Answer.SILENT
    other = read_page(Page(source("Phone", package="com.launcher", web=False)), CHROME)
    assert other.answer is Answer.SILENT
    assert "com.launcher" in other.message
    assert "Phone" in other.message
    dialog = Page(source("Chrome isn't responding", package="android", web=False))
    assert read_page(dialog, CHROME).message == 'the phone says "Chrome isn\'t responding"'


class Client:
    """Minds certificates unless told not to; counts what it is asked."""

    asked: list[tuple[str, bool]]

    def __init__(self, verify: bool) -> None:
        self.verify = verify

    def request(self, url: str, **_: object) -> HttpResponse:
        Client.asked.append((url, self.verify))
        if self.verify and url.startswith("https:"):
            raise services.SslHandshakeError("java.security.cert.CertPathValidatorException: no")
        return OK


@pytest.fixture
def page(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> BrowserPage:
    def client(_: services.PhoneServices, verify: bool) -> Client:
        return Client(verify)

    Client.asked = []
    monkeypatch.setattr("lab.phone.browser.web_client", client)
    return AndroidBrowser(rig.driver())


def test_a_careful_user_goes_no_further(page: BrowserPage) -> None:
    outcome = page.open(URL, careless=False)
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.CHAIN}
    assert Client.asked == [(URL, True)]


def test_a_careless_user_taps_the_warning_away(page: BrowserPage) -> None:
    assert page.open(URL, careless=True).answer is Answer.ACCEPTED
    assert Client.asked == [(URL, True), (URL, False)]


def test_where_there_is_no_warning_nothing_is_tapped(page: BrowserPage) -> None:
    assert page.open("http://api.acme.test/", careless=True).answer is Answer.ACCEPTED
    assert Client.asked == [("http://api.acme.test/", True)]


def test_the_browser_is_brought_to_the_front_each_time(rig: Rig, page: BrowserPage) -> None:
    for number in range(3):
        rig.screen.home()
        assert page.open(f"http://api.acme.test/{number}", careless=False).answer is (
            Answer.ACCEPTED
        )
    assert isinstance(rig.screen.foreground, BrowserActivity)
    assert page.package == rig.screen.foreground.package


def test_a_page_that_loads_is_waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()

    class Slow(Client):
        def request(self, url: str, **_: object) -> HttpResponse:
            gate()
            return OK

    monkeypatch.setattr("lab.phone.browser.web_client", lambda _, verify: Slow(verify))
    driver = rig.driver()
    driver.update_settings({"waitForIdleTimeout": 20})
    assert AndroidBrowser(driver, answer_cap=0.2).open(URL, careless=False).answer is (
        Answer.SILENT
    )
    gate.opened.set()
    assert AndroidBrowser(driver).open(URL, careless=False).answer is Answer.ACCEPTED


class Script:
    """A driver whose screens come one after the other, each left by a tap."""

    def __init__(self, *sources: str) -> None:
        self._sources = list(sources)
        self.taps: list[dict[str, int]] = []
        self.opened: list[dict[str, str]] = []

    @property
    def page_source(self) -> str:
        return self._sources[0]

    def execute_script(self, script: str, arguments: dict[str, int]) -> None:
        if script == "mobile: clickGesture":
            self.taps.append(arguments)
            del self._sources[0]
        else:
            assert script == "mobile: deepLink"
            self.opened.append({key: str(value) for key, value in arguments.items()})


def chrome(*sources: str) -> tuple[AndroidBrowser, Script]:
    script = Script(*sources)
    driver: WebDriver = script  # type: ignore[assignment]
    return AndroidBrowser(driver, CHROME, answer_cap=CAP), script


def test_chromes_first_screens_are_tapped_away() -> None:
    browser, script = chrome(
        source("Welcome to Chrome", "Accept & continue", package=CHROME, web=False),
        source("Sign in", "Use without an account", "More", package=CHROME, web=False),
        source("Chrome notifications", "No thanks", package=CHROME, web=False),
        source("title", "the page", package=CHROME),
    )
    outcome = browser.open(URL, careless=False)
    assert outcome.answer is Answer.ACCEPTED
    assert script.opened == [{"url": URL, "package": CHROME}]
    assert script.taps == [{"x": 500, "y": 140}] * 3


def test_what_is_there_while_a_page_loads_does_not_count() -> None:
    """Chrome shows the last page until the next one comes."""
    sources = itertools.chain(
        [source("title", "the last page", package=CHROME, loading=True)] * 3,
        itertools.repeat(source("title", "This site can't be reached", "ERR_TIMED_OUT")),
    )

    class Loading(Script):
        @property
        def page_source(self) -> str:
            return next(sources)

    driver: WebDriver = Loading()  # type: ignore[assignment]
    outcome = AndroidBrowser(driver, CHROME, answer_cap=CAP).open(URL, careless=False)
    assert outcome.code == "ERR_TIMED_OUT"


def test_chromes_warning_about_plain_http() -> None:
    sources = (
        source("x", "Connection is not secure", "Continue to site", package=CHROME),
        source("title", "the page", package=CHROME),
    )
    browser, script = chrome(*sources)
    assert browser.open("http://a.test/", careless=False).answer is Answer.REFUSED
    assert script.taps == []
    browser, script = chrome(*sources)
    assert browser.open("http://a.test/", careless=True).answer is Answer.ACCEPTED


def test_a_warning_without_a_way_on_is_a_refusal() -> None:
    """HSTS: there is nothing to tap."""
    warning = ("Privacy error", "Your connection is not private", "x", "NET::ERR_CERT_INVALID")
    browser, _ = chrome(source(*warning, package=CHROME))
    assert browser.open(URL, careless=True).answer is Answer.REFUSED


def test_screens_that_never_end_are_given_up() -> None:
    again = source("Got it", package=CHROME, web=False)

    class Endless(Script):
        """Time is up once it has been looked at for as often as it may be tapped, and again."""

        looks = 0

        @property
        def page_source(self) -> str:
            self.looks += 1
            if self.looks > 20:
                browser._answer_cap = 0.0
            return again

    script = Endless(*[again] * 100)
    driver: WebDriver = script  # type: ignore[assignment]
    browser = AndroidBrowser(driver, CHROME, answer_cap=CAP)
    outcome = browser.open(URL, careless=False)
    assert outcome.answer is Answer.SILENT
    assert "Got it" in outcome.message
    assert len(script.taps) == 12


def test_a_browser_that_does_not_answer_is_said_to(rig: Rig) -> None:
    rig.system.faults = Faults(rig.phone, rig.screen, patience=0.05)
    rig.screen.launch(PACKAGE)
    assert rig.system.faults.freeze(PACKAGE)
    outcome = AndroidBrowser(rig.driver()).open(URL, careless=False)
    assert outcome.answer is Answer.SILENT
    assert outcome.message == 'the phone says "Browser isn\'t responding"'
