"""The platform's rules about a certification path, where Android's are not OpenSSL's.

OpenSSL builds the path and applies RFC 5280. Conscrypt's TrustManagerImpl, with Bouncy Castle's
path validator behind it and BoringSSL below, lets some things pass that OpenSSL minds, and minds
others. Each rule is a method of its own; a wrong client overrides one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.phone.host_names import HostNameRules

_CURVES = ("secp224r1", "secp256r1", "secp384r1", "secp521r1")
"""All that BoringSSL knows, and by their names only (RFC 5480 section 2.1.1)."""


@dataclass(frozen=True)
class Fault:
    """Something that OpenSSL does not like about one certificate of a path."""

    code: int
    """X509_V_ERR_… of openssl/x509_vfy.h; 0 for none."""
    depth: int
    """0 for the leaf."""
    certificate: crypto.X509
    trusted: bool
    """Whether this very certificate is one of the anchors."""
    below_anchor: bool
    """Whether the certificate above it in the path is one."""
    now: float
    """The phone's time, epoch seconds."""

    @cached_property
    def read(self) -> x509.Certificate | None:
        """The certificate as it can be looked into; None for one that cannot be read."""
        try:
            return self.certificate.to_cryptography()
        except ValueError:
            return None

    @property
    def missed_dates(self) -> int:
        """The code of the fault that the certificate's dates are now, to the fraction of a second;
        0 where both ends of its validity include the moment (RFC 5280 section 4.1.2.5)."""
        if self.read is None:
            return 0
        if self.now < self.read.not_valid_before_utc.timestamp():
            return int(Code.ERR_CERT_NOT_YET_VALID)
        if self.now > self.read.not_valid_after_utc.timestamp():
            return int(Code.ERR_CERT_HAS_EXPIRED)
        return 0


class PlatformRules(HostNameRules):
    """What Android judges a server's certificates by. May be used from any thread."""

    def forgives(self, fault: Fault) -> bool:
        """Tell whether ``fault`` is none to Android."""
        match fault.code:
            case Code.ERR_CERT_HAS_EXPIRED | Code.ERR_CERT_NOT_YET_VALID if fault.trusted:
                return self.anchors_live_on(fault)
            case Code.ERR_CERT_HAS_EXPIRED:
                return self.not_over_yet(fault)
            case Code.ERR_INVALID_PURPOSE:
                return self.purpose_is_right(fault)
        return False

    def anchors_live_on(self, fault: Fault) -> bool:
        """Tell whether an anchor counts outside its dates.

        It does: an anchor is a name and a key (RFC 5280 section 6.1.1 d), and Android does not
        look at its dates. Let's Encrypt served a chain to an expired root for years, for the
        sake of old Android phones.
        """
        return fault.trusted

    def not_over_yet(self, fault: Fault) -> bool:
        """Tell whether the certificate ends in this very moment: notAfter is its last second
        (RFC 5280 section 4.1.2.5; Java's ``checkValidity``), which OpenSSL 3 denies."""
        return fault.read is not None and fault.missed_dates == 0

    def purpose_is_right(self, fault: Fault) -> bool:
        """Tell whether the extendedKeyUsage is right for a server all the same.

        Conscrypt looks at the leaf's alone and takes anyExtendedKeyUsage for it; OpenSSL asks
        the same of CAs and wants serverAuth.
        """
        if fault.read is None:
            return False
        try:
            found = fault.read.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except (x509.ExtensionNotFound, ValueError):
            return False
        if fault.depth:
            return not found.critical
        return ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in found.value

    def objections(self, path: tuple[x509.Certificate, ...], now: float) -> Iterator[str]:
        """Say what Android minds about a path that OpenSSL likes: leaf first, the anchor last.

        ``now`` is the phone's time in epoch seconds.
        """
        for certificate in path:
            if not self.key_is_usable(certificate):
                yield "unsupported public key"

    def key_is_usable(self, certificate: x509.Certificate) -> bool:
        """Tell whether BoringSSL can use the certificate's key: of elliptic curves it takes four,
        each by its name. Parameters spelled out let an attacker choose the curve's generator
        (CVE-2020-0601)."""
        try:
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return False
        return not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name in _CURVES


ANDROID = PlatformRules()
