"""Mutants: whom a CA may vouch for."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.mutants.platform import Lax, Path, Strict, extension
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.path_rules import Fault
from lab.phone.sdk.client import ReferenceClient

OUTSIDE = (Code.ERR_PERMITTED_VIOLATION, Code.ERR_EXCLUDED_VIOLATION)
LOOKED_AT = 100


def _names(fault: Fault) -> x509.SubjectAlternativeName | None:
    found = extension(fault.read, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    return found if isinstance(found, x509.SubjectAlternativeName) else None


def _has_address(fault: Fault) -> bool:
    return any(isinstance(name, x509.IPAddress) for name in _names(fault) or ())


def _has_subject(fault: Fault) -> bool:
    return fault.read is not None and bool(list(fault.read.subject))


def _has_several_names(fault: Fault) -> bool:
    return len(tuple(_names(fault) or ())) > 1


def _limits(path: Path) -> tuple[x509.NameConstraints, ...]:
    """Return the constraints of the intermediates; the lab's roots have some, too."""
    found = (extension(c, ExtensionOID.NAME_CONSTRAINTS) for c in path[1:-1])
    return tuple(each for each in found if isinstance(each, x509.NameConstraints))


@mutant("a CA may vouch for everybody", killed_by=["outside_permitted_names"])
class ConstraintsIgnored(ReferenceClient):
    """nameConstraints are not looked at: the CA of one company is one for the whole internet."""

    platform_rules = Lax(*OUTSIDE)


@mutant("exclusions are not looked at", killed_by=["among_excluded_names"])
class ExclusionsIgnored(ReferenceClient):
    """Stops at the first permitted name that fits."""

    platform_rules = Lax(Code.ERR_EXCLUDED_VIOLATION)


@mutant("one name inside the constraints suffices", killed_by=["one_name_outside"])
class OneNameSuffices(ReferenceClient):
    """Compares the name that it asked for, not all that the certificate is for."""

    platform_rules = Lax(Code.ERR_PERMITTED_VIOLATION, when=_has_several_names)


@mutant(
    "constraints on addresses are not looked at",
    killed_by=["outside_permitted_addresses", "among_excluded_addresses"],
)
class AddressesIgnored(ReferenceClient):
    """Constraints are implemented for DNS names alone, and others pass unread, though they are
    critical."""

    platform_rules = Lax(*OUTSIDE, when=_has_address)


@mutant(
    "constraints on subjects are not looked at",
    killed_by=["outside_permitted_subjects", "among_excluded_subjects"],
)
class SubjectsIgnored(ReferenceClient):
    """As with addresses."""

    platform_rules = Lax(*OUTSIDE, when=_has_subject)


@mutant(
    "does not know name constraints",
    killed_by=["inside_permitted_names", "beside_excluded_names"],
    rules=LOCKED_OUT,
)
class ConstraintsUnknown(ReferenceClient):
    """And refuses them, as they are critical: nobody below a company's own CA gets through."""

    platform_rules = Strict(lambda path, _: bool(_limits(path)))


def _knows_only_dns_names(path: Path, _: float) -> bool:
    forms = ((*(c.permitted_subtrees or ()), *(c.excluded_subtrees or ())) for c in _limits(path))
    return any(not isinstance(name, x509.DNSName) for names in forms for name in names)


@mutant(
    "knows constraints on DNS names only",
    killed_by=["inside_permitted_addresses", "inside_permitted_subjects"],
    rules=LOCKED_OUT,
)
class OtherFormsUnknown(ReferenceClient):
    """And refuses all others, as Go did before 1.10."""

    platform_rules = Strict(_knows_only_dns_names)


@mutant("takes few constraints only", killed_by=["thousand_constraints"], rules=LOCKED_OUT)
class FewConstraints(ReferenceClient):
    """A limit against certificates that take too long, set too low."""

    platform_rules = Strict(
        lambda path, _: any(len(c.excluded_subtrees or ()) > LOOKED_AT for c in _limits(path))
    )
