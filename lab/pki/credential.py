"""A leaf certificate with its key and what is sent along with it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.pki.keys import PrivateKey, key_der, key_pem


def der(certificate: x509.Certificate) -> bytes:
    """Return the DER of ``certificate``."""
    return certificate.public_bytes(Encoding.DER)


def digest(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate's DER, lower-case hex."""
    return hashlib.sha256(der(certificate)).hexdigest()


@dataclass(frozen=True, slots=True)
class Credential:
    """What a TLS server needs: a certificate, its key, the certificates behind it."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    issuers: tuple[x509.Certificate, ...] = ()
    """What follows the leaf in the Certificate message: usually the intermediates, nearest
    first, without the root."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The Certificate message, leaf first."""
        return (self.certificate, *self.issuers)

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        return tuple(der(certificate) for certificate in self.chain)

    @property
    def chain_pem(self) -> bytes:
        return b"".join(c.public_bytes(Encoding.PEM) for c in self.chain)

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each certificate of the chain, lower-case hex."""
        return tuple(digest(certificate) for certificate in self.chain)

    @property
    def key_der(self) -> bytes:
        """The key as unencrypted PKCS#8 DER."""
        return key_der(self.key)

    def with_chain(self, *certificates: x509.Certificate) -> Credential:
        """Return a copy that serves exactly ``certificates``; the first must be the leaf's."""
        assert certificates, "a chain has at least a leaf"
        return replace(self, certificate=certificates[0], issuers=certificates[1:])

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write ``name.crt`` (chain) and ``name.key`` (key, mode 0600), both PEM; return the paths.

        Raises OSError where the directory cannot be written.
        """
        chain, key = directory / f"{name}.crt", directory / f"{name}.key"
        chain.write_bytes(self.chain_pem)
        write_private(key, key_pem(self.key))
        return chain, key


def with_bad_signature(certificate: x509.Certificate) -> x509.Certificate:
    """Return ``certificate`` with the last bit of its signature flipped."""
    content = der(certificate)
    # The signature is what a certificate ends with (RFC 5280 section 4.1).
    return x509.load_der_x509_certificate(content[:-1] + bytes([content[-1] ^ 1]))


def write_private(path: Path, content: bytes) -> None:
    """Write a secret so that it is never readable by others, not even for a moment.

    What ``path`` was before, a file that others have open or a link, is replaced, not followed.
    Raises OSError where that cannot be done.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
