from __future__ import annotations

import pytest
from cryptography import x509

from lab.pki.authority import Authority, Leaf
from lab.pki.credential import der
from lab.pki.keys import KeyType, key_der
from tests.pki import verifiers
from tests.pki.samples import HOST, ISSUER, ROOT, assert_is_ca, key, said
from tests.pki.verifiers import Verifier

KEY = key(KeyType.P256)
OUTSIDE = "www.example.test"


@verifiers.each
def test_what_is_issued_is_believed_for_its_host_and_root_alone(verifier: Verifier) -> None:
    other = Authority.root("Other Root", permitted=["acme.test"])
    for authority in (ROOT, ISSUER, ISSUER.subordinate("Lower CA")):
        made = authority.issue(HOST)
        assert verifier(made, ROOT.certificate, HOST) is None
        assert verifier(made, ROOT.certificate, "www.acme.test") is not None
        assert verifier(made, other.certificate, HOST) is not None


@pytest.mark.parametrize("kind", KeyType)
@pytest.mark.parametrize("place", ["root", "intermediate", "leaf"])
def test_every_kind_of_key_works_in_every_place(kind: KeyType, place: str) -> None:
    root = Authority.root("Root", key=key(kind) if place == "root" else None)
    below = root.subordinate("Sub-CA", key=key(kind) if place == "intermediate" else None)
    made = below.issue(HOST, key=key(kind) if place == "leaf" else None)
    judges = dict(verifiers.ALL)
    if kind is KeyType.ED25519:
        # The CA/Browser Forum knows no Ed25519, and the verifier in Rust follows it.
        judges["rust"] = verifiers.signatures
    stranger = Authority.root("Root", key=Authority.root("x", kind=KeyType.P256).key)
    for name, judge in judges.items():
        assert judge(made, root.certificate, HOST) is None, name
        assert judge(made, stranger.certificate, HOST) is not None, name


@pytest.mark.parametrize("kind", [KeyType.P256, KeyType.P384, KeyType.ED25519])
def test_the_kind_of_a_new_key_can_be_chosen(kind: KeyType) -> None:
    root = Authority.root("Root", kind=kind)
    below = root.subordinate("Sub-CA", kind=kind)
    made = below.issue(HOST, kind=kind)
    wanted = type(key(kind).public_key())
    for certificate in (root.certificate, *made.chain):
        read = certificate.public_key()
        assert isinstance(read, wanted)
        assert getattr(read, "key_size", None) == getattr(key(kind), "key_size", None)
    assert len({key_der(owner.key) for owner in (root, below, made)}) == 3


def test_a_key_that_is_given_is_used() -> None:
    root = Authority.root("Root", key=KEY, kind=KeyType.P384)
    below = root.subordinate("Sub-CA", key=KEY, kind=KeyType.P384)
    made = below.issue(HOST, key=KEY, kind=KeyType.P384)
    assert root.key is below.key is made.key is KEY
    for certificate in (root.certificate, *made.chain):
        assert certificate.public_key() == KEY.public_key()


def test_a_path_leads_from_the_ca_up_to_below_its_root() -> None:
    lower = ISSUER.subordinate("Lower CA")
    assert ROOT.path == ()
    assert ISSUER.path == (ISSUER.certificate,)
    assert lower.path == (lower.certificate, ISSUER.certificate)
    assert lower.issue(HOST).issuers == lower.path
    assert ROOT.issue(HOST).issuers == ()
    assert ROOT.der == der(ROOT.certificate)


def test_a_string_stands_for_a_host() -> None:
    plain, spelled = (ISSUER.issue(leaf, key=KEY).certificate for leaf in (HOST, Leaf((HOST,))))
    assert plain.subject == spelled.subject
    assert list(plain.extensions) == list(spelled.extensions)


@verifiers.each
def test_a_leaf_cannot_issue(verifier: Verifier) -> None:
    owned = ISSUER.issue("owned.acme.test")
    misused = Authority.from_credential(owned).issue(HOST)
    assert misused.chain[1:] == owned.chain
    assert verifier(owned, ROOT.certificate, "owned.acme.test") is None
    assert verifier(misused, ROOT.certificate, HOST) is not None
    # Its signatures are in order: only what the certificate says forbids it.
    assert verifiers.signatures(misused, ROOT.certificate, HOST) is None


@verifiers.each
def test_a_leaf_that_says_ca_can_issue(verifier: Verifier) -> None:
    owned = ISSUER.issue(Leaf(("owned.acme.test",), common_name="Owned", authority=True))
    assert verifier(Authority.from_credential(owned).issue(HOST), ROOT.certificate, HOST) is None


class TestImitation:
    """A look-alike has everything of the genuine CA but its key."""

    def test_it_looks_like_the_genuine_one(self) -> None:
        limited = Authority.root("Limited", permitted=["acme.test"], path_length=2)
        twin = limited.imitation()
        assert_is_ca(twin.certificate)
        assert twin.certificate.subject == limited.certificate.subject
        for kind in (x509.SubjectKeyIdentifier, x509.BasicConstraints, x509.NameConstraints):
            copied = twin.certificate.extensions.get_extension_for_class(kind)
            assert copied == limited.certificate.extensions.get_extension_for_class(kind)
        assert twin.certificate.public_key() != limited.certificate.public_key()
        assert twin.certificate.serial_number != limited.certificate.serial_number
        assert twin.key is not limited.key

    def test_what_it_issues_points_to_the_genuine_one(self) -> None:
        genuine, forged = ROOT.issue(HOST).certificate, ROOT.imitation().issue(HOST).certificate
        assert forged.issuer == genuine.issuer
        name = said(genuine, x509.AuthorityKeyIdentifier)
        assert said(forged, x509.AuthorityKeyIdentifier) == name

    @verifiers.each
    def test_it_is_not_believed(self, verifier: Verifier) -> None:
        twin = ROOT.imitation()
        made = twin.issue(HOST)
        assert verifier(made, ROOT.certificate, HOST) is not None
        sent = made.with_chain(made.certificate, twin.certificate)
        assert verifier(sent, ROOT.certificate, HOST) is not None

    @verifiers.each
    def test_it_is_harmless_should_it_stay_behind(self, verifier: Verifier) -> None:
        twin = ROOT.imitation()
        assert verifier(twin.issue(HOST), twin.certificate, HOST) is None
        assert verifier(twin.issue(OUTSIDE), twin.certificate, OUTSIDE) is not None

    @verifiers.each
    def test_it_can_be_certified_by_another_ca(self, verifier: Verifier) -> None:
        rogue = Authority.root("Rogue Root", permitted=["acme.test"])
        twin = ISSUER.imitation(rogue)
        assert twin.certificate.issuer == rogue.certificate.subject
        assert twin.certificate.subject == ISSUER.certificate.subject
        made = twin.issue(HOST)
        assert made.issuers == (twin.certificate,)
        assert verifier(made, rogue.certificate, HOST) is None
        assert verifier(made, ROOT.certificate, HOST) is not None


class TestCrossSigning:
    """One key and name, certified by two roots."""

    @verifiers.each
    def test_either_root_vouches_for_the_leaf(self, verifier: Verifier) -> None:
        other = Authority.root("Other Root")
        crossed = other.cross_sign(ROOT)
        assert_is_ca(crossed)
        assert crossed.subject == ROOT.certificate.subject
        assert crossed.public_key() == ROOT.certificate.public_key()
        made = ROOT.issue(HOST)
        assert verifier(made, ROOT.certificate, HOST) is None
        assert verifier(made, other.certificate, HOST) is not None
        over = made.with_chain(made.certificate, crossed)
        assert verifier(over, other.certificate, HOST) is None

    def test_the_key_identifier_stays(self) -> None:
        crossed = Authority.root("Other Root").cross_sign(ROOT)
        own = said(ROOT.certificate, x509.SubjectKeyIdentifier)
        assert said(crossed, x509.SubjectKeyIdentifier) == own

    @verifiers.each
    def test_it_can_be_limited(self, verifier: Verifier) -> None:
        free, other = Authority.root("Free"), Authority.root("Other Root")
        made = free.issue(OUTSIDE)
        for permitted, believed in (((), True), (("acme.test",), False)):
            crossed = other.cross_sign(free, permitted=permitted)
            over = made.with_chain(made.certificate, crossed)
            assert (verifier(over, other.certificate, OUTSIDE) is None) is believed
