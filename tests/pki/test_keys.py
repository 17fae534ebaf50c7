from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives import hashes

from lab.pki.keys import KeyType, key_der, key_pem, new_key, signature_hash
from tests.pinning import openssl
from tests.pki.samples import key

SHOWN = {
    KeyType.P256: "NIST CURVE: P-256",
    KeyType.P384: "NIST CURVE: P-384",
    KeyType.RSA2048: "2048 bit",
    KeyType.RSA3072: "3072 bit",
    KeyType.RSA4096: "4096 bit",
    KeyType.ED25519: "ED25519 Private-Key",
}
"""What openssl says of a key of each kind."""

EVERY_KIND = pytest.mark.parametrize("kind", KeyType)


def as_openssl_sees_it(content: bytes, form: str) -> str:
    arguments = ("pkey", "-inform", form, "-check", "-noout", "-text")
    return openssl.run(*arguments, content=content).decode()


@EVERY_KIND
def test_a_key_is_of_the_kind_that_was_asked_for(kind: KeyType) -> None:
    assert SHOWN[kind] in as_openssl_sees_it(key_der(key(kind)), "DER")


@EVERY_KIND
def test_both_forms_hold_the_same_key_in_pkcs8(kind: KeyType) -> None:
    der, pem = key_der(key(kind)), key_pem(key(kind))
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert as_openssl_sees_it(der, "DER") == as_openssl_sees_it(pem, "PEM")


def test_rsa_keys_have_the_usual_exponent() -> None:
    shown = as_openssl_sees_it(key_der(key(KeyType.RSA2048)), "DER")
    assert re.search(r"publicExponent: 65537 ", shown)


def test_without_a_kind_it_is_p256() -> None:
    assert SHOWN[KeyType.P256] in as_openssl_sees_it(key_der(new_key()), "DER")


def test_no_key_is_made_twice() -> None:
    assert len({key_der(new_key()) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (KeyType.P256, hashes.SHA256),
        (KeyType.P384, hashes.SHA384),
        (KeyType.RSA2048, hashes.SHA256),
        (KeyType.RSA3072, hashes.SHA256),
        (KeyType.RSA4096, hashes.SHA256),
        (KeyType.ED25519, type(None)),
    ],
)
def test_the_hash_is_as_strong_as_the_key(kind: KeyType, expected: type) -> None:
    assert type(signature_hash(key(kind))) is expected
