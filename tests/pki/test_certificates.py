from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from lab.pki.authority import Authority, Leaf, self_signed
from lab.pki.certificates import AUTHORITY_LIFETIME, BACKDATED, LEAF_LIFETIME
from lab.pki.credential import der
from lab.pki.keys import KeyType
from tests.pki import verifiers
from tests.pki.samples import (
    HOST,
    ISSUER,
    ROOT,
    assert_is_ca,
    assert_is_leaf,
    key,
    kinds,
    said,
)
from tests.pki.verifiers import Verifier

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
KEY = key(KeyType.P256)

LEAF_KINDS = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.EXTENDED_KEY_USAGE,
}
CA_KINDS = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.NAME_CONSTRAINTS,
}
ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


def in_order(oids: set[x509.ObjectIdentifier]) -> list[x509.ObjectIdentifier]:
    """Return ``oids`` in an order that all workers of a parallel run agree on."""
    return sorted(oids, key=lambda oid: str(oid.dotted_string))


def issued(leaf: Leaf) -> x509.Certificate:
    return ISSUER.issue(leaf, key=KEY).certificate


def test_a_plain_leaf_is_what_a_public_ca_would_make() -> None:
    leaf = issued(Leaf((HOST, "www.acme.test")))
    assert_is_leaf(leaf, HOST, "www.acme.test")
    assert kinds(leaf) == LEAF_KINDS
    assert leaf.issuer == ISSUER.certificate.subject
    assert leaf.version is x509.Version.v3


def test_a_plain_ca_is_what_a_public_ca_would_have() -> None:
    assert_is_ca(ROOT.certificate)
    assert_is_ca(ISSUER.certificate)
    assert kinds(ROOT.certificate) == CA_KINDS - {ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    assert kinds(ISSUER.certificate) == CA_KINDS - {ExtensionOID.NAME_CONSTRAINTS}
    assert said(ROOT.certificate, x509.BasicConstraints).path_length is None


def test_key_identifiers_link_a_chain() -> None:
    leaf = issued(Leaf((HOST,)))
    for issued_one, issuer in ((leaf, ISSUER), (ISSUER.certificate, ROOT)):
        wanted = said(issuer.certificate, x509.SubjectKeyIdentifier).digest
        assert said(issued_one, x509.AuthorityKeyIdentifier).key_identifier == wanted


def test_an_issuer_without_a_key_identifier_is_named_as_if_it_had_one() -> None:
    bare = Authority.root("Bare", key=KEY, without=[ExtensionOID.SUBJECT_KEY_IDENTIFIER])
    usual = Authority.root("Usual", key=KEY)
    assert ExtensionOID.SUBJECT_KEY_IDENTIFIER not in kinds(bare.certificate)
    named = said(bare.issue(HOST).certificate, x509.AuthorityKeyIdentifier)
    assert named == said(usual.issue(HOST).certificate, x509.AuthorityKeyIdentifier)


@pytest.mark.parametrize("kind", KeyType)
def test_only_rsa_encrypts_keys(kind: KeyType) -> None:
    leaf = ISSUER.issue(HOST, key=key(kind)).certificate
    assert said(leaf, x509.KeyUsage).key_encipherment is kind.startswith("rsa")
    ca = Authority.root("Root", key=key(kind)).certificate
    assert said(ca, x509.KeyUsage).key_encipherment is False


def test_serial_numbers_are_positive_short_and_never_the_same() -> None:
    serials = {issued(Leaf((HOST,))).serial_number for _ in range(100)}
    assert len(serials) == 100
    # RFC 5280 section 4.1.2.2: at most 20 octets, with the sign bit.
    assert all(0 < serial < 1 << 159 for serial in serials)


def test_lifetimes_when_nothing_is_said() -> None:
    for certificate, lifetime in (
        (issued(Leaf((HOST,))), LEAF_LIFETIME),
        (Authority.root("Root", key=KEY).certificate, AUTHORITY_LIFETIME),
    ):
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        assert end - begin == BACKDATED + lifetime
        assert abs(datetime.now(UTC) - BACKDATED - begin) < timedelta(minutes=1)


def test_dates_are_taken_as_they_are_given() -> None:
    leaf = issued(Leaf((HOST,), not_before=NOW - 9 * DAY, not_after=NOW + 99 * DAY))
    ca = Authority.root("Root", not_before=NOW - 9 * DAY, not_after=NOW + 99 * DAY).certificate
    for certificate in (leaf, ca):
        assert certificate.not_valid_before_utc == NOW - 9 * DAY
        assert certificate.not_valid_after_utc == NOW + 99 * DAY


@verifiers.each
def test_dates_that_are_over_or_to_come_are_not_believed(verifier: Verifier) -> None:
    over = Leaf((HOST,), not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    to_come = Leaf((HOST,), not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    today = Leaf((HOST,), not_before=NOW - DAY, not_after=NOW + DAY)
    assert verifier(ISSUER.issue(today), ROOT.certificate, HOST) is None
    for leaf in (over, to_come):
        assert verifier(ISSUER.issue(leaf), ROOT.certificate, HOST) is not None


@verifiers.each
def test_dates_of_a_ca_count_too(verifier: Verifier) -> None:
    over = ROOT.subordinate("Over", not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    assert verifier(over.issue(HOST), ROOT.certificate, HOST) is not None


def test_names_and_addresses() -> None:
    leaf = issued(Leaf((HOST, "*.acme.test"), ("127.0.0.1", "::1")))
    names = said(leaf, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == [HOST, "*.acme.test"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(("common_name", "critical"), [(None, True), ("Acme", False)])
def test_names_are_critical_where_the_subject_is_empty(
    common_name: str | None, critical: bool
) -> None:
    leaf = issued(Leaf((HOST,), common_name=common_name))
    named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert named.critical is critical
    shown = [attribute.value for attribute in leaf.subject]
    assert shown == ([] if common_name is None else [common_name])


@verifiers.each
def test_a_common_name_is_no_name(verifier: Verifier) -> None:
    """A leaf without subjectAltName is believed by nobody who follows RFC 9525 section 2."""
    leaf = ISSUER.issue(Leaf(common_name="elsewhere.acme.test"))
    assert ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in kinds(leaf.certificate)
    assert verifier(leaf, ROOT.certificate, HOST) is not None


@pytest.mark.parametrize("bad", ["ümlaut.test", "127.0.0.300"])
def test_what_is_no_name_or_address_is_a_value_error(bad: str) -> None:
    leaf = Leaf(addresses=(bad,)) if bad[0].isdigit() else Leaf((bad,))
    with pytest.raises(ValueError, match=r"."):
        issued(leaf)


@verifiers.each
@pytest.mark.parametrize("name", [HOST, "127.0.0.1", "::1"])
def test_a_name_is_believed_where_it_stands_and_nowhere_else(verifier: Verifier, name: str) -> None:
    numeric = verifiers.address(name) is not None
    leaf = Leaf(addresses=(name,)) if numeric else Leaf((name,))
    made = ISSUER.issue(leaf)
    assert verifier(made, ROOT.certificate, name) is None
    for other in {HOST, "127.0.0.1", "127.0.0.2", "::1", "www.acme.test", "acme.test"} - {name}:
        assert verifier(made, ROOT.certificate, other) is not None


@verifiers.each
def test_a_wildcard_stands_for_one_label(verifier: Verifier) -> None:
    # Without name constraints: the verifier in Rust takes no wildcard where there are any.
    root = Authority.root("Free Root")
    made = root.issue("*.acme.test")
    assert verifier(made, root.certificate, HOST) is None
    assert verifier(made, root.certificate, "acme.test") is not None
    assert verifier(made, root.certificate, "a.b.acme.test") is not None


@verifiers.each
@pytest.mark.parametrize(
    ("usages", "believed"),
    [
        ((ExtendedKeyUsageOID.SERVER_AUTH,), True),
        ((ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH), True),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), False),
        ((ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION), False),
    ],
)
def test_extended_usages(
    verifier: Verifier, usages: tuple[x509.ObjectIdentifier, ...], believed: bool
) -> None:
    made = ISSUER.issue(Leaf((HOST,), usages=usages))
    assert tuple(said(made.certificate, x509.ExtendedKeyUsage)) == usages
    assert (verifier(made, ROOT.certificate, HOST) is None) is believed


def test_extended_usages_can_be_left_out() -> None:
    leaf = issued(Leaf((HOST,), usages=None))
    assert kinds(leaf) == LEAF_KINDS - {ExtensionOID.EXTENDED_KEY_USAGE}


def test_a_leaf_that_says_ca() -> None:
    leaf = issued(Leaf((HOST,), authority=True))
    assert said(leaf, x509.BasicConstraints).ca
    usage = said(leaf, x509.KeyUsage)
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, True, True)


@pytest.mark.parametrize("oid", in_order(LEAF_KINDS))
def test_each_extension_of_a_leaf_can_be_left_out(oid: x509.ObjectIdentifier) -> None:
    assert kinds(issued(Leaf((HOST,), without=(oid,)))) == LEAF_KINDS - {oid}


@pytest.mark.parametrize("oid", in_order(CA_KINDS))
def test_each_extension_of_a_ca_can_be_left_out(oid: x509.ObjectIdentifier) -> None:
    made = ROOT.subordinate("Sub-CA", permitted=["acme.test"], without=[oid])
    assert kinds(made.certificate) == CA_KINDS - {oid}


def test_leaving_out_what_is_not_there_changes_nothing() -> None:
    assert kinds(issued(Leaf((HOST,), without=(ODD.oid,)))) == LEAF_KINDS


def test_an_extension_is_added_or_takes_the_place_of_its_kind() -> None:
    basic = (x509.BasicConstraints(True, 3), False)
    leaf = issued(Leaf((HOST,), extensions=((ODD, True), basic)))
    ca = ROOT.subordinate("Sub-CA", extensions=[(ODD, True), basic]).certificate
    for certificate, usual in (
        (leaf, LEAF_KINDS),
        (ca, CA_KINDS - {ExtensionOID.NAME_CONSTRAINTS}),
    ):
        assert kinds(certificate) == usual | {ODD.oid}
        odd = certificate.extensions.get_extension_for_oid(ODD.oid)
        assert (odd.critical, odd.value) == (True, ODD)
        read = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (read.critical, read.value) == (False, basic[0])


@verifiers.each
def test_a_critical_extension_that_nobody_knows_is_not_believed(verifier: Verifier) -> None:
    known, unknown = (Leaf((HOST,), extensions=((ODD, critical),)) for critical in (False, True))
    assert verifier(ISSUER.issue(known), ROOT.certificate, HOST) is None
    assert verifier(ISSUER.issue(unknown), ROOT.certificate, HOST) is not None


def test_a_ca_is_named_by_the_lab_or_as_it_is_told() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "XX")])
    assert Authority.root(name, key=KEY).certificate.subject == name
    subject = Authority.root("Some CA", key=KEY).certificate.subject.rfc4514_string()
    assert subject == "CN=Some CA,O=TrustPin MITM Lab"


@verifiers.each
@pytest.mark.parametrize(("length", "believed"), [(None, True), (1, True), (0, False)])
def test_path_lengths(verifier: Verifier, length: int | None, believed: bool) -> None:
    root = Authority.root("Root", path_length=length)
    below = root.subordinate("Sub-CA")
    assert said(root.certificate, x509.BasicConstraints).path_length == length
    assert (verifier(below.issue(HOST), root.certificate, HOST) is None) is believed


def test_a_self_signed_leaf_has_a_name_to_be_its_own_issuer_by() -> None:
    plain, named = self_signed(Leaf((HOST,))), self_signed(Leaf((HOST,), common_name=HOST))
    assert_is_leaf(plain.certificate, HOST)
    for made in (plain, named):
        assert made.issuers == ()
        assert made.certificate.issuer == made.certificate.subject != x509.Name([])
        made.certificate.verify_directly_issued_by(made.certificate)
        assert kinds(made.certificate) == LEAF_KINDS - {ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    assert self_signed(Leaf((HOST,)), key=KEY).key is KEY
    assert der(plain.certificate) == plain.chain_der[0]


@verifiers.each
def test_a_self_signed_leaf_is_not_believed(verifier: Verifier) -> None:
    assert verifier(self_signed(Leaf((HOST,))), ROOT.certificate, HOST) is not None
