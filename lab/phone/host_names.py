"""The platform's judgement of a server's name, as OkHttp's OkHostnameVerifier makes it."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterator

from cryptography import x509
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)

from lab.phone.services import SslHandshakeError, SslPeerUnverifiedError
from lab.pinning.pins import public_key_info

MAX_SHOWN = 1000
"""Characters of a name, or of a list of names, that an error message shows."""

Names = tuple[x509.GeneralName, ...]

_ADDRESS = (ipaddress.IPv4Address, ipaddress.IPv6Address)


class HostNameRules:
    """Whom a certificate is for: its subjectAltName alone says so (RFC 9525 section 6.3).

    A wrong client overrides one method.
    """

    def names(self, certificate: x509.Certificate) -> Names:
        """Return the names that count. Raises ValueError where they cannot be read."""
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return ()
        return tuple(found.value)

    def matches(self, host: str, names: Names) -> bool:
        """Tell whether ``host``, a DNS name or an address, is among ``names``.

        A wildcard stands for the whole left-most label and for nothing else (section 6.3).
        """
        try:
            verify_service_identity(list(_patterns(names)), [_wanted(host)], [])
        except (VerificationError, CertificateError, ValueError):
            return False
        return True

    def check_name(self, host: str, leaf: bytes) -> None:
        """Check that ``leaf`` (DER) is for ``host``.

        Raises SslPeerUnverifiedError; SslHandshakeError where the certificate cannot be read.
        """
        try:
            certificate = x509.load_der_x509_certificate(leaf)
            names = self.names(certificate)
        except ValueError as error:
            raise SslHandshakeError("java.security.cert.CertificateParsingException") from error
        if not self.matches(host, names):
            raise SslPeerUnverifiedError(_not_verified(host, certificate, names))


def _wanted(host: str) -> DNS_ID | IPAddress_ID:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return DNS_ID(host.rstrip("."))
    return IPAddress_ID(host)


def _patterns(names: Names) -> Iterator[CertificatePattern]:
    for name in names:
        if isinstance(name, x509.DNSName):
            try:
                yield DNSPattern.from_bytes(name.value.encode())
            except CertificateError:
                # A name that cannot be matched says nothing about the others.
                continue
        elif isinstance(name, x509.IPAddress) and isinstance(name.value, _ADDRESS):
            yield IPAddressPattern(name.value)


def _not_verified(host: str, certificate: x509.Certificate, names: Names) -> str:
    """Say it as OkHttp does, in lines that a certificate cannot add to."""
    pin = base64.b64encode(hashlib.sha256(public_key_info(certificate)).digest()).decode()
    plain = [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    listed = ", ".join(plain)
    return "\n    ".join(
        [
            f"Hostname {host} not verified:",
            f"certificate: sha256/{pin}",
            f"DN: {_printable(certificate.subject.rfc4514_string())}",
            f"subjectAltNames: [{_printable(listed)}]",
        ]
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_SHOWN])
