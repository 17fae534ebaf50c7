from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.pins import PinKind
from lab.pinning import forms
from lab.pinning.pins import digest_of, parse_wire_digest
from lab.pki.authority import Leaf, self_signed
from tests.pinning import openssl


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return self_signed(Leaf(("api.acme.test",))).certificate


def by_openssl(certificate: x509.Certificate, *arguments: str) -> bytes:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return openssl.run("dgst", *arguments, content=key)


@pytest.mark.parametrize("name", forms.FORMS)
def test_no_configuration_may_carry_it(name: str, certificate: x509.Certificate) -> None:
    with pytest.raises(ValueError, match="spki_sha256: "):
        parse_wire_digest(forms.FORMS[name](certificate), PinKind.SPKI_SHA256)


@pytest.mark.parametrize("name", ["sha1", "sha384"])
def test_another_hash_is_the_one_it_is_called(name: str, certificate: x509.Certificate) -> None:
    wanted = base64.b64encode(by_openssl(certificate, f"-{name}", "-binary")).decode()
    assert forms.FORMS[name](certificate) == wanted


def test_hexadecimal_is_what_openssl_prints(certificate: x509.Certificate) -> None:
    shown = by_openssl(certificate, "-sha256", "-r").split()[0].decode()
    assert forms.hexadecimal(certificate) == shown
    colons = by_openssl(certificate, "-sha256", "-c").split(b"= ")[1].strip().decode()
    assert forms.upper_hexadecimal(certificate) == colons.upper()


def test_the_right_digest_is_in_the_other_forms(certificate: x509.Certificate) -> None:
    right = by_openssl(certificate, "-sha256", "-binary")
    url = forms.base64url(certificate)
    assert base64.urlsafe_b64decode(url + "=") == right
    assert "=" not in url
    assert base64.b64decode(forms.with_newline(certificate)) == right
    assert forms.with_newline(certificate).endswith("=\n")
    assert base64.b64decode(forms.prefixed(certificate).removeprefix("sha256/")) == right
    assert base64.b64decode(forms.truncated(certificate)) == right[:16]


@pytest.mark.parametrize("form", [forms.other_case, forms.same_beginning])
def test_some_are_well_formed_and_another_digest(
    form: forms.Form, certificate: x509.Certificate
) -> None:
    read = parse_wire_digest(form(certificate), PinKind.SPKI_SHA256)
    assert read != digest_of(certificate, PinKind.SPKI_SHA256)


def test_how_near_they_are(certificate: x509.Certificate) -> None:
    right = digest_of(certificate, PinKind.SPKI_SHA256)
    text = base64.b64encode(right).decode()
    assert forms.other_case(certificate).lower() == text.lower()
    near = base64.b64decode(forms.same_beginning(certificate))
    assert near[:16] == right[:16]
    assert all(wrong != byte for wrong, byte in zip(near[16:], right[16:], strict=True))
