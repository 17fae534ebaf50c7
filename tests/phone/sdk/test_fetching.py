"""The configuration over real TLS: what the service, the network and an attacker do to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.backend import API, COLLECTOR, CONFIGURATION, Fault, Outage
from lab.phone.sdk import configuration, lifecycle
from lab.phone.sdk.client import ReferenceClient41
from lab.phone.sdk.errors import (
    ConfigIntegrityError,
    ConfigurationValidationFailed,
    ErrorFetchingPinningInfo,
    NotInitialized,
    PinsMismatch,
    TrustPinError,
)
from lab.phone.sdk.storage import TOKEN
from lab.pinning.forgery import with_payload
from lab.pinning.jws import new_signing_key, sign_configuration
from tests.patience import LONG, eventually, not_waiting
from tests.phone.sdk.conftest import World
from tests.phone.sdk.peers import DrippingPeer, answer

URL = f"https://{API}/"
DAY = 86_400


Hurry = Callable[[bool], None]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """Sets whether sources are soon given up: those that hang, none that answers."""

    def set_caps(soon: bool) -> None:
        monkeypatch.setattr(configuration, "REFRESH_CAP", 0.4 if soon else LONG)
        monkeypatch.setattr(configuration, "COLD_CAP", 0.5 if soon else LONG)

    return set_caps


@pytest.fixture
def no_cooldown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a setup follow at once on one that failed."""
    monkeypatch.setattr(lifecycle, "COOLDOWN", 0.0)


def fetches(world: World) -> int:
    return len(world.backend.configuration.hits())


def test_a_warm_cache_needs_no_source(world: World) -> None:
    """TP-11."""
    client = world.ready()
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.phone.clock += 599
    assert client.get(URL).status == 200
    assert world.backend.traffic(CONFIGURATION).connections == 1


@pytest.mark.parametrize("outage", [Outage.REFUSE, Outage.RESET, Outage.HANG])
def test_a_stale_configuration_carries_the_app_through_an_outage(
    world: World, outage: Outage, hurry: Hurry
) -> None:
    client = world.ready()
    world.backend.set_outage(CONFIGURATION, outage)
    world.phone.clock += 601
    hurry(outage is Outage.HANG)
    assert client.get(URL).status == 200
    world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)
    tries = world.phone.logged(f"Failed to fetch configuration from {CONFIGURATION}")
    # One that hangs may have been given all the time that there is.
    assert tries == 2 or (outage is Outage.HANG and tries == 1)
    if outage is not Outage.REFUSE:
        assert eventually(lambda: world.backend.traffic(CONFIGURATION).turned_away == tries)


def test_after_a_day_the_app_fails_closed_and_recovers(world: World) -> None:
    client = world.ready()
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.phone.clock += DAY
    with pytest.raises(ErrorFetchingPinningInfo):
        client.get(URL)
    assert world.backend.origin.hits() == ()
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    assert client.get(URL).status == 200
    assert world.events[-1].error is None


OUTAGES = [Outage.REFUSE, Outage.RESET, Outage.HANG]


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_cold_start_without_a_source_is_told_at_the_first_request(
    world: World, outage: Outage, hurry: Hurry
) -> None:
    world.backend.set_outage(CONFIGURATION, outage)
    hurry(outage is Outage.HANG)
    client = world.launch()
    client.setup(world.settings)
    with pytest.raises(ErrorFetchingPinningInfo):
        client.get(URL)
    assert world.backend.origin.hits() == ()
    assert world.events == []
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    hurry(False)
    assert client.get(URL).status == 200


@pytest.mark.parametrize("outage", OUTAGES)
def test_before_6_it_is_told_at_the_setup(
    world: World, outage: Outage, no_cooldown: None, hurry: Hurry
) -> None:
    world.backend.set_outage(CONFIGURATION, outage)
    hurry(outage is Outage.HANG)
    client = world.launch(ReferenceClient41)
    with pytest.raises(ErrorFetchingPinningInfo):
        client.setup(world.settings)
    for call in (lambda: client.get(URL), client.configuration):
        with pytest.raises(NotInitialized):
            call()
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    hurry(False)
    client.setup(world.settings)
    assert client.get(URL).status == 200


def test_a_start_without_a_source_after_a_good_one_works(world: World) -> None:
    world.ready().close()
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.phone.clock += DAY - 1
    client = world.ready()
    assert client.get(URL).status == 200
    world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)


FAULTS = [
    (Fault.NOT_FOUND, ErrorFetchingPinningInfo),
    (Fault.SERVER_ERROR, ErrorFetchingPinningInfo),
    (Fault.HTML, ConfigurationValidationFailed),
    (Fault.TRUNCATED, ConfigurationValidationFailed),
    (Fault.CUT, ErrorFetchingPinningInfo),
    (Fault.SLOW, ErrorFetchingPinningInfo),
    (Fault.OVERSIZE, ErrorFetchingPinningInfo),
    (Fault.REDIRECT, ErrorFetchingPinningInfo),
    (Fault.HANG, ErrorFetchingPinningInfo),
]
WAITS = (Fault.SLOW, Fault.HANG)


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_whatever_the_service_does_wrong_is_survived(
    world: World, fault: Fault, error: type[TrustPinError], no_cooldown: None, hurry: Hurry
) -> None:
    world.backend.configuration.fault = fault
    hurry(fault in WAITS)
    client = world.launch(ReferenceClient41)
    with pytest.raises(error):
        client.setup(world.settings)
    world.backend.configuration.fault = Fault.NONE
    hurry(False)
    client.setup(world.settings)
    world.backend.configuration.fault = fault
    hurry(fault in WAITS)
    world.phone.clock += 601
    assert client.get(URL).status == 200
    # What was waited for may have been given all the time that there is.
    assert fetches(world) == 5 or (fault in WAITS and fetches(world) < 5)
    assert {hit.path for hit in world.backend.configuration.hits()} == {"/pins.jws"}


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_whatever_the_service_does_wrong_is_told_at_the_first_request(
    world: World, fault: Fault, error: type[TrustPinError], hurry: Hurry
) -> None:
    world.backend.configuration.fault = fault
    hurry(fault in WAITS)
    client = world.launch()
    client.setup(world.settings)
    with pytest.raises(error):
        client.get(URL)
    assert world.backend.origin.hits() == ()
    world.backend.configuration.fault = Fault.NONE
    hurry(False)
    assert client.get(URL).status == 200


def test_a_source_that_drips_has_no_more_time(world: World, hurry: Hurry) -> None:
    """Each byte comes in time, the whole does not."""
    client = world.ready()
    peer = world.peer(world.pki.genuine(CONFIGURATION), b"drips", DrippingPeer)
    world.phone.addresses[CONFIGURATION] = peer.endpoint
    world.phone.clock += 601
    hurry(True)
    with not_waiting():
        assert client.get(URL).status == 200


def test_what_the_owner_did_not_sign_is_refused(world: World) -> None:
    """TP-12, then the same while running: the old one stays in force."""
    token = world.token(2)
    other = world.token(3)
    forged = [
        sign_configuration(world.standard(2), new_signing_key()),
        with_payload(token, b'{"domains":[],"nbf":0,"version":9}'),
        token[:-4] + other[-4:],
        sign_configuration(world.standard(2), world.key, issued_at=4_000_000_000),
    ]
    for wrong in forged:
        world.serve(wrong)
        with pytest.raises(ConfigurationValidationFailed):
            world.ready().get(URL)
        with pytest.raises(ConfigurationValidationFailed):
            world.launch(ReferenceClient41).setup(world.settings)
    assert world.backend.origin.hits() == ()
    world.publish(1)
    client = world.ready()
    # Which it holds from then on, and not only from when the background has got to it.
    assert client.get(URL).status == 200
    world.phone.lines.clear()
    for number, wrong in enumerate(forged, 1):
        world.serve(wrong)
        world.phone.clock += 601
        assert client.get(URL).status == 200
        assert client.configuration() == world.standard(1)
        refused = "Configuration not refreshed: ConfigurationValidationFailed"
        assert world.phone.logged(refused) == number


def test_an_older_configuration_is_refused(world: World) -> None:
    """TP-13."""
    old = world.pins(API)
    world.publish(1, withdrawn__acme__test=old)
    replayed = world.published
    world.publish(2)
    client = world.ready()
    world.serve(replayed)
    world.phone.clock += 601
    assert client.get(URL).status == 200
    assert client.configuration().version == 2
    client.close()
    again = world.ready()
    assert again.get(URL).status == 200
    assert again.configuration().version == 2
    again.close()
    (world.storage / TOKEN).unlink()
    with pytest.raises(ConfigIntegrityError):
        world.ready().get(URL)


def test_a_withdrawn_pin_is_refused_after_the_next_fetch(world: World) -> None:
    """TP-14, TP-05: what the verifier remembers of the leaf goes with the configuration."""
    client = world.ready()
    assert client.get(URL).status == 200
    world.publish(2, api__acme__test=world.pins(API)[1:])
    assert client.get(URL).status == 200
    world.phone.clock += 601
    with pytest.raises(PinsMismatch):
        client.get(URL)
    world.backend.renew(API, world.pki.backup(API))
    assert client.get(URL).status == 200


def test_a_source_without_pins_has_the_platforms_word(world: World) -> None:
    client = world.ready()
    world.publish(2)
    attacker = world.peer(world.pki.rogue.issue(CONFIGURATION), answer("200 OK", body=b"x"))
    world.phone.addresses[CONFIGURATION] = attacker.endpoint
    world.phone.clock += 601
    assert client.get(URL).status == 200
    assert {seen.received for seen in attacker.wait(2)} == {b""}
    trusted = world.peer(
        world.pki.compromised.issue(CONFIGURATION), answer("200 OK", body=world.published)
    )
    world.phone.addresses[CONFIGURATION] = trusted.endpoint
    world.phone.clock += 6
    assert client.configuration().version == 2
    assert b"GET /pins.jws" in trusted.wait()[0].received


def test_a_source_with_pins_is_pinned(world: World) -> None:
    """By what is held; a first start has nothing to go by."""
    world.publish(1, config__acme__test=world.pins(CONFIGURATION))
    client = world.ready()
    world.publish(2)
    attacker = world.attack(CONFIGURATION)
    world.phone.clock += 601
    assert client.get(URL).status == 200
    assert {seen.received for seen in attacker.wait(2)} == {b""}
    assert client.configuration().version == 1
    reports = world.reported(2)
    assert {(report.host, report.error) for report in reports} == {(CONFIGURATION, "PinsMismatch")}
    assert len(reports) == 2
    world.relent()
    world.phone.clock += 6
    assert client.configuration().version == 2


def test_pins_that_expired_do_not_keep_new_ones_out(world: World) -> None:
    world.publish(1, config__acme__test=world.pins(CONFIGURATION, world.phone.clock + 10))
    client = world.ready()
    world.publish(2)
    world.phone.clock += 601
    assert client.get(URL).status == 200
    assert client.configuration().version == 2


def test_a_clock_that_is_set_back_is_no_outage(world: World) -> None:
    client = world.ready()
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.phone.clock -= 7200
    assert client.get(URL).status == 200
    assert world.phone.logged("Configuration not refreshed") == 1


def test_a_configuration_is_fetched_under_the_sdks_own_name(world: World) -> None:
    peer = world.peer(world.pki.genuine(CONFIGURATION), answer("200 OK", body=world.published))
    world.phone.addresses[CONFIGURATION] = peer.endpoint
    world.ready()
    sent = peer.wait()[0].received.lower()
    assert sent.startswith(b"get /pins.jws http/1.1\r\n")
    assert b"user-agent: trustpin-reference-client/1.0\r\n" in sent
    assert b"org" not in sent.replace(b"user-agent", b"")
    assert COLLECTOR.encode() not in sent
