from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.cms import BadCms, content_of
from tests.patience import CAP
from tests.phone.ios.signers import Signer, make_signer

FEW = settings(max_examples=25, deadline=None)

CONTENT = b"<plist/> of a profile"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer("Supervisor")


@pytest.fixture(scope="module")
def signed(signer: Signer) -> bytes:
    return signer.sign(CONTENT)


def test_content_and_signer(signer: Signer, signed: bytes) -> None:
    opened = content_of(signed)
    assert (opened.content, opened.signer) == (CONTENT, signer.certificate)
    assert opened.others == ()


@pytest.mark.parametrize(
    ("kind", "digest", "more"),
    [
        ("rsa", "sha1", ()),
        ("rsa", "sha256", ("-stream",)),
        ("rsa", "sha512", ("-noattr",)),
        ("ec", "sha256", ("-keyid",)),
        ("ec", "sha384", ("-stream", "-noattr")),
    ],
)
def test_openssl_signs(tmp_path: Path, kind: str, digest: str, more: tuple[str, ...]) -> None:
    key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    made = make_signer("Somebody", key)
    for name, content in (
        ("c.pem", made.certificate.public_bytes(Encoding.PEM)),
        ("k.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
        ("in", CONTENT),
    ):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", digest]
    ran = subprocess.run(
        [*command, *more, "-signer", "c.pem", "-inkey", "k.pem", "-in", "in"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=CAP,
    )
    opened = content_of(ran.stdout)
    assert (opened.content, opened.signer) == (CONTENT, made.certificate)


def test_somebody_else_signed(signed: bytes) -> None:
    other = make_signer("Supervisor")
    with pytest.raises(BadCms, match="certificate is missing"):
        content_of(signed, trusted=other.certificate)


def test_a_stranger_with_the_supervisors_name(signer: Signer) -> None:
    # Its own certificate is in the message, under the issuer and serial number of another.
    forged = make_signer("Supervisor", serial=signer.certificate.serial_number)
    assert content_of(forged.sign(CONTENT)).signer == forged.certificate
    with pytest.raises(BadCms, match="the signature is not the signer's"):
        content_of(forged.sign(CONTENT), trusted=signer.certificate)


def test_something_else_is_signed(signer: Signer) -> None:
    detached = signer.sign(CONTENT, pkcs7.PKCS7Options.DetachedSignature)
    assert content_of(detached, content=CONTENT).signer == signer.certificate
    with pytest.raises(BadCms, match="something else was signed"):
        content_of(detached, content=CONTENT + b"!")
    with pytest.raises(BadCms, match="without what is signed"):
        content_of(detached)


@settings(FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 100_000), flip=st.integers(1, 255))
def test_no_byte_can_be_changed_and_the_content_with_it(
    signed: bytes, signer: Signer, at: int, flip: int
) -> None:
    changed = bytearray(signed)
    changed[at % len(changed)] ^= flip
    try:
        opened = content_of(bytes(changed), trusted=signer.certificate)
    except BadCms:
        return
    # What does not matter for the signature, as a version number.
    assert opened.content == CONTENT


@FEW
@given(content=st.binary(max_size=200))
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(BadCms):
        content_of(content)


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x80" * 50_000, b"\x30\x84\xff\xff\xff\xff", bytes(10**7)]
)
def test_it_is_refused(content: bytes) -> None:
    with pytest.raises(BadCms):
        content_of(content)


def test_two_signers_are_refused(signer: Signer) -> None:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT)
    for each in (signer, make_signer("Another")):
        builder = builder.add_signer(each.certificate, each.key, hashes.SHA256())
    with pytest.raises(BadCms, match="not exactly one signer"):
        content_of(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))


def test_only_certificates(signer: Signer) -> None:
    bare = pkcs7.serialize_certificates([signer.certificate], Encoding.DER)
    with pytest.raises(BadCms):
        content_of(bare)


def test_the_others_are_told(signer: Signer) -> None:
    other = make_signer("Intermediate")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT)
    builder = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    signed = builder.add_certificate(other.certificate).sign(
        Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )
    assert [each.subject for each in content_of(signed).others] == [other.certificate.subject]
    assert isinstance(content_of(signed).others[0], x509.Certificate)
