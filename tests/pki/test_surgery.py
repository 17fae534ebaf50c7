from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lab.pki.authority import Authority
from lab.pki.kept_keys import kept_key
from lab.pki.keys import KeyType
from lab.pki.surgery import (
    ECDSA_SHA1,
    ECDSA_SHA256,
    P256_GENERATOR,
    RSA_MD5,
    Body,
    Scheme,
    explicit_key_info,
    key_of_own_generator,
    point_of,
    resigned,
)
from tests.patience import CAP
from tests.pinning import openssl

ROOT = Authority.root("Root")
RSA_ROOT = Authority.root("RSA Root", key=kept_key(KeyType.RSA2048))
LEAF = ROOT.issue("api.acme.test").certificate


def public(authority: Authority) -> ec.EllipticCurvePublicKey:
    key = authority.key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def as_openssl_shows(certificate: x509.Certificate) -> str:
    pem = certificate.public_bytes(Encoding.PEM)
    return openssl.run("x509", "-noout", "-text", content=pem).decode()


def verified_by_openssl(
    issuer: x509.Certificate, leaf: x509.Certificate, digest: str = "sha256"
) -> bool:
    """Ask for the bare signature over the body, under the issuer's key as it is written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "issuer").write_bytes(issuer.public_bytes(Encoding.PEM))
        (folder / "body").write_bytes(leaf.tbs_certificate_bytes)
        (folder / "signature").write_bytes(leaf.signature)
        key = openssl.run("x509", "-in", folder / "issuer", "-noout", "-pubkey")
        (folder / "key").write_bytes(key)
        done = subprocess.run(
            [
                *("openssl", "dgst", f"-{digest}", "-verify", folder / "key"),
                *("-signature", folder / "signature", folder / "body"),
            ],
            capture_output=True,
            timeout=CAP,
            check=False,
        )
    return done.returncode == 0


def test_a_body_is_put_together_as_it_was() -> None:
    for certificate in (LEAF, ROOT.certificate):
        assert Body.of(certificate).encoded == certificate.tbs_certificate_bytes
    old = resigned(LEAF, ROOT.key, version_1=True)
    assert Body.of(old).encoded == old.tbs_certificate_bytes


@pytest.mark.parametrize(
    ("root", "scheme", "digest", "named"),
    [
        (ROOT, ECDSA_SHA256, "sha256", "ecdsa-with-SHA256"),
        (ROOT, ECDSA_SHA1, "sha1", "ecdsa-with-SHA1"),
        (RSA_ROOT, RSA_MD5, "md5", "md5WithRSAEncryption"),
    ],
)
def test_what_is_signed_again_is_signed_rightly(
    root: Authority, scheme: Scheme, digest: str, named: str
) -> None:
    leaf = resigned(root.issue("api.acme.test").certificate, root.key, scheme)
    assert verified_by_openssl(root.certificate, leaf, digest)
    assert as_openssl_shows(leaf).count(f"Signature Algorithm: {named}") == 2


def test_version_1_has_no_extensions() -> None:
    old = resigned(LEAF, ROOT.key, version_1=True)
    old.verify_directly_issued_by(ROOT.certificate)
    shown = as_openssl_shows(old)
    assert "Version: 1 (0x0)" in shown
    assert "X509v3" not in shown


def test_serial_numbers_may_be_too_long() -> None:
    long = resigned(LEAF, ROOT.key, serial=1 << 200)
    assert long.serial_number == 1 << 200
    long.verify_directly_issued_by(ROOT.certificate)


def test_a_curve_that_is_spelled_out_is_the_one_that_it_was() -> None:
    spelled = resigned(ROOT.certificate, ROOT.key, key_info=explicit_key_info(public(ROOT)))
    shown = "".join(as_openssl_shows(spelled).split()).replace(":", "")
    assert "FieldTypeprime-field" in shown
    generator = f"04{P256_GENERATOR[0]:064x}{P256_GENERATOR[1]:064x}"
    assert f"Generator(uncompressed){generator}" in shown
    # OpenSSL verifies with what is spelled out: a wrong parameter would break the signature.
    assert verified_by_openssl(spelled, spelled)


def test_the_key_of_ones_own_generator_signs_on_that_curve_only() -> None:
    victim = public(ROOT)
    forger = key_of_own_generator(victim)
    info = explicit_key_info(victim, point_of(victim))
    spoofed = resigned(ROOT.certificate, ROOT.key, forger, key_info=info)
    leaf = resigned(LEAF, ROOT.key, forger)
    assert verified_by_openssl(spoofed, leaf)
    assert not verified_by_openssl(ROOT.certificate, leaf)
