"""Certificate authorities: honest ones, rogue ones, and ones that are wrong on purpose."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.pki.credential import Credential, der
from lab.pki.keys import KeyType, PrivateKey, new_key, signature_hash

LEAF_LIFETIME = timedelta(days=3)
AUTHORITY_LIFETIME = timedelta(days=7)
BACKDATED = timedelta(days=1)
"""How long ago a certificate begins, so that clocks may differ a little."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf certificate says. What is left out is as a public CA would make it."""

    hosts: tuple[str, ...] = ()
    """DNS names of the subjectAltName. Without names and addresses there is no such extension."""
    addresses: tuple[str, ...] = ()
    """IP addresses of the subjectAltName."""
    common_name: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    authority: bool = False
    """Whether basicConstraints says CA."""
    usages: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.SERVER_AUTH,)
    """Extended key usages; None leaves the extension out."""
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    """Further extensions and whether each is critical."""


class Authority:
    """A CA: its certificate, its key, and the certificates between it and its root."""

    def __init__(
        self,
        certificate: x509.Certificate,
        key: PrivateKey,
        path: Sequence[x509.Certificate] = (),
    ) -> None:
        self.certificate = certificate
        self.key = key
        self.path = tuple(path)
        """Itself and the intermediates above it, nearest first; empty for a root."""

    @property
    def der(self) -> bytes:
        """The CA certificate's DER."""
        return der(self.certificate)

    @classmethod
    def root(
        cls,
        name: str | x509.Name,
        *,
        permitted: Sequence[str] = (),
        key: PrivateKey | None = None,
        kind: KeyType = KeyType.P256,
        key_id: x509.SubjectKeyIdentifier | None = None,
    ) -> Authority:
        """Make a self-signed root that may sign for ``permitted`` DNS names and below only.

        ``key_id`` overrides the subject key identifier (for look-alikes).
        """
        key = key or new_key(kind)
        subject = _name(name)
        certificate = _authority_certificate(subject, key, subject, key, None, key_id, permitted)
        return cls(certificate, key)

    @classmethod
    def from_credential(cls, credential: Credential) -> Authority:
        """Misuse a leaf's key as if it were a CA's: what it signs must not be believed."""
        return cls(credential.certificate, credential.key, credential.chain)

    def subordinate(
        self,
        name: str | x509.Name,
        *,
        kind: KeyType = KeyType.P256,
        path_length: int | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Authority:
        """Make an intermediate CA below this one."""
        key = new_key(kind)
        certificate = _authority_certificate(
            _name(name),
            key,
            self.certificate.subject,
            self.key,
            self.certificate,
            path_length=path_length,
            not_before=not_before,
            not_after=not_after,
        )
        return Authority(certificate, key, (certificate, *self.path))

    def imitation(self) -> Authority:
        """Make a root with this CA's subject name and key identifier, but another key."""
        key_id = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return Authority.root(self.certificate.subject, key_id=key_id.value)

    def cross_sign(self, other: Authority) -> x509.Certificate:
        """Certify the name and key of ``other`` as a CA below this one."""
        return _authority_certificate(
            other.certificate.subject,
            other.key,
            self.certificate.subject,
            self.key,
            self.certificate,
        )

    def issue(
        self,
        leaf: Leaf | str,
        *,
        key: PrivateKey | None = None,
        kind: KeyType = KeyType.P256,
    ) -> Credential:
        """Issue a leaf certificate; a plain string stands for that host as only DNS name."""
        wanted = Leaf((leaf,)) if isinstance(leaf, str) else leaf
        key = key or new_key(kind)
        certificate = _leaf_certificate(wanted, key, self.certificate.subject, self)
        return Credential(certificate, key, self.path)


def self_signed(leaf: Leaf, *, key: PrivateKey | None = None) -> Credential:
    """Make a leaf that nobody but its own key vouches for."""
    key = key or new_key()
    return Credential(_leaf_certificate(leaf, key, None, None), key)


def _name(name: str | x509.Name) -> x509.Name:
    if isinstance(name, x509.Name):
        return name
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TrustPin MITM Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _builder(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    not_before: datetime | None,
    not_after: datetime | None,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - BACKDATED)
        .not_valid_after(not_after or now + lifetime)
    )


def _key_id(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Name the issuer's key by the identifier in its certificate (RFC 5280 section 4.2.1.1)."""
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _authority_certificate(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    issuer_certificate: x509.Certificate | None,
    key_id: x509.SubjectKeyIdentifier | None = None,
    permitted: Sequence[str] = (),
    *,
    path_length: int | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> x509.Certificate:
    own_id = key_id or x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(subject, key, issuer, not_before, not_after, AUTHORITY_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), True)
    builder = builder.add_extension(_usage(signs_certificates=True), True)
    builder = builder.add_extension(own_id, False)
    if issuer_certificate is not None:
        builder = builder.add_extension(_key_id(issuer_certificate), False)
    if permitted:
        names = [x509.DNSName(host) for host in permitted]
        builder = builder.add_extension(x509.NameConstraints(names, None), True)
    return builder.sign(issuer_key, signature_hash(issuer_key))


def _leaf_certificate(
    leaf: Leaf, key: PrivateKey, issuer: x509.Name | None, authority: Authority | None
) -> x509.Certificate:
    name = [] if leaf.common_name is None else [(NameOID.COMMON_NAME, leaf.common_name)]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in name])
    if issuer is None and not name:
        # A self-signed certificate needs a name to be its own issuer by.
        subject = _name("Self-signed")
    builder = _builder(
        subject, key, issuer or subject, leaf.not_before, leaf.not_after, LEAF_LIFETIME
    )
    alternative: list[x509.GeneralName] = [x509.DNSName(host) for host in leaf.hosts]
    alternative += [x509.IPAddress(ipaddress.ip_address(a)) for a in leaf.addresses]
    if alternative:
        # Critical where the subject is empty (RFC 5280 section 4.2.1.6).
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), not name)
    builder = builder.add_extension(x509.BasicConstraints(leaf.authority, None), True)
    builder = builder.add_extension(_usage(signs_certificates=leaf.authority), True)
    if leaf.usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(leaf.usages), False)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    )
    if authority is not None:
        builder = builder.add_extension(_key_id(authority.certificate), False)
    for extension, critical in leaf.extensions:
        builder = builder.add_extension(extension, critical)
    signer = key if authority is None else authority.key
    return builder.sign(signer, signature_hash(signer))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
