"""What certificates say: the profiles of leaves and CAs, and every way to depart from them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.pki.keys import PrivateKey, signature_hash

LEAF_LIFETIME = timedelta(days=3)
AUTHORITY_LIFETIME = timedelta(days=7)
BACKDATED = timedelta(days=1)
"""How long ago a certificate begins, so that clocks may differ a little."""

Extension = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf certificate says. What is left out is as a public CA would make it."""

    hosts: tuple[str, ...] = ()
    """DNS names of the subjectAltName. Without names and addresses there is no such extension."""
    addresses: tuple[str, ...] = ()
    """IP addresses of the subjectAltName."""
    common_name: str | None = None
    subject: x509.Name | None = None
    """The whole subject, where a common name is not enough."""
    not_before: datetime | None = None
    not_after: datetime | None = None
    serial: int | None = None
    """The serial number; None for a random one."""
    authority: bool = False
    """Whether basicConstraints says CA."""
    usages: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.SERVER_AUTH,)
    """Extended key usages; None leaves the extension out."""
    extensions: tuple[Extension, ...] = ()
    """Further extensions; one of a kind that is there anyway takes its place."""
    without: tuple[x509.ObjectIdentifier, ...] = ()
    """The kinds of extension to leave out."""


class CaOptions(TypedDict, total=False):
    """How a CA certificate may depart from the usual one."""

    permitted: Sequence[str]
    """DNS names that the CA may sign for, with everything below them; empty for no limit."""
    path_length: int | None
    """How many CAs there may be below it; None for no limit."""
    not_before: datetime
    not_after: datetime
    extensions: Sequence[Extension]
    """Further extensions; one of a kind that is there anyway takes its place."""
    without: Sequence[x509.ObjectIdentifier]
    """The kinds of extension to leave out."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: a CA's certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey


def distinguished_name(name: str | x509.Name) -> x509.Name:
    """Return the lab's distinguished name for a CA called ``name``."""
    if isinstance(name, x509.Name):
        return name
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TrustPin MITM Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def ca_certificate(
    subject: x509.Name, key: PrivateKey, issuer: Issuer | None, options: CaOptions
) -> x509.Certificate:
    """Certify ``key`` as a CA's; without an issuer it signs for itself."""
    usual: list[Extension] = [
        (x509.BasicConstraints(True, options.get("path_length")), True),
        (_key_usage(key, signs=False, certifies=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    if issuer is not None:
        usual.append((_key_id(issuer), False))
    if permitted := options.get("permitted"):
        usual.append((name_constraints(permitted), True))
    return _signed(
        _builder(
            subject,
            key,
            subject if issuer is None else issuer.certificate.subject,
            options.get("not_before"),
            options.get("not_after"),
            AUTHORITY_LIFETIME,
        ),
        _merged(usual, options.get("extensions", ()), options.get("without", ())),
        key if issuer is None else issuer.key,
    )


def leaf_certificate(leaf: Leaf, key: PrivateKey, issuer: Issuer | None) -> x509.Certificate:
    """Certify ``key`` for what ``leaf`` says; without an issuer it signs for itself."""
    subject = x509.Name([])
    if leaf.subject is not None:
        subject = leaf.subject
    elif leaf.common_name is not None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])
    elif issuer is None:
        # A self-signed certificate needs a name to be its own issuer by.
        subject = distinguished_name("Self-signed")
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in leaf.hosts]
    names += [x509.IPAddress(ipaddress.ip_address(a)) for a in leaf.addresses]
    usual: list[Extension] = [
        (x509.BasicConstraints(leaf.authority, None), True),
        (_key_usage(key, signs=True, certifies=leaf.authority), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    if names:
        # Critical where the subject is empty (RFC 5280 section 4.2.1.6).
        usual.append((x509.SubjectAlternativeName(names), not list(subject)))
    if leaf.usages is not None:
        usual.append((x509.ExtendedKeyUsage(leaf.usages), False))
    if issuer is not None:
        usual.append((_key_id(issuer), False))
    return _signed(
        _builder(
            subject,
            key,
            subject if issuer is None else issuer.certificate.subject,
            leaf.not_before,
            leaf.not_after,
            LEAF_LIFETIME,
            leaf.serial,
        ),
        _merged(usual, leaf.extensions, leaf.without),
        key if issuer is None else issuer.key,
    )


def name_constraints(permitted: Iterable[str]) -> x509.NameConstraints:
    """Allow these DNS names with everything below them, and of addresses only loopback's.

    A form of name that is not mentioned would not be limited (RFC 5280 section 4.2.1.10): with
    DNS names alone, a root could still vouch for any server that is called by its address.
    """
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in permitted]
    return x509.NameConstraints([*names, *map(x509.IPAddress, _LOOPBACK)], None)


def _builder(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    not_before: datetime | None,
    not_after: datetime | None,
    lifetime: timedelta,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before or now - BACKDATED)
        .not_valid_after(not_after or now + lifetime)
    )


def _merged(
    usual: Sequence[Extension],
    changes: Iterable[Extension],
    without: Iterable[x509.ObjectIdentifier],
) -> list[Extension]:
    merged = {extension.oid: (extension, critical) for extension, critical in usual}
    merged |= {extension.oid: (extension, critical) for extension, critical in changes}
    for oid in without:
        merged.pop(oid, None)
    return list(merged.values())


def _signed(
    builder: x509.CertificateBuilder, extensions: Iterable[Extension], key: PrivateKey
) -> x509.Certificate:
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, signature_hash(key))


def _key_id(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    """Name the issuer's key by the identifier in its certificate (RFC 5280 section 4.2.1.1)."""
    try:
        own = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        # It may have been left out on purpose; the name is then derived as it would have been.
        own = x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _key_usage(key: PrivateKey, *, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        key_cert_sign=certifies,
        crl_sign=certifies,
        content_commitment=False,
        # Only RSA can be used to encrypt a key (RFC 8813 section 3).
        key_encipherment=signs and isinstance(key, rsa.RSAPrivateKey),
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
