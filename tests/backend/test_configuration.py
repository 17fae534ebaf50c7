from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.backend.configuration import MOVED_PATH, Configuration
from lab.backend.server import TlsService
from lab.loop import LabLoop
from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.model.publication import Fault
from lab.pinning.jws import (
    MAX_SIZE,
    ConfigurationRefused,
    new_signing_key,
    public_key_text,
    sign_configuration,
    verify_configuration,
)
from lab.pki.hierarchy import LabPki
from tests.backend.peers import Answered, Curl, client_context, secure
from tests.patience import CAP

HOST = "config.acme.test"
PIN = Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=")
WANTED = PinConfiguration((PinnedDomain("api.acme.test", (PIN,)),), 3)
KEY = new_signing_key()
TOKEN = sign_configuration(WANTED, KEY, issued_at=1_700_000_000)


def verified(body: bytes) -> PinConfiguration:
    return verify_configuration(body, public_key_text(KEY), now=time.time())


@pytest.fixture
def configuration() -> Configuration:
    return Configuration(slow_pause=0.01)


@pytest.fixture
def service(loop: LabLoop, pki: LabPki, configuration: Configuration) -> Iterator[TlsService]:
    with TlsService(loop, "configuration", configuration, pki.genuine(HOST)) as service:
        configuration.publish(TOKEN)
        yield service


HTTP = pytest.mark.parametrize("flag", ["--http1.1", "--http2"])


@HTTP
@pytest.mark.parametrize("path", ["/", "/some/where/pins.jws?v=1", MOVED_PATH])
def test_serves_the_configuration_at_any_path(
    service: TlsService, curl: Curl, flag: str, path: str
) -> None:
    answered = curl(service.endpoint, HOST, flag, path=path)
    assert (answered.status, answered.media_type) == (200, "text/plain")
    assert answered.body == TOKEN
    assert verified(answered.body) == WANTED


def test_serves_what_was_published_last(
    service: TlsService, configuration: Configuration, curl: Curl
) -> None:
    configuration.publish(b"right or wrong")
    assert curl(service.endpoint, HOST).body == b"right or wrong"


def test_nothing_is_there_until_something_is_published(
    loop: LabLoop, pki: LabPki, curl: Curl
) -> None:
    with TlsService(loop, "configuration", Configuration(), pki.genuine(HOST)) as service:
        assert curl(service.endpoint, HOST).status == 404


def test_only_get_is_served(service: TlsService, curl: Curl) -> None:
    assert curl(service.endpoint, HOST, data=b"{}").status == 405
    assert curl(service.endpoint, HOST, "--head").status == 200


def test_hits_tell_passes_apart(
    service: TlsService, configuration: Configuration, curl: Curl
) -> None:
    for path in ("/1", "/2"):
        curl(service.endpoint, HOST, path=path)
    assert [(hit.path, hit.sni) for hit in configuration.hits()] == [("/1", HOST), ("/2", HOST)]


def under(fault: Fault, service: TlsService, curl: Curl, *flags: str, path: str = "/") -> Answered:
    app = service._app
    assert isinstance(app, Configuration)
    app.fault = fault
    answered = curl(service.endpoint, HOST, *flags, path=path)
    app.fault = Fault.NONE
    # The fault was the only thing wrong, and leaves nothing behind.
    assert curl(service.endpoint, HOST, *flags).body == TOKEN
    return answered


@HTTP
@pytest.mark.parametrize(("fault", "status"), [(Fault.NOT_FOUND, 404), (Fault.SERVER_ERROR, 500)])
def test_error_statuses(
    service: TlsService, curl: Curl, flag: str, fault: Fault, status: int
) -> None:
    answered = under(fault, service, curl, flag)
    assert (answered.exit, answered.status) == (0, status)


@HTTP
def test_a_portal_page(service: TlsService, curl: Curl, flag: str) -> None:
    answered = under(Fault.HTML, service, curl, flag)
    assert answered.status == 200
    assert answered.media_type.startswith("text/html")
    with pytest.raises(ConfigurationRefused):
        verified(answered.body)


@HTTP
def test_truncated_is_complete_for_http_and_broken_for_jws(
    service: TlsService, curl: Curl, flag: str
) -> None:
    answered = under(Fault.TRUNCATED, service, curl, flag)
    assert (answered.exit, answered.status) == (0, 200)
    assert TOKEN.startswith(answered.body)
    assert 0 < len(answered.body) < len(TOKEN)
    with pytest.raises(ConfigurationRefused):
        verified(answered.body)


@HTTP
def test_cut_breaks_the_connection_off(service: TlsService, curl: Curl, flag: str) -> None:
    answered = under(Fault.CUT, service, curl, flag)
    # 18 partial body, 55 and 56 failed to send and receive, 92 HTTP/2 stream error.
    assert answered.exit in {18, 55, 56, 92}
    assert len(answered.body) < len(TOKEN)


@HTTP
def test_slow_comes_in_two_halves(service: TlsService, curl: Curl, flag: str) -> None:
    assert under(Fault.SLOW, service, curl, flag).body == TOKEN


@HTTP
def test_oversize_is_more_than_a_client_should_read(
    service: TlsService, curl: Curl, flag: str
) -> None:
    answered = under(Fault.OVERSIZE, service, curl, flag)
    assert (answered.exit, answered.status) == (0, 200)
    assert len(answered.body) == 2 * MAX_SIZE
    # Its size is the only thing wrong with it.
    assert verified(answered.body.rstrip(b"\n")) == WANTED
    with pytest.raises(ConfigurationRefused, match="longer"):
        verified(answered.body)


@HTTP
def test_a_redirect_can_be_followed(service: TlsService, curl: Curl, flag: str) -> None:
    answered = under(Fault.REDIRECT, service, curl, flag)
    assert answered.status == 302
    assert answered.location == f"https://{HOST}:{service.endpoint.port}{MOVED_PATH}"
    assert under(Fault.REDIRECT, service, curl, flag, "--location").body == TOKEN


@HTTP
def test_a_redirect_can_lead_out_of_tls(service: TlsService, curl: Curl, flag: str) -> None:
    answered = under(Fault.CLEAR_REDIRECT, service, curl, flag)
    assert answered.status == 302
    assert answered.location == f"http://{HOST}{MOVED_PATH}"


def test_a_request_that_hangs_was_heard(
    service: TlsService, configuration: Configuration, curl: Curl
) -> None:
    answered = under(Fault.HANG, service, curl, "--max-time", "1", path="/hung")
    assert (answered.exit, answered.status) == (28, 0)
    assert "/hung" in [hit.path for hit in configuration.hits()]


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW])
def test_a_client_that_gives_up_ends_its_request(
    loop: LabLoop, pki: LabPki, root: Path, fault: Fault
) -> None:
    configuration = Configuration()
    configuration.publish(TOKEN)
    configuration.fault = fault
    with (
        TlsService(loop, "configuration", configuration, pki.genuine(HOST)) as service,
        secure(service.endpoint, HOST, client_context(root)) as client,
    ):
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        if fault is Fault.SLOW:
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.shutdown(socket.SHUT_WR)
        loop.run(service._ended(CAP / 2))
        assert service._open == {}
    assert [hit.path for hit in configuration.hits()] == ["/"]


def test_every_fault_has_a_test() -> None:
    assert set(Fault) == {
        Fault.NONE,
        Fault.NOT_FOUND,
        Fault.SERVER_ERROR,
        Fault.HTML,
        Fault.TRUNCATED,
        Fault.CUT,
        Fault.SLOW,
        Fault.OVERSIZE,
        Fault.REDIRECT,
        Fault.CLEAR_REDIRECT,
        Fault.HANG,
    }
