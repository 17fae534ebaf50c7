"""iOS's rules about a server's certificates, where they are not OpenSSL's.

Sources: Apple, "Requirements for trusted certificates in iOS 13 and macOS 10.15" (support article
103769, formerly HT210176), cited as *iOS 13*; Apple, "Preventing Insecure Network Connections"
(NSAppTransportSecurity), cited as *ATS*.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.phone.path_rules import Fault, PlatformRules

LEAST_RSA = 2048
LEAST_EC = 256
"""Bits of a key."""
LONGEST = timedelta(days=825)
"""How long a certificate may be valid that begins on ``SINCE`` or later (iOS 13)."""
SINCE = datetime(2019, 7, 1, tzinfo=UTC)

_WEAK = (hashes.MD5, hashes.SHA1)


class IosRules(PlatformRules):
    """What iOS judges every app's servers by, App Transport Security or not."""

    def anchors_live_on(self, fault: Fault) -> bool:
        """An anchor outside its dates is none to iOS: its path is checked for the moment as a
        whole (Security framework, SecPolicyCheckTemporalValidity)."""
        return False

    def purpose_is_right(self, fault: Fault) -> bool:
        """iOS asks a server's certificate for serverAuth by name, and CAs for nothing
        (iOS 13)."""
        return fault.depth > 0

    def objections(self, path: tuple[x509.Certificate, ...], now: float) -> Iterator[str]:
        yield from super().objections(path, now)
        for certificate in path[:-1]:
            # An anchor is a name and a key: nobody signed it for this path.
            if _is_weakly_signed(certificate):
                yield "the signature is not of the SHA-2 family"
        for certificate in path:
            if _is_short(certificate):
                yield f"the RSA key is shorter than {LEAST_RSA} bits"
        yield from self.leaf_objections(path[0])

    def leaf_objections(self, leaf: x509.Certificate) -> Iterator[str]:
        """Say what iOS minds about the server's own certificate (iOS 13)."""
        if leaf.not_valid_before_utc < SINCE:
            return
        if leaf.not_valid_after_utc - leaf.not_valid_before_utc > LONGEST:
            yield f"it is valid for more than {LONGEST.days} days"
        try:
            usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, ValueError):
            yield "it has no extendedKeyUsage"
            return
        if ExtendedKeyUsageOID.SERVER_AUTH not in usage:
            yield "its extendedKeyUsage does not hold serverAuth"


class AtsRules(IosRules):
    """What iOS asks beyond that of the servers of an app with App Transport Security."""

    def leaf_objections(self, leaf: x509.Certificate) -> Iterator[str]:
        """Say what ATS minds: a key shorter than RSA 2048 or EC 256 bits, another hash than
        SHA-2."""
        yield from super().leaf_objections(leaf)
        try:
            key = leaf.public_key()
        except (ValueError, UnsupportedAlgorithm):
            yield "the public key cannot be read"
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < LEAST_EC:
            yield f"the EC key is shorter than {LEAST_EC} bits"


def _is_weakly_signed(certificate: x509.Certificate) -> bool:
    try:
        return isinstance(certificate.signature_hash_algorithm, _WEAK)
    except UnsupportedAlgorithm:
        return True


def _is_short(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        # It is refused for that already.
        return False
    return isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA


IOS = IosRules()
ATS = AtsRules()
