"""Certificate authorities: honest ones, rogue ones, and ones that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from cryptography import x509

from lab.pki.certificates import (
    CaOptions,
    Issuer,
    Leaf,
    ca_certificate,
    distinguished_name,
    leaf_certificate,
)
from lab.pki.credential import Credential, der
from lab.pki.keys import KeyType, PrivateKey, new_key

__all__ = ["Authority", "CaOptions", "Leaf", "self_signed"]

IMITATED = (x509.SubjectKeyIdentifier, x509.BasicConstraints, x509.NameConstraints)
"""What a look-alike copies. The name constraints keep it harmless should it stay behind."""


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
        key: PrivateKey | None = None,
        kind: KeyType = KeyType.P256,
        **options: Unpack[CaOptions],
    ) -> Authority:
        """Make a self-signed root. ``kind`` is the type of its key, where none is given."""
        key = key or new_key(kind)
        return cls(ca_certificate(distinguished_name(name), key, None, options), key)

    @classmethod
    def from_credential(cls, credential: Credential) -> Authority:
        """Misuse a leaf's key as if it were a CA's: what it signs must not be believed."""
        return cls(credential.certificate, credential.key, credential.chain)

    def subordinate(
        self,
        name: str | x509.Name,
        *,
        key: PrivateKey | None = None,
        kind: KeyType = KeyType.P256,
        **options: Unpack[CaOptions],
    ) -> Authority:
        """Make an intermediate CA below this one. ``kind`` as for ``root``."""
        key = key or new_key(kind)
        certificate = ca_certificate(distinguished_name(name), key, self._issuer, options)
        return Authority(certificate, key, (certificate, *self.path))

    def imitation(self, below: Authority | None = None) -> Authority:
        """Make a CA with this one's subject name, key identifier and limits, but another key.

        It is certified by ``below``, or signs for itself.
        """
        options = CaOptions(
            extensions=[
                (extension.value, extension.critical)
                for extension in self.certificate.extensions
                if isinstance(extension.value, IMITATED)
            ]
        )
        if below is None:
            return Authority.root(self.certificate.subject, **options)
        return below.subordinate(self.certificate.subject, **options)

    def cross_sign(self, other: Authority, **options: Unpack[CaOptions]) -> x509.Certificate:
        """Certify the name and key of ``other`` as a CA's below this one."""
        subject = other.certificate.subject
        return ca_certificate(subject, other.key, self._issuer, options)

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
        return Credential(leaf_certificate(wanted, key, self._issuer), key, self.path)

    @property
    def _issuer(self) -> Issuer:
        return Issuer(self.certificate, self.key)


def self_signed(leaf: Leaf, *, key: PrivateKey | None = None) -> Credential:
    """Make a leaf that nobody but its own key vouches for."""
    key = key or new_key()
    return Credential(leaf_certificate(leaf, key, None), key)
