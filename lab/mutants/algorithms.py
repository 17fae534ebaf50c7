"""Mutants: broken hashes, weak keys, curves of the attacker's own."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from lab.mutants.platform import Lax, Path, Strict, above_leaf
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.path_rules import Fault, PlatformRules
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import SslHandshakeError

WEAK_LEAF_KEY, WEAK_CA_KEY, WEAK_HASH = 66, 67, 68
"""X509_V_ERR_EE_KEY_TOO_SMALL, …_CA_KEY_TOO_SMALL, …_CA_MD_TOO_WEAK."""
EXPLICIT_CURVE = 94
"""X509_V_ERR_EC_KEY_EXPLICIT_PARAMS."""
SIZES = (1024, 2048, 3072, 4096)
MD5 = SignatureAlgorithmOID.RSA_WITH_MD5
SHA1 = (SignatureAlgorithmOID.RSA_WITH_SHA1, SignatureAlgorithmOID.ECDSA_WITH_SHA1)


def _is_over_md5(fault: Fault) -> bool:
    return fault.read is not None and fault.read.signature_algorithm_oid == MD5


@mutant("any hash will do", killed_by=["sha1_leaf", "sha1_intermediate"])
class BrokenHashes(ReferenceClient):
    """A TLS stack from before 2017, or one told to get along with old servers: collisions of
    SHA-1 make two certificates of one signature."""

    platform_rules = Lax(WEAK_HASH)


@mutant("MD5 will do", killed_by=["md5_leaf", "md5_intermediate"])
class OldestHash(ReferenceClient):
    """SHA-1 was taken off the list by name, and what came before it was forgotten."""

    platform_rules = Lax(WEAK_HASH, when=_is_over_md5)


@mutant(
    "only the leaf's hash is looked at",
    killed_by=["sha1_intermediate", "md5_intermediate"],
)
class HashOfTheLeafOnly(ReferenceClient):
    """A forged CA is worth more than a forged leaf."""

    platform_rules = Lax(WEAK_HASH, when=above_leaf)


@mutant("the hash of all that is sent is looked at", killed_by=["sha1_root"], rules=LOCKED_OUT)
class HashOfEverything(ReferenceClient):
    """Also of roots, on whose signatures nobody relies. Servers that send theirs are refused."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Refuse a message with a certificate over SHA-1; else judge it as usual."""
        for der in chain:
            if x509.load_der_x509_certificate(der).signature_algorithm_oid in SHA1:
                raise SslHandshakeError("a certificate with a weak hash was sent")
        super().check(host, port, chain)


@mutant("any key size will do", killed_by=["rsa_512_intermediate"])
class WeakKeys(ReferenceClient):
    """512 bits can be factored by anybody, who is then a CA."""

    platform_rules = Lax(WEAK_LEAF_KEY, WEAK_CA_KEY)


@mutant("every curve with a name will do", killed_by=["p192_intermediate"])
class AnyNamedCurve(ReferenceClient):
    """A TLS library with all curves that were ever named."""

    class _Rules(PlatformRules):
        def key_is_usable(self, certificate: x509.Certificate) -> bool:
            try:
                certificate.public_key()
            except (ValueError, UnsupportedAlgorithm):
                return False
            return True

    platform_rules = _Rules()


@mutant("curves may be spelled out", killed_by=["explicit_curve_intermediate"])
class ExplicitCurves(ReferenceClient):
    """The parameters are read and used, whoever chose them (CVE-2020-0601)."""

    class _Rules(Lax):
        def key_is_usable(self, certificate: x509.Certificate) -> bool:
            return True

    platform_rules = _Rules(EXPLICIT_CURVE)


def _has_odd_size(path: Path, _: float) -> bool:
    keys = (certificate.public_key() for certificate in path)
    return any(isinstance(key, rsa.RSAPublicKey) and key.key_size not in SIZES for key in keys)


@mutant("has a list of key sizes", killed_by=["odd_rsa_intermediate"], rules=LOCKED_OUT)
class ListOfSizes(ReferenceClient):
    """Its users are locked out by the first key that is not in it."""

    platform_rules = Strict(_has_odd_size)
