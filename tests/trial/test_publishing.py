"""What a run's configuration service hands out, and who answers in its place."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from cryptography import x509

from lab.backend.configuration import Configuration
from lab.catalogue import hosts
from lab.model.pins import PinKind
from lab.model.publication import RIGHT, Carrier, Fault, Publication, Token
from lab.model.serving import HostPlan, Terminate
from lab.pinning.jws import (
    ConfigurationRefused,
    new_signing_key,
    public_key_text,
    verify_configuration,
)
from lab.pinning.pins import matches
from lab.pki.hierarchy import LabPki
from lab.trial.publishing import Publisher

KEY = new_signing_key()
PKI = LabPki((hosts.DOMAIN,))
STANDARD = hosts.configuration("standard", PKI, datetime.now(UTC))


class Service(Configuration):
    """Remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[bytes] = []

    def publish(self, token: bytes) -> None:
        self.given.append(token)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def publisher(service: Service) -> Publisher:
    made = Publisher(service, PKI, KEY)
    made.publish(STANDARD)
    return made


def version(token: bytes, ahead: float = 0.0) -> int:
    return verify_configuration(token, public_key_text(KEY), now=time.time() + ahead).version


def test_versions_rise(service: Service, publisher: Publisher) -> None:
    publisher.publish(STANDARD)
    first, second = map(version, service.given)
    assert 1 < first < second


def test_before_anything_is_published_nothing_is_handed_out(service: Service) -> None:
    with pytest.raises(AssertionError, match="nothing"):
        Publisher(service, PKI, KEY).hand_out(RIGHT)


def test_on_a_device_that_is_behind_it_is_valid_at_the_devices_time(
    service: Service, publisher: Publisher
) -> None:
    with pytest.raises(ConfigurationRefused, match="not valid yet"):
        version(service.given[-1], -3600.0)
    publisher.publish(STANDARD, -3600.0)
    assert version(service.given[-1], -3600.0)


def test_on_a_device_that_is_ahead_it_is_signed_at_true_time(
    service: Service, publisher: Publisher
) -> None:
    publisher.publish(STANDARD, 3600.0)
    assert version(service.given[-1])


def test_a_token_is_handed_out_until_the_right_one_is_again(
    service: Service, publisher: Publisher
) -> None:
    publisher.hand_out(Publication(Token.FORGED))
    with pytest.raises(ConfigurationRefused):
        version(service.given[-1])
    publisher.hand_out(RIGHT)
    assert service.given[-1] == service.given[0]


def test_a_fault_is_the_services_until_all_is_right_again(
    service: Service, publisher: Publisher
) -> None:
    faults = []
    for publication in (Publication(fault=Fault.HTML), RIGHT):
        publisher.hand_out(publication)
        faults.append(service.fault)
    assert faults == [Fault.HTML, Fault.NONE]


def test_an_older_one_vouches_for_the_attackers_key(publisher: Publisher) -> None:
    older = verify_configuration(
        publisher.token(Token.OLDER), public_key_text(KEY), now=time.time()
    )
    evil = PKI.genuine(hosts.EVIL).certificate
    assert any(matches(pin, evil) for pin in older.pins_for(hosts.HOST))
    assert older.version < version(publisher.token(Token.RIGHT))


def carried(publisher: Publisher, carrier: Carrier, token: Token = Token.RIGHT) -> Terminate:
    plan = publisher.carried(Publication(token, carrier=carrier))
    assert isinstance(plan, HostPlan)
    assert isinstance(plan.serving, Terminate)
    return plan.serving


def test_the_service_answers_for_itself(publisher: Publisher) -> None:
    assert publisher.carried(Publication(Token.FORGED)) is None


@pytest.mark.parametrize(
    ("carrier", "issuer"),
    [
        (Carrier.RENEWED, PKI.intermediate),
        (Carrier.ROGUE_CA, PKI.rogue),
        (Carrier.COMPROMISED_CA, PKI.compromised),
    ],
)
def test_a_carrier_has_a_certificate_of_its_own_ca(
    publisher: Publisher, carrier: Carrier, issuer: object
) -> None:
    leaf = x509.load_der_x509_certificate(carried(publisher, carrier).chain[0])
    leaf.verify_directly_issued_by(issuer.certificate)  # type: ignore[attr-defined]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [hosts.CONFIGURATION_SERVICE]
    own = PKI.genuine(hosts.CONFIGURATION_SERVICE).certificate
    assert leaf.public_key() != own.public_key()


def test_what_a_carrier_answers_with_is_not_handed_out_by_the_service(
    service: Service, publisher: Publisher
) -> None:
    publication = Publication(Token.FORGED, carrier=Carrier.ROGUE_CA)
    publisher.hand_out(publication)
    assert service.given[-1] == service.given[0]
    serving = carried(publisher, Carrier.ROGUE_CA, Token.FORGED)
    with pytest.raises(ConfigurationRefused):
        version(serving.answer.body)


def test_pins_are_quoted_as_they_were_published(publisher: Publisher) -> None:
    usual = {f"{pin.kind}={pin.digest}" for pin in STANDARD.pins_for(hosts.HOST)}
    assert set(publisher.pins(Token.RIGHT, hosts.HOST)) == usual
    assert set(publisher.pins(Token.FORGED, hosts.HOST)) == usual
    assert publisher.pins(Token.EMPTY_PINS, hosts.HOST) == ()
    conflicting = publisher.pins(Token.CONFLICTING_DIGESTS, hosts.HOST)
    kinds = [text.partition("=")[0] for text in conflicting]
    assert kinds == [PinKind.LEAF_SHA256, PinKind.SPKI_SHA256]
