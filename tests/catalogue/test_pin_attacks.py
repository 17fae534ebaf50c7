"""What attacks on pins say of themselves is true of what they serve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from lab.catalogue import CatalogueEntry, entries, hosts
from lab.model.serving import Terminate
from lab.pinning.pins import matches, public_key_info
from lab.pki.hierarchy import LabPki
from tests.catalogue.serving import plan_of, terminated

ENTRIES = {entry.slug: entry for entry in entries()}
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Served:
    """What an attack puts in front of a client."""

    entry: CatalogueEntry
    pki: LabPki
    serving: Terminate

    @cached_property
    def chain(self) -> list[x509.Certificate]:
        return [x509.load_der_x509_certificate(der) for der in self.serving.chain]

    @property
    def is_pinned(self) -> list[bool]:
        """Tell of each certificate whether a pin of the host is of it."""
        made = hosts.configuration(self.entry.configuration, self.pki, NOW)
        pins = made.pins_for(self.entry.host)
        return [any(matches(pin, certificate) for pin in pins) for certificate in self.chain]

    @property
    def possesses_the_key(self) -> bool:
        key = load_der_private_key(self.serving.key, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(
            key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
        )
        return key.public_key() == self.chain[0].public_key()


def served(pki: LabPki, slug: str) -> Served:
    entry = ENTRIES[slug]
    return Served(entry, pki, terminated(entry, pki))


def is_authority(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - names, algorithms, signatures: all the same here
        return False
    return True


@pytest.mark.parametrize(
    ("slug", "pinned"),
    [
        ("pin_stuffing", [False, False, True]),
        ("pin_stuffing_leaf_sha256", [False, False, True]),
        ("pin_stuffing_spki_sha512", [False, False, True]),
        ("intermediate_pin", [False, True]),
        ("root_pin", [False, False]),
        ("pinned_intermediate_appended", [False, False, True]),
        ("pinned_intermediate_in_front", [False, True, False]),
        ("pinned_intermediate_twin", [False, False, True]),
        ("switch_without_ca_bit", [False, False, False, True]),
        ("switch_beyond_path_length", [False, False, False, True]),
        ("look_alike_leaf", [False, False]),
        ("mixed_kinds_first_pin", [True, False]),
        ("mixed_kinds_middle_pin", [True, False]),
        ("key_pinned_for_another_host", [False, False]),
    ],
)
def test_where_in_the_message_the_pinned_certificate_is(
    slug: str, pinned: list[bool], pki: LabPki
) -> None:
    found = served(pki, slug)
    assert found.is_pinned == pinned
    assert found.possesses_the_key


@pytest.mark.parametrize("slug", ["switch_without_ca_bit", "switch_beyond_path_length"])
def test_two_paths_lead_from_the_leaf(slug: str, pki: LabPki) -> None:
    leaf, own, switch, pinned = served(pki, slug).chain
    assert own.subject == switch.subject
    assert public_key_info(own) == public_key_info(switch)
    assert issued(leaf, own)
    assert issued(leaf, switch)
    assert issued(own, pki.compromised_root.certificate)
    assert issued(switch, pinned)


def test_the_switch_is_no_ca(pki: LabPki) -> None:
    assert [is_authority(c) for c in served(pki, "switch_without_ca_bit").chain] == [
        *(False, True, False, True)
    ]


def test_the_other_switch_is_a_ca_too_many(pki: LabPki) -> None:
    _, _, switch, pinned = served(pki, "switch_beyond_path_length").chain
    limit = pinned.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    assert is_authority(switch)
    assert limit == 0


def test_the_twin_has_the_pinned_name_and_key_id_but_signs_with_another_key(pki: LabPki) -> None:
    leaf, twin, pinned = served(pki, "pinned_intermediate_twin").chain
    assert twin.subject == pinned.subject
    kind = x509.SubjectKeyIdentifier
    ids = [one.extensions.get_extension_for_class(kind).value for one in (twin, pinned)]
    assert ids[0] == ids[1]
    assert issued(leaf, twin)
    assert not issued(leaf, pinned)


def test_what_can_be_read_in_a_look_alike_is_the_genuine_ones(pki: LabPki) -> None:
    leaf, genuine = served(pki, "look_alike_leaf").chain[0], pki.genuine(hosts.HOST).certificate
    assert leaf.serial_number == genuine.serial_number
    assert leaf.issuer == genuine.issuer
    assert leaf.not_valid_before_utc == genuine.not_valid_before_utc
    assert leaf.not_valid_after_utc == genuine.not_valid_after_utc
    assert public_key_info(leaf) != public_key_info(genuine)


@pytest.mark.parametrize(
    "slug",
    [
        "subdomain_with_pinned_key",
        "deeper_subdomain_with_pinned_key",
        "look_alike_with_pinned_key",
        "parent_with_pinned_key",
    ],
)
def test_hosts_that_are_not_registered_have_the_pinned_key(slug: str, pki: LabPki) -> None:
    found = served(pki, slug)
    assert public_key_info(found.chain[0]) == public_key_info(pki.genuine(hosts.HOST).certificate)
    assert found.entry.host not in hosts.REGISTERED
    names = found.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.entry.host in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "ed25519"])
def test_both_keys_of_a_type_are_of_that_type(kind: str, pki: LabPki) -> None:
    genuine, rogue = served(pki, f"key_{kind}"), served(pki, f"rogue_key_{kind}")
    assert genuine.is_pinned == [True, False]
    assert rogue.is_pinned == [False, False]
    assert genuine.possesses_the_key
    assert rogue.possesses_the_key
    assert _type(genuine.chain[0]) == _type(rogue.chain[0]) == kind


def _type(certificate: x509.Certificate) -> str:
    match certificate.public_key():
        case rsa.RSAPublicKey() as key:
            return f"rsa{key.key_size}"
        case ec.EllipticCurvePublicKey() as key:
            return f"p{key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "ed25519"
    raise AssertionError("unreachable")


@pytest.mark.parametrize("anchored", [False, True], ids=["absent", "present"])
def test_the_published_key_is_used_with_and_without_its_root(anchored: bool, pki: LabPki) -> None:
    slug = "published_key_root_present" if anchored else "published_key_root_absent"
    found = served(pki, slug)
    (leaf,) = found.chain
    assert issued(leaf, pki.published_root.certificate)
    assert found.entry.anchor == ("published_root" if anchored else None)
    root = pki.published_root.certificate.public_bytes(Encoding.DER)
    assert root not in found.serving.chain


@pytest.mark.parametrize(
    ("slug", "address", "port"),
    [
        ("other_port_attacked", "api.acme.test:8443", 8443),
        ("final_dot_attacked", "api.acme.test.", 443),
        ("upper_case_attacked", "API.ACME.TEST", 443),
        ("device_trusted_ca", "api.acme.test", 443),
    ],
)
def test_how_the_apps_url_names_the_host(slug: str, address: str, port: int) -> None:
    assert (ENTRIES[slug].address, ENTRIES[slug].port) == (address, port)


@pytest.mark.parametrize("slug", ["other_port_genuine", "other_port_attacked"])
def test_another_port_serves_what_the_usual_one_does(slug: str, pki: LabPki) -> None:
    plan = plan_of(ENTRIES[slug], pki)
    assert plan.cleartext == plan.serving
