from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lab.phone.attributes import User
from lab.phone.file_store import View
from lab.phone.files import PhoneFiles
from lab.phone.trust import (
    APEX_STORE,
    MAX_ANCHORS,
    REMOVED_STORE,
    SYSTEM_STORE,
    USER_STORE,
    TrustStores,
    install_factory,
)
from lab.pinning.pins import read_certificate
from lab.pki.authority import Authority
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.pinning.der import certificate_of_version


@pytest.fixture
def files(tmp_path: Path) -> PhoneFiles:
    return PhoneFiles(tmp_path / "files")


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def stores(files: PhoneFiles, complaints: list[str]) -> TrustStores:
    return TrustStores(files, complaints.append)


def path_of(authority: Authority, folder: str = SYSTEM_STORE, number: int = 0) -> str:
    return f"{folder}/{subject_hash_old(authority.certificate)}.{number}"


def test_an_app_trusts_the_system_store_and_a_browser_both(
    pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    assert stores.anchors(False) == ()
    names = install_factory(files, SYSTEM_STORE, [pki.public_root.certificate])
    assert [f"{SYSTEM_STORE}/{name}" for name in names] == [path_of(pki.public_root)]
    files.write(path_of(pki.compromised_root), pki.compromised_root.der)
    pem = pki.user_root.certificate.public_bytes(Encoding.PEM)
    files.write(path_of(pki.user_root, USER_STORE), pem)
    system = {pki.compromised_root.der, pki.public_root.der}
    assert set(stores.anchors(False)) == system
    assert stores.anchors(True) == (*stores.anchors(False), pki.user_root.der)
    assert complaints == []


def test_changes_count_at_once(pki: LabPki, files: PhoneFiles, stores: TrustStores) -> None:
    path = path_of(pki.compromised_root)
    for _ in range(3):
        files.write(path, pki.compromised_root.der)
        assert stores.anchors(False) == (pki.compromised_root.der,)
        files.remove(path)
        assert stores.anchors(False) == ()
    files.remove(SYSTEM_STORE, recursive=True)
    assert stores.anchors(True) == ()


def test_what_is_read_once_is_not_read_again(
    pki: LabPki, files: PhoneFiles, stores: TrustStores
) -> None:
    files.write(path_of(pki.compromised_root), pki.compromised_root.der)
    assert stores.anchors(True) is not None
    # Behind the phone's back: nothing tells the stores of it.
    files.host_path(path_of(pki.compromised_root)).unlink()
    assert stores.anchors(False) == (pki.compromised_root.der,)


# Names.


@pytest.mark.parametrize("name", ["lab-0.0", "{hash}", "{hash}.00", "{hash}.x", "{HASH}.0", "x.0"])
def test_a_file_of_another_name_is_ignored_and_that_is_said(
    name: str, pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    subject = subject_hash_old(pki.compromised_root.certificate)
    # Upper case tells nothing where the hash has no letters.
    named = name.format(hash=subject, HASH="ABCDEF01")
    files.write(f"{SYSTEM_STORE}/{named}", pki.compromised_root.der)
    assert stores.anchors(False) == ()
    assert complaints == [f"{SYSTEM_STORE}/{named} is ignored: no name of a certificate's subject"]


def test_the_name_must_be_that_of_the_subject(
    pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    files.write(f"{SYSTEM_STORE}/00000000.0", pki.compromised_root.der)
    assert stores.anchors(False) == ()
    assert "its subject's name is" in complaints[0]


def namesakes(count: int) -> list[Authority]:
    return [Authority.root("Namesake", permitted=["acme.test"]) for _ in range(count)]


def test_namesakes_are_numbered_without_a_gap(
    files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    cas = namesakes(3)
    for number, ca in enumerate(cas):
        files.write(path_of(ca, number=number), ca.der)
    assert stores.anchors(False) == tuple(ca.der for ca in cas)
    files.remove(path_of(cas[0], number=1))
    assert stores.anchors(False) == (cas[0].der,)
    assert complaints == [
        f"{path_of(cas[0], number=2)} is ignored: "
        f"there is no {subject_hash_old(cas[0].certificate)}.1"
    ]


def test_an_empty_file_keeps_the_gap_closed(
    files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    """As AOSP does it where a certificate of the user's store is deleted."""
    cas = namesakes(2)
    files.write(path_of(cas[0], USER_STORE), b"")
    files.write(path_of(cas[1], USER_STORE, 1), cas[1].der)
    assert stores.anchors(True) == (cas[1].der,)
    assert complaints == []


def test_what_a_phone_ships_with_is_named_rightly(files: PhoneFiles, stores: TrustStores) -> None:
    cas = namesakes(2)
    certificates: list[x509.Certificate] = [ca.certificate for ca in cas]
    names = install_factory(files, SYSTEM_STORE, certificates)
    assert [name.rpartition(".")[2] for name in names] == ["0", "1"]
    assert stores.anchors(False) == tuple(ca.der for ca in cas)


# Stores.


def test_another_store_may_be_the_systems(
    pki: LabPki, files: PhoneFiles, complaints: list[str]
) -> None:
    stores = TrustStores(files, complaints.append, system_store=APEX_STORE)
    files.write(path_of(pki.compromised_root), pki.compromised_root.der)
    assert stores.anchors(True) == ()
    files.write(path_of(pki.compromised_root, APEX_STORE), pki.compromised_root.der)
    assert stores.anchors(False) == (pki.compromised_root.der,)


def test_a_ca_that_the_user_has_disabled(
    pki: LabPki, files: PhoneFiles, stores: TrustStores
) -> None:
    root = pki.public_root
    files.write(path_of(root), root.der)
    files.write(path_of(root, REMOVED_STORE), root.der)
    assert stores.anchors(True) == ()
    # It is a CA of the system that is disabled, not one of the user's.
    files.write(path_of(root, USER_STORE), root.der)
    assert stores.anchors(True) == (root.der,)
    files.remove(path_of(root, REMOVED_STORE))
    files.remove(path_of(root, USER_STORE))
    assert stores.anchors(False) == (root.der,)


def test_what_cannot_be_read_is_not_trusted(
    pki: LabPki, files: PhoneFiles, complaints: list[str]
) -> None:
    stores = TrustStores(files.seen_by(View(User(10_100, 10_100))), complaints.append)
    path = path_of(pki.public_root)
    files.write(path, pki.public_root.der)
    assert stores.anchors(False) == (pki.public_root.der,)
    files.change(path, mode=0o600)
    assert stores.anchors(False) == ()
    assert complaints == [f"{path} is no certificate: {path}: Permission denied"]
    files.change(path, mode=0o644)
    files.change(SYSTEM_STORE, mode=0o700)
    assert stores.anchors(False) == ()


@pytest.mark.parametrize(
    "content",
    [b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)
def test_what_is_no_certificate_is_complained_about_once(
    content: bytes, pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    files.write(f"{USER_STORE}/00000000.0", content)
    files.write(path_of(pki.user_root, USER_STORE), pki.user_root.der)
    for _ in range(2):
        assert stores.anchors(True) == (pki.user_root.der,)
        files.changed()
    assert [text.split(":")[0] for text in complaints] == [
        f"{USER_STORE}/00000000.0 is no certificate"
    ]
    with pytest.raises(ValueError, match=r"\S"):
        read_certificate(content)


def test_a_certificate_of_an_unknown_version_is_complained_about(
    pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    odd = certificate_of_version(5, ec.generate_private_key(ec.SECP256R1()))
    files.write(f"{USER_STORE}/00000000.0", odd)
    files.write(path_of(pki.user_root, USER_STORE), pki.user_root.der)
    assert stores.anchors(True) == (pki.user_root.der,)
    assert [text.split(":")[0] for text in complaints] == [
        f"{USER_STORE}/00000000.0 is no certificate"
    ]


def test_a_folder_in_a_store_is_passed_over(
    files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    files.write(f"{USER_STORE}/00000000.0/file", b"")
    assert stores.anchors(True) == ()
    assert len(complaints) == 1


def test_a_certificate_counts_once_and_a_store_has_its_limit(
    pki: LabPki, files: PhoneFiles, stores: TrustStores
) -> None:
    for number in range(MAX_ANCHORS):
        files.write(path_of(pki.compromised_root, number=number), pki.compromised_root.der)
    files.write(f"{SYSTEM_STORE}/ffffffff.0", pki.public_root.der)
    assert stores.anchors(False) == (pki.compromised_root.der,)
