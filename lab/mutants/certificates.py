"""What wrong clients read in certificates: names, issuers, paths of their own making."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

Issued = Callable[[x509.Certificate, x509.Certificate], bool]
"""Tells whether the first certificate was issued by the second, as far as somebody looks."""


def read(der: bytes) -> x509.Certificate:
    """Read a certificate from DER. Raises ValueError."""
    return x509.load_der_x509_certificate(der)


def common_names(certificate: x509.Certificate) -> set[str]:
    """Return what stands in the subject's common names."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {str(attribute.value) for attribute in found}


def by_name(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Look at the names alone."""
    return certificate.issuer == issuer.subject


def by_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Look at name and signature, but not at what the issuer may sign."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def by_authority(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Look at name, signature and the CA bit, but not at the length of the path."""
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return basic.ca and by_signature(certificate, issuer)


def reachable(chain: Sequence[bytes], issued: Issued) -> list[bytes]:
    """Return the leaf and all certificates of the message that some path from it goes over."""
    found, others = list(chain[:1]), list(chain[1:])
    for der in found:
        following = [other for other in others if issued(read(der), read(other))]
        others = [other for other in others if other not in following]
        found += following
    return found
