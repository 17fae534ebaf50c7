"""The identity that supervises iPhones: a certificate and its key, from a PKCS #12 file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from lab.devices.state_folder import reason
from lab.model.device import DeviceLost
from lab.network.mobileconfig import sign

MOST = 1024 * 1024
"""Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who may install profiles on a supervised iPhone without asking its user."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    def answer(self, challenge: bytes) -> bytes:
        """Sign what the phone asks to have signed (CMS, DER)."""
        return sign(challenge, self.certificate, self.key)


def read_supervisor(file: Path, password: str) -> Supervisor:
    """Read a PKCS #12 file. Raises DeviceLost, which names the file and never the password."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DeviceLost(f"the supervision identity cannot be read: {reason(error)}") from None
    try:
        if len(content) > MOST:
            raise ValueError("it is too long")
        key, certificate, _ = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except ValueError as error:
        told = f"{file}: no PKCS #12 file, or another password: {error}"
        raise DeviceLost(told) from None
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise DeviceLost(f"{file}: it holds no certificate with an RSA or EC key")
    return Supervisor(certificate, key)
