"""Names of files in Android's stores, compared with what OpenSSL says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lab.pki.authority import Authority
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.pinning import openssl


def by_openssl(pem: bytes) -> str:
    return openssl.run("x509", "-noout", "-subject_hash_old", content=pem).decode().strip()


def test_the_labs_own_authorities() -> None:
    pki = LabPki()
    roots = (pki.public_root, pki.user_root, pki.compromised_root)
    assert len({subject_hash_old(root.certificate) for root in roots}) == 3
    for root in roots:
        pem = root.certificate.public_bytes(Encoding.PEM)
        assert subject_hash_old(root.certificate) == by_openssl(pem)


@pytest.mark.parametrize(
    "name",
    [
        x509.Name([]),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ünïcode ☕")]),
        x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme Inc."),
                x509.NameAttribute(NameOID.EMAIL_ADDRESS, "ca@acme.test"),
            ]
        ),
        x509.Name(
            [
                x509.RelativeDistinguishedName(
                    [
                        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "B"),
                        x509.NameAttribute(NameOID.COMMON_NAME, "A"),
                    ]
                )
            ]
        ),
    ],
)
def test_all_kinds_of_names(name: x509.Name) -> None:
    certificate = Authority.root(name, permitted=["acme.test"]).certificate
    assert subject_hash_old(certificate) == by_openssl(certificate.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("mask", ["utf8only", "nombstr", "pkix"])
def test_names_that_openssl_has_encoded(mask: str, tmp_path: Path) -> None:
    settings = tmp_path / "openssl.cnf"
    settings.write_text(f"[req]\nstring_mask = {mask}\ndistinguished_name = dn\n[dn]\n")
    # What is not ASCII becomes a T61String with nombstr, which cryptography does not read.
    subject = f"/C=SE/O=Bolag {'Akeri' if mask == 'nombstr' else 'Åkeri'}/CN=Root*1"
    made = openssl.run(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", tmp_path / "key", "-config", settings, "-utf8", "-subj", subject),
    )
    certificate = x509.load_pem_x509_certificate(made)
    assert subject_hash_old(certificate) == by_openssl(made)
    assert len(subject_hash_old(certificate)) == 8
