"""Mutants: kinds of pins and types of keys that somebody did not think of."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.pins import Pin, PinKind
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.verifier import PinVerifier
from lab.pinning.pins import digest_of_bytes, parse_wire_digest

LONG = frozenset({PinKind.SPKI_SHA512, PinKind.LEAF_SHA512})
LEAVES = frozenset({PinKind.LEAF_SHA256, PinKind.LEAF_SHA512})
USUAL_EXPONENT = 65537


class _LeavesKindsOut(PinVerifier):
    unknown: frozenset[PinKind]
    """A host with pins of these kinds alone is as good as not pinned."""

    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        kinds = {pin.kind for pin in self.pins_for(host) or ()}
        return None if kinds and kinds <= self.unknown else super().judge(host, chain, now)


class _ShortPinsOnly(_LeavesKindsOut):
    unknown = LONG


@mutant(
    "has no pins for a host that is pinned by SHA-512 alone",
    killed_by=["device_trusted_ca_spki_sha512", "device_trusted_ca_leaf_sha512"],
)
class IgnoresSha512(ReferenceClient):
    """Hands the pins to a platform that takes SHA-256 alone (Android's network security
    configuration, OkHttp) and leaves out what that does not know."""

    verifier_class = _ShortPinsOnly


class _KeyPinsOnly(_LeavesKindsOut):
    unknown = LEAVES


@mutant(
    "has no pins for a host that is pinned by its whole certificate",
    killed_by=["device_trusted_ca_leaf_sha256", "renewed_same_key_leaf"],
)
class IgnoresLeafPins(ReferenceClient):
    """As ``IgnoresSha512``, for what platforms do not take, either: fingerprints."""

    verifier_class = _KeyPinsOnly


class _RsaOnly(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        known = isinstance(certificate.public_key(), rsa.RSAPublicKey)
        return super().vouches(pin, certificate) if known else True


@mutant(
    "lets keys through that are not RSA",
    killed_by=["rogue_key_p256", "rogue_key_p384", "rogue_key_ed25519"],
)
class KnowsRsaAlone(ReferenceClient):
    """``if (key instanceof RSAPublicKey)``, and nothing behind it. The attacker chooses his key's
    type."""

    verifier_class = _RsaOnly


class _NoEdwards(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        known = not isinstance(certificate.public_key(), ed25519.Ed25519PublicKey)
        return super().vouches(pin, certificate) if known else True


@mutant("lets Ed25519 keys through", killed_by=["rogue_key_ed25519"])
class LetsNewTypesThrough(ReferenceClient):
    """An exception ("unsupported key") that is caught in the wrong place."""

    verifier_class = _NoEdwards


class _SmallRsaOnly(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        key = certificate.public_key()
        large = isinstance(key, rsa.RSAPublicKey) and key.key_size > 2048
        return large or super().vouches(pin, certificate)


@mutant(
    "lets RSA keys of more than 2048 bits through",
    killed_by=["rogue_key_rsa3072", "rogue_key_rsa4096"],
)
class LetsLargeKeysThrough(ReferenceClient):
    """A buffer that is too small, and an error that is taken for a match."""

    verifier_class = _SmallRsaOnly


class _NoLargeRsa(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        key = certificate.public_key()
        large = isinstance(key, rsa.RSAPublicKey) and key.key_size > 2048
        return not large and super().vouches(pin, certificate)


@mutant(
    "knows RSA keys of 2048 bits alone",
    killed_by=["key_rsa3072", "key_rsa4096"],
    rules=LOCKED_OUT,
)
class KnowsOneRsaSize(ReferenceClient):
    """The header of a 2048-bit key, put in front of every RSA key (iOS hands out keys without
    one; TrustKit had a table of them)."""

    verifier_class = _NoLargeRsa


class _OneCurve(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        key = certificate.public_key()
        other = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size != 256
        return not other and super().vouches(pin, certificate)


@mutant("knows the curve P-256 alone", killed_by=["key_p384"], rules=LOCKED_OUT)
class KnowsOneCurve(ReferenceClient):
    """The same for elliptic curves."""

    verifier_class = _OneCurve


class _NoEd25519(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        new = isinstance(certificate.public_key(), ed25519.Ed25519PublicKey)
        return not new and super().vouches(pin, certificate)


@mutant("knows no Ed25519 keys", killed_by=["key_ed25519"], rules=LOCKED_OUT)
class KnowsNoEd25519(ReferenceClient):
    """A table of algorithms that ends in 2015. Its platform offered the type, its pin check does
    not know it."""

    verifier_class = _NoEd25519


class _CurvesOnly(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        known = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
        return known and super().vouches(pin, certificate)


@mutant("knows elliptic curves alone", killed_by=["key_rsa2048", "key_ed25519"], rules=LOCKED_OUT)
class KnowsCurvesAlone(ReferenceClient):
    """Only ever tried with the project's own server. The day on which that moves to a provider
    with RSA keys, all users are locked out."""

    verifier_class = _CurvesOnly


class _AssumedExponent(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or pin.kind in LEAVES:
            return super().vouches(pin, certificate)
        modulus = key.public_numbers().n
        assumed = rsa.RSAPublicNumbers(USUAL_EXPONENT, modulus).public_key()
        der = assumed.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return parse_wire_digest(pin.digest, pin.kind) == digest_of_bytes(der, pin.kind)


@mutant(
    "takes the exponent of every RSA key for 65537",
    killed_by=["rogue_key_rsa2048", "rogue_key_rsa3072", "rogue_key_rsa4096"],
)
class AssumesTheExponent(ReferenceClient):
    """Puts a SubjectPublicKeyInfo together from the modulus, as the exponent is the same
    everywhere. With a modulus that an attacker can factor for the exponent of his choice, or where
    a later version compares moduli only, another key passes for the pinned one."""

    verifier_class = _AssumedExponent
