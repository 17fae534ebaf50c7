from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.phone.ios import safari_words as words
from lab.phone.ios.safari import SafariActivity
from lab.phone.ios.screen_seam import Profile, Refused
from lab.phone.services import (
    Cancellation,
    ConnectError,
    HttpResponse,
    SslHandshakeError,
    SslPeerUnverifiedError,
)
from tests.patience import CAP
from tests.phone.ios.rigs import IosRig
from tests.phone.scripted import OK, Gate, find, press

URL = "https://api.acme.test/x"
PROFILE = HttpResponse(
    200, "OK", (("content-type", "application/x-apple-aspen-config"),), b"<plist/>", "HTTP/1.1"
)


class Web:
    """A web whose certificates are bad, and whose answer is ``answer``."""

    answer: HttpResponse | Exception = OK
    bad: Exception | None = None

    def __init__(self, verify: bool) -> None:
        self._verify = verify

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        if self._verify and self.bad is not None:
            raise self.bad
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Shelf:
    """Takes profiles, or says no."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.refuses = ""

    def download(self, content: bytes) -> Profile:
        if self.refuses:
            raise Refused(self.refuses)
        self.taken.append(content)
        return Profile("test.acme", "Acme")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> type[Web]:
    monkeypatch.setattr(Web, "answer", OK)
    monkeypatch.setattr(Web, "bad", None)
    return Web


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def safari(web: type[Web], shelf: Shelf, tmp_path: Path) -> Iterator[SafariActivity]:
    with IosRig(tmp_path) as rig:
        made = SafariActivity(rig.phone, shelf, None, web)  # type: ignore[arg-type]
        yield made
        made.close()


def load(safari: SafariActivity, url: str = URL) -> list[str]:
    safari.open(url)
    assert safari.wait_idle(CAP)
    return shown(safari)


def shown(safari: SafariActivity) -> list[str]:
    return [node.text for node in find(safari, "page").children]


def test_shows_a_page(safari: SafariActivity) -> None:
    assert load(safari) == ['{"status":"ok"}']
    assert find(safari, "address").text == URL
    assert find(safari, "reload").resource_id == "ReloadButton"


def test_loads_while_something_is_under_way(safari: SafariActivity, web: type[Web]) -> None:
    gate = Gate()

    class Slow(Web):
        def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
            gate()
            return OK

    safari._make_client = Slow
    safari.open(URL)
    assert gate.entered.wait(CAP)
    assert find(safari, "progress").text == "In progress"
    assert find(safari, "reload").resource_id == "StopButton"
    press(safari, "reload")
    assert shown(safari) == []
    gate.opened.set()
    assert safari.wait_idle(CAP)
    assert shown(safari) == []


@pytest.mark.parametrize("bad", [SslHandshakeError("x"), SslPeerUnverifiedError("x")])
def test_warns_of_a_certificate(safari: SafariActivity, web: type[Web], bad: Exception) -> None:
    web.bad = bad
    assert load(safari)[0] == words.NOT_PRIVATE
    press(safari, "details")
    assert words.VISIT in shown(safari)
    press(safari, "visit")
    # Nothing but the alert can be tapped now.
    press(safari, "go_back")
    assert words.VISIT in shown(safari)
    press(safari, "visit_sure")
    assert safari.wait_idle(CAP)
    assert shown(safari) == ['{"status":"ok"}']


def test_goes_back_from_a_warning(safari: SafariActivity, web: type[Web]) -> None:
    web.bad = SslHandshakeError("x")
    load(safari)
    press(safari, "details")
    press(safari, "visit")
    press(safari, "close")
    press(safari, "go_back")
    assert shown(safari) == []
    assert find(safari, "address").text == ""
    assert not safari.back()


def test_says_why_a_page_cannot_be_opened(safari: SafariActivity, web: type[Web]) -> None:
    web.answer = ConnectError("refused")
    heading, text = load(safari)
    assert heading == words.CANNOT_OPEN
    assert text.endswith('"Could not connect to the server." (NSURLErrorDomain:-1004)')
    web.answer = RuntimeError("odd")
    assert "RuntimeError: odd" in load(safari)[1]


def test_downloads_a_profile_that_is_allowed(
    safari: SafariActivity, web: type[Web], shelf: Shelf
) -> None:
    web.answer = PROFILE
    load(safari)
    assert find(safari, "alert").text == words.PROFILE_ASKS
    press(safari, "close")
    assert shelf.taken == []
    load(safari)
    press(safari, "allow")
    assert shelf.taken == [b"<plist/>"]
    assert find(safari, "alert").text == words.PROFILE_HERE
    press(safari, "close")
    with pytest.raises(LookupError):
        find(safari, "alert")
    shelf.refuses = "It is no profile."
    load(safari)
    press(safari, "allow")
    assert find(safari, "alert/text").text == "It is no profile."


def test_the_address_is_typed(safari: SafariActivity) -> None:
    press(safari, "address")
    safari.set_text(find(safari, "address"), "api.acme.test")
    safari.enter()
    assert safari.wait_idle(CAP)
    assert find(safari, "address").text == "https://api.acme.test"
    assert shown(safari) == ['{"status":"ok"}']
