"""The whole client over real TLS: set-up, requests, verdicts, what listeners are told."""

from __future__ import annotations

import dataclasses
import ssl
import threading
from pathlib import Path

import pytest

from lab.backend import API, CONFIGURATION, WEBSITE, Outage
from lab.model.pins import Mode
from lab.phone.host_names import Names
from lab.phone.path_rules import PlatformRules
from lab.phone.sdk.client import ReferenceClient, ReferenceClient41
from lab.phone.sdk.errors import (
    AllPinsExpired,
    AlreadyInitialized,
    DomainNotRegistered,
    InvalidProjectConfig,
    InvalidServerCert,
    NotInitialized,
    PinsMismatch,
    SetupInProgress,
    Timeout,
    TrustPinError,
)
from lab.phone.sdk.events import ValidationEvent
from lab.phone.services import (
    BadUrl,
    CertificateTimeError,
    ConnectError,
    SslHandshakeError,
    SslPeerUnverifiedError,
    UnknownHost,
)
from tests.patience import CAP
from tests.phone.sdk.conftest import World
from tests.phone.sdk.peers import answer

URL = f"https://{API}/health"


def test_a_right_connection_is_used(world: World) -> None:
    client = world.ready()
    response = client.get(URL)
    assert (response.status, response.http_version) == (200, "HTTP/2")
    (hit,) = world.backend.origin.hits()
    assert (hit.method, hit.path) == ("GET", "/health")
    assert world.events == [ValidationEvent(API)]
    assert world.backend.collector.count() == 0


def test_the_documented_lines_are_logged(world: World) -> None:
    client = world.ready()
    client.get(f"https://{API.upper()}/")
    for line in (
        f"DEBUG TrustPin: Starting certificate verification for domain: {API}",
        f"DEBUG TrustPin: Sanitized domain: {API}",
        "DEBUG TrustPin: Using cached configuration",
        "DEBUG TrustPin: Found domain configuration with 2 pins",
        f"DEBUG TrustPin: Certificate hash matches spki_sha256 pin for domain {API}",
        f"INFO TrustPin: Valid pin found for {API}",
    ):
        assert line in world.phone.lines


def test_the_app_shows_the_samples_user_agent_and_its_own_headers(world: World) -> None:
    client = world.ready()
    peer = world.peer(world.pki.genuine(API), answer("204 No Content"))
    world.phone.addresses[API] = peer.endpoint
    assert client.get(URL, headers=[("X-Session", "1")]).status == 204
    sent = peer.wait()[0].received.lower()
    assert b"user-agent: trustpin-android-sample/1.0.0\r\n" in sent
    assert b"x-session: 1\r\n" in sent


def test_the_backup_key_is_as_good(world: World) -> None:
    client = world.ready()
    world.backend.renew(API, world.pki.backup(API))
    assert client.get(URL).status == 200


def test_a_device_trusted_ca_is_refused_before_a_byte_is_sent(world: World) -> None:
    client = world.ready()
    attacker = world.attack(API)
    with pytest.raises(PinsMismatch, match=f"Certificate pinning failed for domain '{API}'"):
        client.get(URL)
    (seen,) = attacker.wait()
    assert (seen.handshake, seen.received) == (True, b"")
    (event,) = world.events
    assert (event.host, type(event.error)) == (API, PinsMismatch)
    world.reported()
    world.relent()
    assert client.get(URL).status == 200


def test_the_listener_gets_the_leaf_that_was_served(world: World) -> None:
    """TP-18."""
    client = world.ready()
    credential = world.pki.compromised.issue(API)
    world.attack(API, credential)
    for _ in range(2):
        with pytest.raises(PinsMismatch):
            client.get(URL)
    assert [event.leaf for event in world.events] == [credential.chain_der[0]] * 2


def test_listeners_cannot_change_a_verdict(world: World) -> None:
    client = world.ready()

    def fail(event: ValidationEvent) -> None:
        raise RuntimeError("listener")

    later: list[ValidationEvent] = []
    client.add_listener(fail)
    client.add_listener(later.append)
    assert client.get(URL).status == 200
    world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)
    assert len(later) == 2
    assert world.phone.logged("a validation listener failed: RuntimeError: listener") == 2


def test_unregistered_hosts_are_refused_in_strict_mode(world: World) -> None:
    """TP-07, TP-10."""
    world.backend.serve_host(f"x.{API}")
    world.relent()
    client = world.ready()
    for host in (WEBSITE, f"x.{API}"):
        with pytest.raises(DomainNotRegistered):
            client.get(f"https://{host}/")
    assert [type(event.error) for event in world.events] == [DomainNotRegistered] * 2
    assert world.backend.origin.hits() == ()


def test_unregistered_hosts_pass_in_permissive_mode_without_an_event(world: World) -> None:
    client = world.ready(mode=Mode.PERMISSIVE)
    assert client.get(f"https://{WEBSITE}/").status == 200
    assert world.events == []
    assert world.phone.logged(f"INFO TrustPin: Domain {WEBSITE} is not registered") == 1
    world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)


@pytest.mark.parametrize("mode", list(Mode))
def test_expired_pins_are_refused_in_both_modes(world: World, mode: Mode) -> None:
    """TP-08, without a restart and with what the verifier remembers."""
    world.publish(api__acme__test=world.pins(API, world.phone.clock + 60))
    client = world.ready(mode=mode)
    assert client.get(URL).status == 200
    world.phone.clock += 60
    with pytest.raises(AllPinsExpired):
        client.get(URL)
    assert [type(event.error) for event in world.events] == [type(None), AllPinsExpired]


def test_the_platform_refuses_before_the_pins_are_asked(world: World) -> None:
    """TP-03: no event, no report."""
    client = world.ready()
    key = world.pki.genuine(API).key
    attackers = {
        SslHandshakeError: world.pki.rogue.issue(API, key=key),
        SslPeerUnverifiedError: world.pki.intermediate.issue("evil.acme.test", key=key),
    }
    for error, credential in attackers.items():
        attacker = world.attack(API, credential)
        with pytest.raises(error):
            client.get(URL)
        assert attacker.wait()[0].received == b""
    # What the user installed is not trusted: an app does not opt in.
    world.attack(API, world.pki.user.issue(API, key=key))
    with pytest.raises(SslHandshakeError):
        client.get(URL)
    assert world.events == []
    assert world.backend.collector.count() == 0


def test_a_clock_far_ahead_is_the_platforms_business(world: World) -> None:
    client = world.ready()
    world.phone.clock += 365 * 86_400
    with pytest.raises(CertificateTimeError):
        client.get(URL)
    world.phone.clock -= 365 * 86_400
    assert client.get(URL).status == 200


def test_each_hop_of_a_redirect_is_pinned(world: World) -> None:
    client = world.ready()
    moved = answer("302 Found", f"Location: https://{WEBSITE}/")
    world.phone.addresses[API] = world.peer(world.pki.genuine(API), moved).endpoint
    attacker = world.attack(WEBSITE)
    with pytest.raises(DomainNotRegistered):
        client.get(URL)
    assert attacker.wait()[0].received == b""
    assert [(event.host, event.error is None) for event in world.events] == [
        (API, True),
        (WEBSITE, False),
    ]


def test_plain_http_is_not_validated(world: World) -> None:
    """TP-16."""
    client = world.ready()
    peer = world.peer(None, answer("200 OK", body=b"clear"))
    world.phone.addresses["plain.acme.test"] = peer.endpoint
    assert client.get("http://plain.acme.test/").body == b"clear"
    assert world.events == []


@pytest.mark.parametrize("host", ["under_score.acme.test", "a-.acme.test"])
def test_a_host_that_is_no_host_name_is_refused(world: World, host: str) -> None:
    client = world.ready()
    attacker = world.attack(host, world.pki.intermediate.issue(host))
    with pytest.raises(InvalidServerCert):
        client.get(f"https://{host}/")
    assert attacker.wait()[0].received == b""
    assert world.events == []


@pytest.mark.parametrize("chain", [(), (b"rubbish",)])
def test_what_is_no_chain_is_refused_without_an_event(
    world: World, chain: tuple[bytes, ...]
) -> None:
    client = world.ready()
    with pytest.raises(InvalidServerCert):
        client.check(API, 443, chain)
    assert world.events == []
    assert len(client._queue) == 0


def test_network_failures_are_the_platforms_own(world: World) -> None:
    client = world.ready()
    with pytest.raises(UnknownHost):
        client.get("https://nowhere.acme.test/")
    world.backend.set_outage(API, Outage.REFUSE)
    with pytest.raises(ConnectError):
        client.get(URL)
    with pytest.raises(BadUrl):
        client.get("ftp://api.acme.test/")
    assert world.events == []


def test_nothing_is_requested_before_a_setup(world: World) -> None:
    client = world.launch()
    for url in (URL, f"http://{API}/"):
        with pytest.raises(NotInitialized):
            client.get(url)
    assert world.backend.traffic(API).connections == 0


def test_a_second_setup_is_refused(world: World) -> None:
    client = world.ready()
    with pytest.raises(AlreadyInitialized):
        client.setup(world.settings)
    assert len(world.backend.configuration.hits()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"organization_id": " "},
        {"project_id": ""},
        {"public_key": "rubbish"},
        {"configuration_url": "http://config.acme.test/"},
        {"report_url": "http://reports.acme.test/"},
    ],
)
def test_unusable_settings_are_refused_before_anything_is_sent(
    world: World, changes: dict[str, str]
) -> None:
    client = world.launch()
    settings = dataclasses.asdict(world.settings)
    with pytest.raises(InvalidProjectConfig):
        client.setup(type(world.settings)(**{**settings, **changes}))
    assert world.backend.traffic(CONFIGURATION).connections == 0
    with pytest.raises(NotInitialized):
        client.get(URL)
    client.setup(world.settings)
    assert client.get(URL).status == 200


def test_one_setup_at_a_time(world: World) -> None:
    """TP-15, of a version whose setup takes its time."""
    client = world.launch(ReferenceClient41)
    reached, proceed = threading.Event(), threading.Event()
    fetch, failures = client.fetch, []

    def slow(url: str, timeout: float) -> bytes:
        reached.set()
        assert proceed.wait(CAP)
        return fetch(url, timeout)

    def first() -> None:
        try:
            client.setup(world.settings)
        except TrustPinError as error:
            failures.append(error)

    client.fetch = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=first)
    thread.start()
    assert reached.wait(CAP)
    with pytest.raises(SetupInProgress):
        client.setup(world.settings)
    with pytest.raises(SetupInProgress):
        client.get(URL)
    proceed.set()
    thread.join(CAP)
    assert failures == []
    assert client.get(URL).status == 200


def test_a_certificate_can_be_fetched_without_a_setup(world: World) -> None:
    client = world.launch()
    leaf = world.pki.genuine(WEBSITE).chain_der[0]
    assert client.fetch_certificate(WEBSITE.upper() + ".") == ssl.DER_cert_to_PEM_cert(leaf)
    assert world.backend.origin.hits() == ()


def test_a_certificate_is_fetched_without_a_look_at_the_pins(world: World) -> None:
    """It is the platform that validates it; a device-trusted CA passes."""
    client = world.ready()
    credential = world.pki.compromised.issue(API)
    attacker = world.attack(API, credential)
    assert client.fetch_certificate(API) == ssl.DER_cert_to_PEM_cert(credential.chain_der[0])
    assert attacker.wait()[0].received == b""
    assert world.events == []


def test_a_certificate_that_the_platform_refuses_is_not_fetched(world: World) -> None:
    client = world.launch()
    for credential in (world.pki.rogue.issue(API), world.pki.intermediate.issue("x.acme.test")):
        world.attack(API, credential)
        with pytest.raises(InvalidServerCert):
            client.fetch_certificate(API)
    world.phone.addresses[API] = world.peer(None).endpoint
    with pytest.raises(UnknownHost):
        client.fetch_certificate("nowhere.acme.test")


@pytest.mark.parametrize(
    ("host", "port"),
    [("", 443), ("a/b", 443), ("a?b", 443), ("a#b", 443), ("a@b", 443), (API, 0), (API, 65536)],
)
def test_a_certificate_needs_a_host_and_a_port(world: World, host: str, port: int) -> None:
    with pytest.raises(InvalidServerCert):
        world.launch().fetch_certificate(host, port)


def test_a_certificate_has_a_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.sdk.client.DEFAULT_TIMEOUT", 0.2)
    world.backend.set_outage(API, Outage.HANG)
    with pytest.raises(Timeout):
        world.launch().fetch_certificate(API)


class UserStore(ReferenceClient):
    """A wrong client: trusts what the user installed."""

    user_store = True


class Careless(ReferenceClient):
    """A wrong client: the pins alone decide."""

    verify_chain = False


class Unpinned(ReferenceClient):
    """A wrong client: has no pins at all."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        return


def test_a_wrong_client_overrides_what_it_gets_wrong(world: World, tmp_path: Path) -> None:
    key = world.pki.genuine(API).key
    wrong = {
        UserStore: world.pki.user.issue(API, key=key),
        Careless: world.pki.rogue.issue(API, key=key),
        Unpinned: world.pki.compromised.issue(API),
    }
    for cls, credential in wrong.items():
        world.relent()
        client = world.ready(cls)
        peer = world.peer(credential, answer("200 OK"))
        world.phone.addresses[API] = peer.endpoint
        assert client.get(URL).status == 200
        assert b"GET /health" in peer.wait()[0].received


class AnyName(PlatformRules):
    def matches(self, host: str, names: Names) -> bool:
        return True


class NamesUnchecked(ReferenceClient):
    platform_rules = AnyName()


@pytest.mark.parametrize(("cls", "shared"), [(ReferenceClient, False), (NamesUnchecked, True)])
def test_the_rules_of_the_client_decide_which_hosts_share_a_connection(
    cls: type[ReferenceClient], shared: bool, world: World
) -> None:
    client = world.ready(cls, Mode.PERMISSIVE)
    for host in (API, WEBSITE):
        assert client.get(f"https://{host}/").status == 200
    assert (WEBSITE not in world.phone.connected) is shared
