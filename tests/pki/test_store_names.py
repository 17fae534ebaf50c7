from __future__ import annotations

import subprocess

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from lab.pki.authority import Authority
from lab.pki.store_names import subject_hash_old
from tests.pki.verifiers import CAP

NAMES = {
    "plain": x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rogue Root")]),
    "empty": x509.Name([]),
    "foreign": x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Café 漢 😀")]),
    "blanks": x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "  Two   BLANKS ")]),
    "old strings": x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme", _ASN1Type.T61String),
            x509.NameAttribute(NameOID.COMMON_NAME, "Root", _ASN1Type.BMPString),
        ]
    ),
    "several in one": x509.Name(
        [
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, "Root"),
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
                ]
            )
        ]
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_openssls(name: str) -> None:
    root = Authority.root(NAMES[name])
    told = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject_hash_old"],
        input=root.der,
        capture_output=True,
        check=True,
        timeout=CAP,
    )
    assert subject_hash_old(root.certificate) == told.stdout.decode().strip()
