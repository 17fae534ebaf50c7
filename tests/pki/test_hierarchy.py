from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest
from cryptography import x509

from lab.pki.authority import Authority
from lab.pki.credential import digest
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.pki import verifiers
from tests.pki.samples import HOST, assert_is_ca, assert_is_leaf
from tests.pki.verifiers import Verifier

OUTSIDE = "www.example.test"


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki(("acme.test", "shop.example"))


def sides(pki: LabPki) -> dict[str, tuple[Authority, Authority]]:
    return {
        "public": (pki.public_root, pki.intermediate),
        "rogue": (pki.rogue_root, pki.rogue),
        "compromised": (pki.compromised_root, pki.compromised),
        "user": (pki.user_root, pki.user),
    }


def test_every_authority_is_one(pki: LabPki) -> None:
    for root, issuing in sides(pki).values():
        for authority in (root, issuing):
            assert_is_ca(authority.certificate)
        root.certificate.verify_directly_issued_by(root.certificate)
        issuing.certificate.verify_directly_issued_by(root.certificate)
        assert issuing.path == (issuing.certificate,)


def test_no_two_have_a_key_or_a_name_in_common(pki: LabPki) -> None:
    authorities = [a.certificate for pair in sides(pki).values() for a in pair]
    for one, other in combinations(authorities, 2):
        assert one.public_key() != other.public_key()
        assert one.subject != other.subject


@verifiers.each
def test_each_side_is_believed_by_its_own_root_alone(verifier: Verifier, pki: LabPki) -> None:
    for name, (_, issuing) in sides(pki).items():
        made = issuing.issue(HOST)
        for other, (root, _) in sides(pki).items():
            assert (verifier(made, root.certificate, HOST) is None) is (name == other)


@verifiers.each
def test_no_root_is_good_for_anything_outside(verifier: Verifier, pki: LabPki) -> None:
    for root, issuing in sides(pki).values():
        for host in (HOST, "www.shop.example"):
            assert verifier(issuing.issue(host), root.certificate, host) is None
        for authority in (root, issuing):
            assert verifier(authority.issue(OUTSIDE), root.certificate, OUTSIDE) is not None


@pytest.mark.parametrize("permitted", [(), ("",), ("acme.test", "")])
def test_without_limits_nothing_is_made(permitted: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="limited"):
        LabPki(permitted)


def test_two_runs_have_nothing_in_common(pki: LabPki) -> None:
    other = LabPki(("acme.test", "shop.example"))
    roots = {digest(root.certificate) for each in (pki, other) for root, _ in sides(each).values()}
    assert len(roots) == 8
    assert other.genuine(HOST).key_der != pki.genuine(HOST).key_der


@verifiers.each
def test_the_owner_s_certificates_are_genuine(verifier: Verifier, pki: LabPki) -> None:
    owned = (
        pki.genuine(HOST),
        pki.backup(HOST),
        pki.renewed(HOST, same_key=True),
        pki.renewed(HOST, same_key=False),
    )
    for made in owned:
        assert_is_leaf(made.certificate, HOST)
        assert verifier(made, pki.public_root.certificate, HOST) is None
    assert len({made.digests[0] for made in owned}) == 4


def test_genuine_and_backup_stay_what_they_are(pki: LabPki) -> None:
    assert pki.genuine(HOST) is pki.genuine(HOST)
    assert pki.backup(HOST) is pki.backup(HOST)
    assert pki.genuine("www.acme.test") is not pki.genuine(HOST)
    assert pki.genuine(HOST).key_der != pki.backup(HOST).key_der


def test_a_renewal_keeps_the_key_or_changes_it(pki: LabPki) -> None:
    genuine = pki.genuine(HOST)
    same, new = (pki.renewed(HOST, same_key=same_key) for same_key in (True, False))
    assert same.key is genuine.key
    assert same.certificate.public_key() == genuine.certificate.public_key()
    assert same.certificate != genuine.certificate
    assert new.key_der not in {genuine.key_der, pki.backup(HOST).key_der}
    assert pki.genuine(HOST) is genuine
    identifiers = [
        made.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        for made in (genuine, same, new)
    ]
    assert identifiers[0] == identifiers[1] != identifiers[2]


def test_all_threads_are_given_the_same_one() -> None:
    pki = LabPki()
    ready = threading.Barrier(8)

    def ask(host: str) -> tuple[int, int]:
        ready.wait(CAP)
        return id(pki.genuine(host)), id(pki.backup(host))

    with ThreadPoolExecutor(8) as pool:
        for host in ("a.acme.test", "b.acme.test", "c.acme.test"):
            assert len(set(pool.map(ask, [host] * 8))) == 1
