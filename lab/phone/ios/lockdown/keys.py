"""What a phone and a computer prove to each other that they are paired with.

Each computer makes a root of its own for a phone, and certifies its own key and the phone's with
it (libimobiledevice, ``src/userpref.c``); none of these certificates is looked at by anybody else.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lab.phone.ios.lockdown.plist import Plist

KEY_BITS = 2048
LIFETIME = timedelta(days=3650)
"""Pairings are kept for years; nobody renews their certificates."""
_BEFORE = timedelta(days=2)
"""How long before now a certificate begins: the clocks of phones are off."""


def new_key() -> rsa.RSAPrivateKey:
    """Make a private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Write a private key, as the tools expect it in a pair record."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def read_private(pem: bytes) -> rsa.RSAPrivateKey:
    """Read a private key. Raises ValueError, TypeError."""
    key = load_pem_private_key(pem, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Write a public key as lockdown's DevicePublicKey is: PKCS #1, PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)


@dataclass(frozen=True, slots=True)
class PairRecord:
    """What a computer keeps of its pairing with a phone. Keys and certificates are PEM."""

    host_id: str
    system_buid: str
    """Of the computer."""
    root_certificate: bytes
    root_key: bytes
    host_certificate: bytes
    host_key: bytes
    device_certificate: bytes
    wifi_address: str
    escrow_bag: bytes
    """What the phone gave, for later use while it is locked."""

    def for_phone(self) -> dict[str, Plist]:
        """Return what the phone is told in ``Pair``."""
        return {
            "HostID": self.host_id,
            "SystemBUID": self.system_buid,
            "RootCertificate": self.root_certificate,
            "HostCertificate": self.host_certificate,
            "DeviceCertificate": self.device_certificate,
        }

    def whole(self) -> dict[str, Plist]:
        """Return all of it, under the names that usbmuxd's clients know."""
        return {
            **self.for_phone(),
            "RootPrivateKey": self.root_key,
            "HostPrivateKey": self.host_key,
            "WiFiMACAddress": self.wifi_address,
            "EscrowBag": self.escrow_bag,
        }


def make_record(
    device_public: bytes, *, system_buid: str, wifi_address: str, escrow_bag: bytes
) -> PairRecord:
    """Pair a computer with the phone whose DevicePublicKey is given. Raises ValueError."""
    device = load_pem_public_key(device_public)
    if not isinstance(device, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    root, host = new_key(), new_key()
    return PairRecord(
        host_id=str(uuid.uuid4()).upper(),
        system_buid=system_buid,
        root_certificate=_certificate("Root", root.public_key(), root, is_root=True),
        root_key=private_pem(root),
        host_certificate=_certificate("Host", host.public_key(), root),
        host_key=private_pem(host),
        device_certificate=_certificate("Device", device, root),
        wifi_address=wifi_address,
        escrow_bag=escrow_bag,
    )


def _certificate(
    name: str, public: rsa.RSAPublicKey, root: rsa.RSAPrivateKey, *, is_root: bool = False
) -> bytes:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} of a pairing")])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root of a pairing")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(_usage(is_root=is_root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False
        )
    )
    return builder.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM)


def _usage(*, is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        key_encipherment=not is_root,
        key_cert_sign=is_root,
        crl_sign=is_root,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
