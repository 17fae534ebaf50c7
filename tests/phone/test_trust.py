from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lab.phone.files import PhoneFiles
from lab.phone.trust import MAX_ANCHORS, SYSTEM_STORE, USER_STORE, TrustStores
from lab.pinning.pins import read_certificate
from lab.pki.hierarchy import LabPki
from tests.pinning.der import certificate_of_version


@pytest.fixture
def files(tmp_path: Path) -> PhoneFiles:
    return PhoneFiles(tmp_path)


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def stores(files: PhoneFiles, complaints: list[str]) -> TrustStores:
    return TrustStores(files, complaints.append)


def test_an_app_trusts_the_system_store_and_a_browser_both(
    pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    assert stores.anchors(False) == ()
    stores.install_factory([pki.public_root.certificate])
    files.write(f"{SYSTEM_STORE}/aa.0", pki.compromised_root.der)
    files.write(f"{USER_STORE}/bb.0", pki.user_root.certificate.public_bytes(Encoding.PEM))
    system = (pki.compromised_root.der, pki.public_root.der)
    assert stores.anchors(False) == system
    assert stores.anchors(True) == (*system, pki.user_root.der)
    assert complaints == []


def test_changes_count_at_once(pki: LabPki, files: PhoneFiles, stores: TrustStores) -> None:
    path = f"{SYSTEM_STORE}/aa.0"
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
    files.write(f"{SYSTEM_STORE}/aa.0", pki.compromised_root.der)
    assert stores.anchors(True) is not None
    # Behind the phone's back: nothing tells the stores of it.
    files.host_path(f"{SYSTEM_STORE}/aa.0").unlink()
    assert stores.anchors(False) == (pki.compromised_root.der,)


@pytest.mark.parametrize(
    "content",
    [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)
def test_what_is_no_certificate_is_complained_about(
    content: bytes, pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    files.write(f"{USER_STORE}/bad.0", content)
    files.write(f"{USER_STORE}/good.0", pki.user_root.der)
    assert stores.anchors(True) == (pki.user_root.der,)
    assert [text.split(":")[0] for text in complaints] == [f"{USER_STORE}/bad.0 is no certificate"]
    with pytest.raises(ValueError, match=r"\S"):
        read_certificate(content)


def test_a_certificate_of_an_unknown_version_is_complained_about(
    pki: LabPki, files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    odd = certificate_of_version(5, ec.generate_private_key(ec.SECP256R1()))
    files.write(f"{USER_STORE}/bad.0", odd)
    files.write(f"{USER_STORE}/good.0", pki.user_root.der)
    assert stores.anchors(True) == (pki.user_root.der,)
    assert [text.split(":")[0] for text in complaints] == [f"{USER_STORE}/bad.0 is no certificate"]


def test_a_folder_in_a_store_is_passed_over(
    files: PhoneFiles, stores: TrustStores, complaints: list[str]
) -> None:
    files.write(f"{USER_STORE}/folder/file", b"")
    assert stores.anchors(True) == ()
    assert len(complaints) == 1


def test_a_certificate_counts_once_and_a_store_has_its_limit(
    pki: LabPki, files: PhoneFiles, stores: TrustStores
) -> None:
    for number in range(MAX_ANCHORS):
        files.write(f"{SYSTEM_STORE}/{number:04}.0", pki.compromised_root.der)
    files.write(f"{SYSTEM_STORE}/zzzz.0", pki.public_root.der)
    assert stores.anchors(False) == (pki.compromised_root.der,)
