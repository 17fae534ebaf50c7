"""Chains of every kind below, or beside, the root that the phone trusts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from lab.pki.authority import Authority, self_signed
from lab.pki.certificates import Leaf
from lab.pki.credential import Credential, with_bad_signature
from lab.pki.hierarchy import LabPki
from lab.pki.keys import KeyType, key_pem, new_key
from tests.patience import CAP
from tests.phone.conftest import HOST

Make = Callable[[LabPki], Credential]

LEAF = Leaf((HOST,))


def genuine(pki: LabPki) -> Credential:
    return pki.genuine(HOST)


def kind(kind: KeyType) -> Make:
    return lambda pki: pki.intermediate.issue(LEAF, kind=kind)


def unordered(pki: LabPki) -> Credential:
    made = pki.public_root.subordinate("Upper").subordinate("Lower").issue(LEAF)
    lower, upper = made.issuers
    return made.with_chain(made.certificate, pki.public_root.certificate, upper, lower)


def duplicated(pki: LabPki) -> Credential:
    made = genuine(pki)
    return made.with_chain(*(c for certificate in made.chain for c in (certificate, certificate)))


def with_strangers(pki: LabPki) -> Credential:
    made = genuine(pki)
    strangers = (pki.rogue_root.certificate, *pki.rogue.issue("other.acme.test").chain)
    return made.with_chain(made.certificate, *strangers, *made.issuers)


def below_the_root(pki: LabPki) -> Credential:
    return pki.public_root.issue(LEAF)


def with_expired_twin(pki: LabPki) -> Credential:
    """Two certificates for one intermediate: the first of them has ended."""
    made = genuine(pki)
    ended = datetime.now(UTC) - timedelta(hours=1)
    old = pki.public_root.cross_sign(pki.intermediate, not_after=ended)
    return made.with_chain(made.certificate, old, *made.issuers)


ACCEPTED: dict[str, Make] = {
    "genuine": genuine,
    "P-384": kind(KeyType.P384),
    "Ed25519": kind(KeyType.ED25519),
    "RSA 2048": kind(KeyType.RSA2048),
    "unordered": unordered,
    "duplicated": duplicated,
    "with strangers": with_strangers,
    "straight below the root": below_the_root,
    "an expired twin of the intermediate": with_expired_twin,
}


def incomplete(pki: LabPki) -> Credential:
    return genuine(pki).with_chain(genuine(pki).certificate)


def same_name(pki: LabPki) -> Credential:
    twin = pki.public_root.imitation()
    made = twin.issue(LEAF)
    return made.with_chain(made.certificate, twin.certificate)


def cyclic(pki: LabPki) -> Credential:
    one, two = Authority.root("Ouroboros One"), Authority.root("Ouroboros Two")
    made = one.issue(LEAF)
    return made.with_chain(made.certificate, two.cross_sign(one), one.cross_sign(two))


def endless(top: Authority) -> Credential:
    for depth in range(40):
        top = top.subordinate(f"Endless {depth}")
    return top.issue(LEAF)


def end_entity_signs(pki: LabPki) -> Credential:
    return Authority.from_credential(pki.intermediate.issue("evil.acme.test")).issue(LEAF)


def bad_signature(pki: LabPki) -> Credential:
    made = pki.intermediate.issue(LEAF)
    return made.with_chain(with_bad_signature(made.certificate), *made.issuers)


def bad_intermediate_signature(pki: LabPki) -> Credential:
    made = pki.intermediate.issue(LEAF)
    return made.with_chain(made.certificate, with_bad_signature(made.issuers[0]))


def too_deep(pki: LabPki) -> Credential:
    narrow = pki.public_root.subordinate("Narrow", path_length=0)
    return narrow.subordinate("Below Narrow").issue(LEAF)


def no_cert_sign(pki: LabPki) -> Credential:
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return pki.public_root.subordinate("Mute", extensions=[(usage, True)]).issue(LEAF)


def for_clients(pki: LabPki) -> Credential:
    return pki.intermediate.issue(Leaf((HOST,), usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)))


def outside_constraints(pki: LabPki) -> Credential:
    return pki.intermediate.issue(Leaf((HOST, "www.example.test")))


def unknown_critical(pki: LabPki) -> Credential:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return pki.intermediate.issue(Leaf((HOST,), extensions=((strange, True),)))


def expired(pki: LabPki) -> Credential:
    now = datetime.now(UTC)
    return pki.intermediate.issue(
        Leaf((HOST,), not_before=now - timedelta(days=2), not_after=now - timedelta(hours=1))
    )


def early(pki: LabPki) -> Credential:
    now = datetime.now(UTC)
    return pki.intermediate.issue(
        Leaf((HOST,), not_before=now + timedelta(hours=1), not_after=now + timedelta(days=2))
    )


def expired_intermediate(pki: LabPki) -> Credential:
    ended = datetime.now(UTC) - timedelta(hours=1)
    return pki.public_root.subordinate("Ended", not_after=ended).issue(LEAF)


def untrusted_and_expired(pki: LabPki) -> Credential:
    now = datetime.now(UTC)
    leaf = Leaf((HOST,), not_before=now - timedelta(days=2), not_after=now - timedelta(hours=1))
    return pki.rogue.issue(leaf)


NO_ANCHOR = "Trust anchor for certification path not found."
NO_CA = "this is not a CA certificate"
SIGNATURE = "signature check failed"

REFUSED: dict[str, tuple[Make, str, str]] = {
    "untrusted": (lambda pki: pki.rogue.issue(LEAF), NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "user's": (lambda pki: pki.user.issue(LEAF), NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "self-signed": (lambda _: self_signed(LEAF), NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "incomplete": (incomplete, NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "same name and key id": (same_name, SIGNATURE, "TLSV1_ALERT_DECRYPT_ERROR"),
    "cyclic": (cyclic, NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "endless": (lambda pki: endless(pki.rogue), NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "endless, below the root": (
        lambda pki: endless(pki.public_root),
        NO_ANCHOR,
        "TLSV1_ALERT_UNKNOWN_CA",
    ),
    "untrusted and expired": (untrusted_and_expired, NO_ANCHOR, "TLSV1_ALERT_UNKNOWN_CA"),
    "signed by no CA": (end_entity_signs, NO_CA, "TLSV1_ALERT_UNKNOWN_CA"),
    "bad signature": (bad_signature, SIGNATURE, "TLSV1_ALERT_DECRYPT_ERROR"),
    "bad signature above": (bad_intermediate_signature, SIGNATURE, "TLSV1_ALERT_DECRYPT_ERROR"),
    "path too long": (too_deep, "pathLenConstraint", "TLSV1_ALERT_UNKNOWN_CA"),
    "no keyCertSign": (no_cert_sign, NO_CA, "TLSV1_ALERT_UNKNOWN_CA"),
    "for clients only": (for_clients, "extendedKeyUsage", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
    "outside the name constraints": (outside_constraints, "name constraints", ""),
    "unknown critical extension": (unknown_critical, "unrecognized critical extension", ""),
}


def weak(pki: LabPki, directory: Path, *digest_and_bits: str) -> tuple[Path, Path]:
    """Let openssl sign a leaf below the public root with a weak hash or for a weak key.

    Return the paths of chain and key. ``digest_and_bits``: ``sha1`` and ``2048``, for example.
    """
    digest, bits = digest_and_bits
    root = directory / "root.pem"
    root.write_bytes(
        pki.public_root.certificate.public_bytes(Encoding.PEM) + key_pem(pki.public_root.key)
    )
    key, request, chain = (directory / name for name in ("leaf.key", "leaf.csr", "leaf.crt"))
    extensions = directory / "extensions"
    extensions.write_text(f"subjectAltName=DNS:{HOST}\nbasicConstraints=critical,CA:FALSE\n")

    def openssl(*arguments: str | Path) -> None:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=CAP)
        assert done.returncode == 0, done.stderr.decode()

    openssl("genrsa", "-out", key, bits)
    openssl("req", "-new", "-key", key, "-out", request, "-subj", "/CN=weak", f"-{digest}")
    openssl(
        *("x509", "-req", "-in", request, "-CA", root, "-CAkey", root, "-out", chain),
        *("-set_serial", "77", "-days", "2", f"-{digest}", "-extfile", extensions),
    )
    return chain, key


def with_san(raw: bytes) -> Make:
    """A trusted leaf whose subjectAltName holds these bytes of DER."""
    oid = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
    return lambda pki: pki.intermediate.issue(
        Leaf((), common_name=HOST, extensions=((x509.UnrecognizedExtension(oid, raw), False),)),
        key=new_key(),
    )
