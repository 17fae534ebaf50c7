"""Mutants: who may issue certificates, and what for."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.mutants.platform import Lax, Path, Strict, above_leaf, extension
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.path_rules import Fault, PlatformRules
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import SslHandshakeError
from lab.pki.der import DNS_NAME, element

NO_CA = (
    Code.ERR_INVALID_CA,
    Code.ERR_INVALID_NON_CA,
    Code.ERR_INVALID_PURPOSE,
    Code.ERR_KEYUSAGE_NO_CERTSIGN,
)
SERIAL_BITS = 160
KNOWN = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
    }
)


def _basic(fault: Fault) -> object | None:
    return extension(fault.read, ExtensionOID.BASIC_CONSTRAINTS)


def _denies(fault: Fault) -> bool:
    basic = _basic(fault)
    return isinstance(basic, x509.BasicConstraints) and not basic.ca


def _affirms(fault: Fault) -> bool:
    basic = _basic(fault)
    return isinstance(basic, x509.BasicConstraints) and basic.ca


def _is_silent(fault: Fault) -> bool:
    return fault.read is not None and len(fault.read.extensions) > 0 and _basic(fault) is None


def _is_of_version_1(fault: Fault) -> bool:
    return fault.read is not None and fault.read.version is x509.Version.v1


def _usages(certificate: x509.Certificate) -> object | None:
    return extension(certificate, ExtensionOID.EXTENDED_KEY_USAGE)


@mutant(
    "everybody with a certificate is a CA",
    killed_by=["intermediate_denies_being_a_ca"],
)
class AnyoneIssues(ReferenceClient):
    """basicConstraints are not looked at (CVE-2002-0862 in Windows, CVE-2011-0228 in iOS): the
    owner of any certificate can make one for any host."""

    platform_rules = Lax(*NO_CA, when=_denies)


@mutant(
    "who does not say that it is no CA is one",
    killed_by=["intermediate_without_basic_constraints"],
)
class SilenceIsConsent(ReferenceClient):
    """The absence of basicConstraints is taken for consent."""

    platform_rules = Lax(*NO_CA, when=_is_silent)


@mutant("a CA's keyUsage does not matter", killed_by=["intermediate_without_cert_sign"])
class AnyUsageSigns(ReferenceClient):
    """basicConstraints are checked, keyCertSign is not: a CA that has been reduced to
    something else goes on."""

    platform_rules = Lax(*NO_CA, when=_affirms)


@mutant("intermediates of version 1 are CAs", killed_by=["version_1_intermediate"])
class Version1Issues(ReferenceClient):
    """What had to be tolerated for old roots covers intermediates, too (CVE-2014-1959)."""

    platform_rules = Lax(*NO_CA, when=_is_of_version_1)


@mutant("pathLenConstraint is not checked", killed_by=["path_too_long"])
class EndlessDelegation(ReferenceClient):
    """A CA that was to issue leaves only makes further CAs."""

    platform_rules = Lax(Code.ERR_PATH_LENGTH_EXCEEDED)


def _exceeds_with_leaf(path: Path, _: float) -> bool:
    lengths = (extension(c, ExtensionOID.BASIC_CONSTRAINTS) for c in path)
    return any(
        isinstance(basic, x509.BasicConstraints)
        and basic.path_length is not None
        and below > basic.path_length
        for below, basic in enumerate(lengths)
    )


@mutant(
    "counts the leaf as a CA below the limit",
    killed_by=["path_just_long_enough"],
    rules=LOCKED_OUT,
)
class CountsTheLeaf(ReferenceClient):
    """Off by one in pathLenConstraint: what public CAs do with their last intermediate is
    refused."""

    platform_rules = Strict(_exceeds_with_leaf)


@mutant("extended key usages are not checked", killed_by=["for_code_signing"])
class UsageIgnored(ReferenceClient):
    """A certificate for signing code is as good as one for a server."""

    platform_rules = Lax(Code.ERR_INVALID_PURPOSE)


def _has_no_usages(fault: Fault) -> bool:
    # The library does not read an empty list.
    return (
        fault.read is not None
        and b"\x55\x1d\x25\x04\x02\x30\x00" in fault.read.tbs_certificate_bytes
    )


@mutant("no usages are all usages", killed_by=["for_nothing"])
class EmptyIsAll(ReferenceClient):
    """An empty list of extended key usages is taken for a missing one."""

    class _Rules(Lax):
        def check_name(self, host: str, leaf: bytes) -> None:
            try:
                super().check_name(host, leaf)
            except SslHandshakeError:
                # The phone's library reads no certificate with an empty list.
                if element(DNS_NAME, host.encode()) not in leaf:
                    raise

    platform_rules = _Rules(Code.ERR_INVALID_PURPOSE, when=_has_no_usages)


def _has_critical_usage(fault: Fault) -> bool:
    found = fault.read.extensions if fault.read is not None else ()
    return any(e.critical and e.oid == ExtensionOID.EXTENDED_KEY_USAGE for e in found)


@mutant("critical extensions are ticked off unread", killed_by=["for_code_signing_critical"])
class TicksOff(ReferenceClient):
    """extendedKeyUsage is in the list of extensions that it knows, and that is all it does with
    it where it is critical."""

    platform_rules = Lax(Code.ERR_INVALID_PURPOSE, when=_has_critical_usage)


@mutant("wants a server's usage", killed_by=["for_whatever"], rules=LOCKED_OUT)
class WantsServerUsage(ReferenceClient):
    """A certificate without extended key usages is refused, though it may be used for all."""

    platform_rules = Strict(lambda path, _: _usages(path[0]) is None)


@mutant("is stricter about usages than the phone", killed_by=["for_any_usage"], rules=LOCKED_OUT)
class StricterThanThePhone(ReferenceClient):
    """anyExtendedKeyUsage is not serverAuth to it, as to OpenSSL; the phone takes it."""

    class _Rules(PlatformRules):
        def purpose_is_right(self, fault: Fault) -> bool:
            return False

    platform_rules = _Rules()


@mutant(
    "unknown critical extensions are passed over",
    killed_by=["unknown_critical_extension"],
)
class CriticalIgnored(ReferenceClient):
    """Extensions are looked up by those it needs. Whatever limits a certificate in a way that
    it does not know does not limit it."""

    platform_rules = Lax(Code.ERR_UNHANDLED_CRITICAL_EXTENSION)


@mutant(
    "unknown critical extensions of CAs are passed over",
    killed_by=["unknown_critical_extension_above"],
)
class CriticalIgnoredAbove(ReferenceClient):
    """Only the leaf's extensions are looked through."""

    platform_rules = Lax(Code.ERR_UNHANDLED_CRITICAL_EXTENSION, when=above_leaf)


@mutant(
    "refuses every extension that it does not know",
    killed_by=["unknown_extension"],
    rules=LOCKED_OUT,
)
class KnownExtensionsOnly(ReferenceClient):
    """Critical or not. Its users are locked out when CAs add an extension."""

    platform_rules = Strict(
        lambda path, _: any(e.oid not in KNOWN for c in path for e in c.extensions)
    )


@mutant("serial numbers fit into 20 octets", killed_by=["long_serial"], rules=LOCKED_OUT)
class SmallSerials(ReferenceClient):
    """A buffer of the size that RFC 5280 names, where CAs were less exact."""

    platform_rules = Strict(
        lambda path, _: any(c.serial_number.bit_length() > SERIAL_BITS for c in path)
    )


@mutant("a CA's certificate is no server's", killed_by=["ca_as_leaf"], rules=LOCKED_OUT)
class NoCaAsLeaf(ReferenceClient):
    """As Mozilla's library has it; the phone takes it."""

    platform_rules = Strict(
        lambda path, _: getattr(extension(path[0], ExtensionOID.BASIC_CONSTRAINTS), "ca", False)
    )
