"""Keys and authorities that several tests look at, and what a certificate is asserted to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.pki.authority import Authority
from lab.pki.hierarchy import ESTABLISHED
from lab.pki.keys import KeyType, PrivateKey, new_key

HOST = "api.acme.test"
ROOT = Authority.root("Sample Root", permitted=["acme.test"])
ISSUER = ROOT.subordinate("Sample Issuing CA")

T = TypeVar("T", bound=x509.ExtensionType)


@cache
def key(kind: KeyType) -> PrivateKey:
    """Return the one key of a kind; RSA keys take their time to make."""
    return new_key(kind)


def said(certificate: x509.Certificate, kind: type[T]) -> T:
    """Return what the extension of this kind says."""
    return certificate.extensions.get_extension_for_class(kind).value


def kinds(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return {extension.oid for extension in certificate.extensions}


def assert_is_short_lived(certificate: x509.Certificate) -> None:
    now = datetime.now(UTC)
    # Where it begins harms nobody: the owner was there before this run.
    assert now - ESTABLISHED - timedelta(days=1) < certificate.not_valid_before_utc < now
    assert now < certificate.not_valid_after_utc < now + timedelta(days=8)


def assert_is_ca(certificate: x509.Certificate) -> None:
    """Assert what RFC 5280 section 4.2.1 asks of a CA."""
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (basic.critical, basic.value.ca) == (True, True)
    assert (usage.critical, usage.value.key_cert_sign) == (True, True)
    assert not usage.value.digital_signature
    assert certificate.subject != x509.Name([])
    assert_is_short_lived(certificate)


def assert_is_leaf(certificate: x509.Certificate, *hosts: str) -> None:
    """Assert what a TLS client expects of a server's certificate for ``hosts``."""
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (basic.critical, basic.value.ca) == (True, False)
    assert (usage.critical, usage.value.digital_signature) == (True, True)
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign
    names = said(certificate, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == list(hosts)
    assert list(said(certificate, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert_is_short_lived(certificate)
