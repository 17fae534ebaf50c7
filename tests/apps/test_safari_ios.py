from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.apps.android import NotOnScreen
from lab.apps.ios import Page
from lab.apps.safari import Safari, read_page
from lab.apps.settings_ios import IosSettingsApp
from lab.model.outcome import Answer, ErrorKind
from lab.network.mobileconfig import root_profile
from lab.phone.ios import safari, safari_words
from lab.phone.services import (
    ConnectError,
    HttpResponse,
    PhoneServices,
    SslHandshakeError,
    SslProtocolError,
)
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.phone.ios.rigs import SETTINGS, IosRig
from tests.phone.ios.test_safari import Web
from tests.phone.scripted import OK

URL = "https://api.acme.test/x"
CERTIFICATE = {ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> type[Web]:
    def client(_: PhoneServices, verify: bool) -> Web:
        return Web(verify)

    monkeypatch.setattr(safari, "web_client", client)
    monkeypatch.setattr(Web, "answer", OK)
    monkeypatch.setattr(Web, "bad", None)
    return Web


@pytest.fixture
def rig(web: type[Web], tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture
def page(rig: IosRig) -> Safari:
    return Safari(rig.driver(), answer_cap=CAP)


@pytest.mark.parametrize("careless", [False, True])
def test_a_page_that_is_there_is_an_answer(page: Safari, careless: bool) -> None:
    outcome = page.open(URL, careless=careless)
    assert outcome.answer is Answer.ACCEPTED
    assert outcome.log == ("api.acme.test/x", '{"status":"ok"}')


def test_a_warning_is_a_refusal(page: Safari, web: type[Web]) -> None:
    web.bad = SslHandshakeError("no anchor")
    outcome = page.open(URL, careless=False)
    assert (outcome.answer, outcome.kinds) == (Answer.REFUSED, frozenset(CERTIFICATE))
    assert outcome.message.startswith("This Connection Is Not Private: This website may be")


def test_the_careless_tap_a_warning_away(page: Safari, web: type[Web]) -> None:
    web.bad = SslHandshakeError("no anchor")
    assert page.open(URL, careless=True).answer is Answer.ACCEPTED


@pytest.mark.parametrize(
    ("error", "kinds", "code"),
    [
        (ConnectError("x"), {ErrorKind.NETWORK}, "NSURLErrorDomain:-1004"),
        (SslProtocolError("x"), {ErrorKind.TLS, ErrorKind.CHAIN}, "NSURLErrorDomain:-1200"),
    ],
)
def test_an_error_is_told(
    page: Safari, web: type[Web], error: Exception, kinds: set[ErrorKind], code: str
) -> None:
    web.answer = error
    outcome = page.open(URL, careless=True)
    assert (outcome.answer, outcome.kinds, outcome.code) == (
        Answer.REFUSED,
        frozenset(kinds),
        code,
    )


def test_an_error_that_nobody_foresaw_is_unknown(page: Safari, web: type[Web]) -> None:
    web.answer = RuntimeError("odd")
    assert page.open(URL, careless=False).kinds == {ErrorKind.UNKNOWN}


def test_a_profile_is_downloaded_by_hand(page: Safari, web: type[Web], rig: IosRig) -> None:
    made = root_profile(LabPki().user_root.der)
    headers = (("content-type", "application/x-apple-aspen-config"),)
    web.answer = HttpResponse(200, "OK", headers, made.content, "HTTP/1.1")
    page.download_profile(URL)
    waiting = rig.phone.profiles.waiting()
    assert waiting is not None
    assert waiting.name == made.name
    settings = IosSettingsApp(rig.driver())
    settings.install_profile()
    assert settings.profiles() == [made.name]


def test_what_is_no_profile_is_not_downloaded(page: Safari, web: type[Web]) -> None:
    with pytest.raises(NotOnScreen, match="offers no profile"):
        page.download_profile(URL)
    headers = (("content-type", "application/x-apple-aspen-config"),)
    web.answer = HttpResponse(200, "OK", headers, b"garbage", "HTTP/1.1")
    with pytest.raises(NotOnScreen, match="was not downloaded"):
        page.download_profile(URL)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Safari can't open the page because it couldn't connect to the server.", "network"),
        ("Safari can't open the page because the server can't be found.", "network"),
        ("Safari can\N{RIGHT SINGLE QUOTATION MARK}t open it: too many redirects occurred", "http"),
        ("Safari couldn't establish a secure connection to the server.", "chain tls"),
        ("Something else", "unknown"),
    ],
)
def test_reads_safaris_own_words(text: str, kinds: str) -> None:
    source = (
        '<A><X type="XCUIElementTypeWebView" label="a.test">'
        f'<Y type="XCUIElementTypeStaticText" label="{safari_words.CANNOT_OPEN}"/>'
        f'<Y type="XCUIElementTypeStaticText" label="{text}"/></X></A>'
    )
    outcome = read_page(Page(source))
    assert outcome.answer is Answer.REFUSED
    assert " ".join(sorted(outcome.kinds)) == kinds


def test_another_app_in_front_is_told(page: Safari, rig: IosRig) -> None:
    source = f'<A><X type="XCUIElementTypeApplication" bundleId="{SETTINGS}" label="Settings"/></A>'
    outcome = read_page(Page(source))
    assert outcome.answer is Answer.SILENT
    assert f"is not in front, but {SETTINGS}" in outcome.message
