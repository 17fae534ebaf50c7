from __future__ import annotations

import pytest

from lab.apps.browser_android import AndroidBrowser, read_page
from lab.apps.page import BrowserPage
from lab.model.outcome import Answer, ErrorKind
from lab.phone import services
from lab.phone.browser import BrowserActivity, error_page
from lab.phone.services import HttpResponse, PlatformError
from tests.phone.android.webdriver.rigs import Rig
from tests.phone.scripted import OK

URL = "https://api.acme.test/"


def shown(error: PlatformError) -> list[str]:
    page = error_page(error, URL)
    return [text for text in (page.heading, page.text, page.detail) if text]


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_page(status: int) -> None:
    outcome = read_page([f"{status} Fine", "body"])
    assert (outcome.answer, outcome.message) == (Answer.ACCEPTED, f"{status} Fine")
    assert outcome.log == (f"{status} Fine", "body")


@pytest.mark.parametrize("status", [304, 404, 502])
def test_an_error_page_of_the_server(status: int) -> None:
    outcome = read_page([f"{status}", "body"])
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.HTTP}
    assert outcome.code == str(status)


@pytest.mark.parametrize(
    "error",
    [
        services.SslHandshakeError("java.security.cert.CertPathValidatorException: no"),
        services.CertificateTimeError("java.security.cert.CertificateExpiredException: x"),
        services.SslPeerUnverifiedError("Hostname a not verified: x"),
        services.SslProtocolError("SSL handshake aborted: alert"),
        services.UnknownHost("a"),
        services.SocketTimeout("timeout"),
        services.HttpProtocolError("Unexpected answer"),
    ],
)
def test_what_the_browser_says_of_an_error(error: PlatformError) -> None:
    outcome = read_page(shown(error))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {error.kind}
    assert outcome.code == error.java_name
    assert str(error) in outcome.message


@pytest.mark.parametrize("texts", [[], ["Loading..."], ["Welcome"], ["2000 years"]])
def test_everything_else_is_silence(texts: list[str]) -> None:
    assert read_page(texts).answer is Answer.SILENT


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
