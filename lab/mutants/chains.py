"""Mutants: how a path is built of what is served, and whether its signatures are verified."""

from __future__ import annotations

from itertools import pairwise

from cryptography import x509
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.mutants.platform import Lax, above_leaf, on_leaf
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import SslHandshakeError

NO_ANCHOR = (
    Code.ERR_UNABLE_TO_GET_ISSUER_CERT,
    Code.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    Code.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    Code.ERR_SELF_SIGNED_CERT_IN_CHAIN,
    Code.ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    Code.ERR_CERT_CHAIN_TOO_LONG,
    Code.ERR_CERT_UNTRUSTED,
)
BAD_SIGNATURE = (Code.ERR_CERT_SIGNATURE_FAILURE, Code.ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY)


def _read(chain: tuple[bytes, ...]) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(der) for der in chain]


@mutant(
    "the pin replaces the chain",
    killed_by=["incomplete_chain", "cyclic_chain", "endless_chain"],
)
class PinInsteadOfChain(ReferenceClient):
    """The leaf is pinned, so who signed it does not matter: a certificate that was never
    issued, or withdrawn, is accepted with the key."""

    platform_rules = Lax(*NO_ANCHOR)


@mutant("the leaf's signature is not verified", killed_by=["forged_leaf"])
class UnverifiedLeaf(ReferenceClient):
    """Issuer and subject are compared by name. Names, dates and usages are whatever the attacker
    writes around the pinned key."""

    platform_rules = Lax(*BAD_SIGNATURE, when=on_leaf)


@mutant("the intermediate's signature is not verified", killed_by=["forged_intermediate"])
class UnverifiedIntermediate(ReferenceClient):
    """The leaf is verified, with a key that the attacker brought along."""

    platform_rules = Lax(*BAD_SIGNATURE, when=above_leaf)


@mutant(
    "a root is known by its name and key identifier",
    killed_by=["spoofed_root"],
)
class RootByName(ReferenceClient):
    """What an anchor of this name signed is not verified with the anchor's own key. Windows
    compared the public key as well, and not the curve that it is on (CVE-2020-0601)."""

    platform_rules = Lax(*BAD_SIGNATURE, when=lambda fault: fault.below_anchor)


@mutant(
    "each certificate must certify the one before",
    killed_by=["unordered_chain", "duplicated_certificates", "strangers_in_the_chain"],
    rules=LOCKED_OUT,
)
class InOrder(ReferenceClient):
    """As TLS 1.2 had it (RFC 5246 section 7.4.2), and as few servers keep to."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Refuse what is not in order; else judge it as usual."""
        if any(below.issuer != above.subject for below, above in pairwise(_read(chain))):
            raise SslHandshakeError("the chain is not in order")
        super().check(host, port, chain)


@mutant(
    "follows what is sent to its end",
    killed_by=["cross_signed_root"],
    rules=LOCKED_OUT,
)
class ToTheEnd(ReferenceClient):
    """The last certificate of the message must come from a root that it has, though an earlier
    one does: the outages of May 2020 (AddTrust) and September 2021 (DST Root CA X3)."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Refuse a message that does not end at a known root; else judge it as usual."""
        anchors = _read(self.phone.trust_anchors(self.user_store))
        if _read(chain)[-1].issuer not in [anchor.subject for anchor in anchors]:
            raise SslHandshakeError("the chain ends at an unknown root")
        super().check(host, port, chain)


@mutant("takes the first issuer whose name fits", killed_by=["expired_twin"], rules=LOCKED_OUT)
class FirstIssuer(ReferenceClient):
    """Builds one path and gives up where that fails, though another one is valid."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Refuse a message whose first fitting issuer has ended; else judge it as usual."""
        leaf, *others = _read(chain)
        first = next((c for c in others if c.subject == leaf.issuer), leaf)
        if first.not_valid_after_utc.timestamp() < self.phone.now():
            raise SslHandshakeError("the issuer has expired")
        super().check(host, port, chain)
