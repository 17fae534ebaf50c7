from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.backend.origin import Origin
from lab.backend.server import TlsService
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.phone.browser import WEB_VIEW, BrowserActivity
from lab.phone.services import (
    BadUrl,
    Cancellation,
    Cancelled,
    CertificateTimeError,
    ClearConnection,
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
from lab.phone.state import PhoneState
from lab.phone.trust import USER_STORE
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.patience import CAP
from tests.phone.scripted import NOON, Gate, enter, find, make_phone, press

URL = "https://api.acme.test/"
PAGE = HttpResponse(200, "OK", (), b"Hello", "HTTP/1.1")


class ScriptedClient:
    """Answers with what ``answer`` makes of the URL; remembers what it was asked."""

    def __init__(self, answer: Callable[[str, bool, Cancellation], HttpResponse]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, bool]] = []
        self._verify = True

    def __call__(self, verify: bool) -> ScriptedClient:
        client = ScriptedClient(self._answer)
        client.asked, client._verify = self.asked, verify
        return client

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        assert cancellation is not None
        self.asked.append((url, self._verify))
        return self._answer(url, self._verify, cancellation)


def failing(error: BaseException) -> ScriptedClient:
    """Return a client that fails where it minds certificate errors."""

    def answer(url: str, verify: bool, cancellation: Cancellation) -> HttpResponse:
        if verify:
            raise error
        return PAGE

    return ScriptedClient(answer)


class DirectPhone(PhoneState):
    """A phone whose every connection goes to one endpoint."""

    endpoint = Endpoint("127.0.0.1", 9)

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        try:
            sock = socket.create_connection((self.endpoint.host, self.endpoint.port), timeout)
        except OSError as error:
            raise ConnectError(f"Failed to connect to {host}") from error
        if cancellation is not None:
            cancellation.watch(sock)
        return sock

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return ClearConnection(self.connect(host, port, timeout, cancellation), False)


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


Make = Callable[[ScriptedClient], BrowserActivity]


@pytest.fixture
def make(phone: PhoneState) -> Iterator[Make]:
    made: list[BrowserActivity] = []

    def make(client: ScriptedClient) -> BrowserActivity:
        made.append(BrowserActivity(phone, make_client=client))
        return made[-1]

    yield make
    for browser in made:
        browser.close()


def visible(browser: BrowserActivity) -> list[str]:
    """Return the texts to be seen, top to bottom; the title of a page is not one of them."""
    return [n.text for n in browser.root().walk() if n.text and n.class_name != WEB_VIEW]


def opened(browser: BrowserActivity, url: str = URL) -> list[str]:
    """Return what is to be seen below the address bar once ``url`` is open."""
    browser.open(url)
    assert browser.wait_idle(CAP)
    assert find(browser, "address").text == url
    return visible(browser)[2:]


def test_begins_with_a_blank_page(make: Make) -> None:
    browser = make(failing(PlatformError()))
    assert visible(browser) == ["Go"]
    assert find(browser, "address").hint == "Address"
    assert browser.idle
    assert not browser.back()


@pytest.mark.parametrize("url", [URL, "http://api.acme.test/clear"])
def test_shows_how_a_page_begins(make: Make, url: str) -> None:
    page = HttpResponse(404, "Not Found", (), b"<p>no\n" + b"x" * 500, "HTTP/1.1")
    client = ScriptedClient(lambda url, verify, cancellation: page)
    shown = opened(make(client), url)
    assert shown == ["<p>no " + "x" * 194]
    assert client.asked == [(url, True)]


def test_shows_a_status_only_where_there_is_nothing_else(make: Make) -> None:
    page = HttpResponse(404, "", (), b"", "HTTP/2")
    shown = opened(make(ScriptedClient(lambda *_: page)))
    assert (shown[0], shown[2]) == ("This page isn't working", "HTTP ERROR 404")


def test_an_empty_page_has_a_title(make: Make) -> None:
    page = HttpResponse(204, "", (), b"", "HTTP/2")
    browser = make(ScriptedClient(lambda *_: page))
    assert opened(browser) == []
    assert find(browser, "page").text == "api.acme.test/"


def test_shows_that_it_loads(make: Make) -> None:
    gate = Gate()

    def answer(*_: object) -> HttpResponse:
        gate()
        return PAGE

    browser = make(ScriptedClient(answer))
    browser.open(URL)
    assert gate.entered.wait(CAP)
    assert visible(browser) == [URL, "Go", "Loading..."]
    assert not browser.idle
    gate.opened.set()
    assert browser.wait_idle(CAP)
    assert visible(browser) == [URL, "Go", "Hello"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SslHandshakeError("x: Trust anchor for ... not found."), "AUTHORITY_INVALID"),
        (SslHandshakeError("x: unacceptable key size"), "WEAK_KEY"),
        (SslHandshakeError("x: insecure signature hash"), "WEAK_SIGNATURE_ALGORITHM"),
        (SslHandshakeError("x: name constraints check failed"), "NAME_CONSTRAINT_VIOLATION"),
        (SslHandshakeError("x: something else"), "INVALID"),
        (CertificateTimeError("Certificate expired"), "DATE_INVALID"),
        (SslPeerUnverifiedError("Hostname api.acme.test not verified"), "COMMON_NAME_INVALID"),
    ],
)
def test_a_certificate_error_can_be_overruled(make: Make, error: PlatformError, code: str) -> None:
    client = failing(error)
    browser = make(client)
    shown = opened(browser)
    assert shown[1].startswith("Attackers might be trying to steal your information from api.acme")
    del shown[1]
    assert shown == [
        "Your connection is not private",
        f"NET::ERR_CERT_{code}",
        "Back to safety",
        "Advanced",
    ]
    press(browser, "advanced")
    more, link = visible(browser)[-2:]
    assert "could not prove that it is api.acme.test" in more
    assert link == "Proceed to api.acme.test (unsafe)"
    press(browser, "advanced")
    assert visible(browser)[-1] == "Advanced"
    press(browser, "advanced")
    press(browser, "proceed")
    assert browser.wait_idle(CAP)
    assert visible(browser) == [URL, "Go", "Hello"]
    assert client.asked == [(URL, True), (URL, False)]
    # The exception was for that one request.
    assert opened(browser)[0] == "Your connection is not private"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownHost("api.acme.test"), "NAME_NOT_RESOLVED"),
        (ConnectError("Failed to connect"), "CONNECTION_REFUSED"),
        (ConnectionLost("Connection reset"), "CONNECTION_RESET"),
        (ConnectionLost("Connection closed by peer"), "CONNECTION_CLOSED"),
        (SocketTimeout("timeout"), "TIMED_OUT"),
        (ProxyError("Unexpected response code for CONNECT: 502"), "TUNNEL_CONNECTION_FAILED"),
        (SslProtocolError("Read error"), "SSL_PROTOCOL_ERROR"),
        (HttpProtocolError("Too many follow-up requests: 21"), "TOO_MANY_REDIRECTS"),
        (HttpProtocolError("Unexpected answer"), "INVALID_HTTP_RESPONSE"),
        (BadUrl("Expected URL scheme 'http' or 'https'"), "INVALID_URL"),
        (Cancelled("Canceled"), "ABORTED"),
        (PlatformError("broken"), "FAILED"),
    ],
)
def test_another_error_cannot(make: Make, error: PlatformError, code: str) -> None:
    shown = opened(make(failing(error)))
    assert len(shown) == 3
    assert shown[0].startswith("This ")
    assert shown[2] == f"ERR_{code}"


@pytest.mark.parametrize("error", [ValueError("what?"), SystemExit(3)])
def test_rubbish_is_shown_and_no_more(make: Make, error: BaseException) -> None:
    said = f"{type(error).__name__}: {error}"
    browser = make(failing(error))
    assert opened(browser) == ["This site can't be reached", said, "ERR_FAILED"]
    assert opened(browser)[0] == "This site can't be reached"


def test_goes_back_to_safety(make: Make) -> None:
    browser = make(failing(SslHandshakeError("no")))
    opened(browser)
    press(browser, "back")
    assert visible(browser) == ["Go"]
    opened(browser)
    assert browser.back()
    assert visible(browser) == ["Go"]
    with pytest.raises(LookupError):
        find(browser, "proceed")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [("api.acme.test/x", "https://api.acme.test/x"), (" http://a.test ", "http://a.test")],
)
def test_goes_to_what_is_typed(make: Make, typed: str, asked: str) -> None:
    client = ScriptedClient(lambda *_: PAGE)
    browser = make(client)
    enter(browser, "address", typed)
    press(browser, "go")
    assert browser.wait_idle(CAP)
    assert client.asked == [(asked, True)]
    assert find(browser, "address").text == asked


def test_nothing_typed_goes_nowhere(make: Make) -> None:
    client = ScriptedClient(lambda *_: PAGE)
    browser = make(client)
    press(browser, "go")
    assert browser.idle
    assert client.asked == []


def test_the_latest_page_counts(make: Make) -> None:
    first = Gate()

    def answer(url: str, verify: bool, cancellation: Cancellation) -> HttpResponse:
        if url.endswith("/slow"):
            first()
            with pytest.raises(Cancelled):
                cancellation.check()
            return HttpResponse(200, "OK", (), b"the old page", "HTTP/1.1")
        return PAGE

    browser = make(ScriptedClient(answer))
    browser.open(f"{URL}slow")
    assert first.entered.wait(CAP)
    browser.open(URL)
    first.opened.set()
    assert browser.wait_idle(CAP)
    assert visible(browser) == [URL, "Go", "Hello"]


def test_pages_that_hang_are_bounded(make: Make) -> None:
    gate = Gate()

    def answer(*_: object) -> HttpResponse:
        gate()
        return PAGE

    browser = make(ScriptedClient(answer))
    for _ in range(20):
        browser.open(URL)
    assert visible(browser)[2:] == [
        "This site can't be reached",
        "Too many pages are being loaded",
        "ERR_FAILED",
    ]
    assert len([t for t in threading.enumerate() if browser.package in t.name]) == 8
    gate.opened.set()
    assert browser.wait_idle(CAP)


def test_the_phones_log_tells_how_pages_went(make: Make, phone: PhoneState) -> None:
    opened(make(failing(UnknownHost("api.acme.test"))))
    (line,) = phone.logcat.lines(("Browser",))
    assert (line.letter, line.message) == (
        "E",
        f"{URL}: This site can't be reached: ERR_NAME_NOT_RESOLVED: {UnknownHost('api.acme.test')}",
    )


# What follows is the real client against a real server.


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki()


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@pytest.fixture
def direct(pki: LabPki, tmp_path: Path) -> DirectPhone:
    phone = DirectPhone(
        tmp_path / "home", tmp_path / "air", factory_anchors=[pki.public_root.certificate]
    )
    user = pki.user_root.certificate
    name = f"{subject_hash_old(user)}.0"
    phone.files.write(f"{USER_STORE}/{name}", user.public_bytes(Encoding.PEM))
    return phone


@pytest.fixture
def surf(direct: DirectPhone) -> Iterator[BrowserActivity]:
    browser = BrowserActivity(direct)
    yield browser
    browser.close()


Serve = Callable[[Credential], None]


@pytest.fixture
def serve(loop: LabLoop, direct: DirectPhone) -> Iterator[Serve]:
    started: list[TlsService] = []

    def serve(credential: Credential) -> None:
        service = TlsService(loop, "origin", Origin(), credential)
        started.append(service)
        service.start()
        direct.endpoint = service.endpoint

    yield serve
    for service in started:
        service.stop()


def test_trusts_the_system_store(pki: LabPki, serve: Serve, surf: BrowserActivity) -> None:
    serve(pki.genuine("api.acme.test"))
    assert '"served-by":"origin"' in opened(surf)[0].replace(" ", "")


def test_trusts_the_user_store(pki: LabPki, serve: Serve, surf: BrowserActivity) -> None:
    serve(pki.user.issue("api.acme.test"))
    assert '"served-by":"origin"' in opened(surf)[0].replace(" ", "")


def test_a_careless_user_is_intercepted(pki: LabPki, serve: Serve, surf: BrowserActivity) -> None:
    serve(pki.rogue.issue("api.acme.test"))
    shown = opened(surf)
    assert shown[0] == "Your connection is not private"
    assert shown[2:] == ["NET::ERR_CERT_AUTHORITY_INVALID", "Back to safety", "Advanced"]
    press(surf, "advanced")
    press(surf, "proceed")
    assert surf.wait_idle(CAP)
    assert '"served-by":"origin"' in visible(surf)[2].replace(" ", "")


def test_minds_names(pki: LabPki, serve: Serve, surf: BrowserActivity) -> None:
    serve(pki.genuine("other.acme.test"))
    shown = opened(surf)
    assert shown[0] == "Your connection is not private"
    assert shown[2] == "NET::ERR_CERT_COMMON_NAME_INVALID"


def test_minds_the_phones_clock(
    pki: LabPki, serve: Serve, surf: BrowserActivity, direct: DirectPhone
) -> None:
    serve(pki.genuine("api.acme.test"))
    direct.set_clock(NOON + 20 * 365 * 86400)
    assert opened(surf)[2] == "NET::ERR_CERT_DATE_INVALID"


def test_a_closed_port_cannot_be_reached(surf: BrowserActivity, direct: DirectPhone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        direct.endpoint = Endpoint("127.0.0.1", gone.getsockname()[1])
    shown = opened(surf)
    assert shown[0] == "This site can't be reached"
    assert shown[2] == "ERR_CONNECTION_REFUSED"


def test_loads_cleartext_and_says_who_it_is(surf: BrowserActivity, direct: DirectPhone) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        direct.endpoint = Endpoint("127.0.0.1", server.getsockname()[1])

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(CAP)
                while b"\r\n\r\n" not in b"".join(heard):
                    heard.append(peer.recv(4096))
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        serving = threading.Thread(target=answer)
        serving.start()
        assert opened(surf, "http://api.acme.test/x") == ["hi"]
        serving.join(CAP)
    request = b"".join(heard).decode()
    assert request.startswith("GET /x HTTP/1.1\r\n")
    assert re.search(r"(?im)^user-agent: Mozilla/5\.0 .*LabBrowser/1\.0\r$", request)


def test_closing_ends_a_page_that_hangs(surf: BrowserActivity, direct: DirectPhone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        direct.endpoint = Endpoint("127.0.0.1", silent.getsockname()[1])
        surf.open(URL)
        peer, _ = silent.accept()
        with peer:
            peer.settimeout(CAP)
            assert peer.recv(4096)
            surf.close()
            assert direct.logcat.lines(("ActivityManager",)) == ()
            assert not [t for t in threading.enumerate() if surf.package in t.name]
