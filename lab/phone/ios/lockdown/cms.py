"""Signed content: CMS (RFC 5652), as profiles and answers to a challenge are signed.

Nobody's certificate is validated here: that is for whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyasn1.codec.der.decoder import decode as decode_der
from pyasn1.codec.der.encoder import encode as encode_der
from pyasn1.error import PyAsn1Error
from pyasn1_modules import rfc5652

from lab.phone.ios.lockdown.ber import to_der

MAX_SIGNED = 8 * 1024 * 1024
"""Bytes of a message."""
MAX_CERTIFICATES = 20

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_BROKEN = (
    # What pyasn1 raises on nonsense, as it looks for few mistakes itself.
    PyAsn1Error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
    x509.InvalidVersion,
)


class BadCms(Exception):
    """It is no signed message, or the signature is not the signer's."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose signature is the signer's."""

    content: bytes
    signer: x509.Certificate
    others: tuple[x509.Certificate, ...]
    """What else the message holds, to lead from the signer to an anchor."""


def content_of(
    message: bytes, *, content: bytes | None = None, trusted: x509.Certificate | None = None
) -> Signed:
    """Return what was signed, and by whom. ``content`` is what is signed where the message does
    not hold it itself; ``trusted`` the only one who may have signed, where it is known. Raises
    BadCms."""
    if len(message) > MAX_SIGNED:
        raise BadCms("too long")
    try:
        return _open(message, content, trusted)
    except InvalidSignature:
        raise BadCms("the signature is not the signer's") from None
    except UnsupportedAlgorithm as error:
        raise BadCms(f"an unknown algorithm: {error}") from None
    except _BROKEN as error:
        raise BadCms(f"not a signed message: {type(error).__name__}") from None


def _open(message: bytes, content: bytes | None, trusted: x509.Certificate | None) -> Signed:
    outer, _ = decode_der(to_der(message), asn1Spec=rfc5652.ContentInfo())
    if outer["contentType"] != rfc5652.id_signedData:
        raise BadCms("not a signed message")
    signed, _ = decode_der(bytes(outer["content"]), asn1Spec=rfc5652.SignedData())
    inner = signed["encapContentInfo"]["eContent"]
    if inner.isValue and len(bytes(inner)):
        content = bytes(inner)
    if content is None:
        raise BadCms("a signature without what is signed")
    if len(signed["signerInfos"]) != 1:
        raise BadCms("not exactly one signer")
    information = signed["signerInfos"][0]
    others = _certificates(signed["certificates"])
    known = others if trusted is None else (trusted,)
    signer = next((each for each in known if _is_of(information["sid"], each)), None)
    if signer is None:
        raise BadCms("the signer's certificate is missing")
    _verify(information, signer, content)
    return Signed(content, signer, tuple(each for each in others if each != signer))


def _certificates(found: object) -> tuple[x509.Certificate, ...]:
    members = list(found) if getattr(found, "isValue", False) else []  # type: ignore[call-overload]
    if len(members) > MAX_CERTIFICATES:
        raise BadCms("too many certificates")
    der = [encode_der(each["certificate"]) for each in members if each["certificate"].isValue]
    return tuple(x509.load_der_x509_certificate(each) for each in der)


def _is_of(identifier: rfc5652.SignerIdentifier, certificate: x509.Certificate) -> bool:
    """Tell whether a signer is the one whose certificate this is (RFC 5652 section 5.3)."""
    if identifier.getName() == "subjectKeyIdentifier":
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return False
        return found.value.digest == bytes(identifier["subjectKeyIdentifier"])
    named = identifier["issuerAndSerialNumber"]
    issuer = encode_der(named["issuer"])
    serial = int(named["serialNumber"])
    return issuer == certificate.issuer.public_bytes() and serial == certificate.serial_number


def _verify(information: rfc5652.SignerInfo, signer: x509.Certificate, content: bytes) -> None:
    """Raise InvalidSignature or BadCms unless the signature is the signer's."""
    algorithm = _HASHES[str(information["digestAlgorithm"]["algorithm"])]()
    attributes = information["signedAttrs"]
    signed = content
    if attributes.isValue and len(attributes):
        digest = hashes.Hash(algorithm)
        digest.update(content)
        if _digest(attributes) != digest.finalize():
            raise BadCms("something else was signed")
        # What is signed has the tag of a set, not that which it has in the message (section 5.4).
        bare = rfc5652.SignedAttributes()
        bare.extend(attributes)
        signed = encode_der(bare)
    signature = bytes(information["signature"])
    key = signer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(algorithm))
    else:
        raise BadCms("a key that nobody signs profiles with")


def _digest(attributes: rfc5652.SignedAttributes) -> bytes:
    """Return the attribute that holds the digest of the content (section 11.2)."""
    values = [
        each["attrValues"] for each in attributes if each["attrType"] == rfc5652.id_messageDigest
    ]
    if len(values) != 1 or len(values[0]) != 1:
        raise BadCms("not exactly one digest")
    found, _ = decode_der(bytes(values[0][0]), asn1Spec=rfc5652.MessageDigest())
    return bytes(found)
