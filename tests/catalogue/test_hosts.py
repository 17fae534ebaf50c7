from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from lab.catalogue import hosts
from lab.model.pins import Mode, PinConfiguration, PinKind
from lab.pinning import forms
from lab.pinning.pins import PinVerdict, check, live, matches
from lab.pki.hierarchy import LabPki
from lab.pki.keys import KeyType

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def standard(pki: LabPki) -> PinConfiguration:
    return hosts.standard(pki, NOW)


def verdict(
    configuration: PinConfiguration, host: str, certificate: x509.Certificate
) -> PinVerdict:
    return check(configuration.pins_for(host), certificate, NOW.timestamp())


@pytest.mark.parametrize("host", hosts.WORKING)
def test_a_working_host_is_vouched_for(host: str, pki: LabPki, standard: PinConfiguration) -> None:
    assert verdict(standard, host, pki.genuine(host).certificate) is PinVerdict.MATCH


@pytest.mark.parametrize(
    "host",
    [
        hosts.MOVED,
        hosts.SWAPPED,
        hosts.OTHER_CASE,
        hosts.SAME_BEGINNING,
        hosts.RENEWING,
        hosts.CA_PINNED,
        hosts.ROOT_PINNED,
    ],
)
def test_the_genuine_chain_of_some_hosts_is_not(
    host: str, pki: LabPki, standard: PinConfiguration
) -> None:
    assert verdict(standard, host, pki.genuine(host).certificate) is PinVerdict.MISMATCH


@pytest.mark.parametrize("host", [hosts.HOST, hosts.LEAF, hosts.SPKI512, hosts.LEAF512])
def test_hosts_of_each_kind_have_a_backup(
    host: str, pki: LabPki, standard: PinConfiguration
) -> None:
    usual, backup = standard.pins_for(host)
    assert matches(usual, pki.genuine(host).certificate)
    assert matches(backup, pki.backup(host).certificate)
    assert usual.kind is backup.kind


def test_the_four_hosts_have_the_four_kinds(standard: PinConfiguration) -> None:
    four = (hosts.HOST, hosts.LEAF, hosts.SPKI512, hosts.LEAF512)
    assert {standard.pins_for(host)[0].kind for host in four} == set(PinKind)


def test_each_pin_of_the_mixed_host_is_of_another_kind_and_key(
    pki: LabPki, standard: PinConfiguration
) -> None:
    pins = standard.pins_for(hosts.MIXED)
    owners = [pki.reserve(hosts.MIXED, number) for number in (1, 2, 3)]
    owners.append(pki.genuine(hosts.MIXED))
    assert {pin.kind for pin in pins} == set(PinKind)
    for pin, owner in zip(pins, owners, strict=True):
        assert [matches(pin, other.certificate) for other in owners] == [
            other is owner for other in owners
        ]


def test_one_pin_of_the_renewing_host_is_alive(pki: LabPki, standard: PinConfiguration) -> None:
    pins = standard.pins_for(hosts.RENEWING)
    (alive,) = live(pins, NOW.timestamp())
    assert len(pins) == 2
    assert matches(alive, pki.backup(hosts.RENEWING).certificate)
    assert matches(pins[0], pki.genuine(hosts.RENEWING).certificate)


def test_pinned_cas_are_pinned_in_every_way(pki: LabPki, standard: PinConfiguration) -> None:
    pins = standard.pins_for(hosts.CA_PINNED)
    for authority in (pki.intermediate, pki.limited):
        found = {pin.kind for pin in pins if matches(pin, authority.certificate)}
        assert found == set(PinKind)
    (root,) = standard.pins_for(hosts.ROOT_PINNED)
    assert matches(root, pki.public_root.certificate)


def test_hosts_that_nobody_registered(standard: PinConfiguration) -> None:
    unregistered = set(hosts.DECLARED) - set(hosts.REGISTERED)
    assert unregistered >= {hosts.SUBDOMAIN, hosts.DEEPER, hosts.LOOK_ALIKE, hosts.PARENT}
    assert all(standard.pins_for(host) == () for host in unregistered)
    assert hosts.LOOK_ALIKE.endswith(hosts.HOST)
    assert not hosts.LOOK_ALIKE.endswith("." + hosts.HOST)


@pytest.mark.parametrize("kind", KeyType)
def test_one_host_is_pinned_by_keys_of_all_types(kind: KeyType, pki: LabPki) -> None:
    made = hosts.configuration("key_types", pki, NOW)
    of_type = hosts.of_type(pki, hosts.HOST, kind).certificate
    assert verdict(made, hosts.HOST, of_type) is PinVerdict.MATCH
    assert verdict(made, hosts.HOST, pki.genuine(hosts.HOST).certificate) is PinVerdict.MATCH


@pytest.mark.parametrize("name", forms.FORMS)
def test_a_configuration_for_each_wrong_form(name: str, pki: LabPki) -> None:
    (pin,) = hosts.configuration(name, pki, NOW).pins_for(hosts.HOST)
    assert pin.digest == forms.FORMS[name](pki.genuine(hosts.HOST).certificate)
    assert hosts.CONFIGURATIONS[name] is Mode.STRICT
