"""Where iOS's rules are not OpenSSL's, nor Android's: in handshakes with a real server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.phone.ios.trust_rules import ATS, IOS, IosRules
from lab.phone.link import Link, Patience
from lab.phone.services import SslHandshakeError
from lab.phone.tls import open_tls
from lab.phone.verify import Judge
from lab.pki.authority import Authority
from lab.pki.certificates import Leaf
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import Server, TlsScript, server_context

Serve = Callable[..., Server]
Make = Callable[[LabPki], Credential]

NOW = datetime.now(UTC).replace(microsecond=0)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def shake(phone: DirectPhone, rules: IosRules) -> None:
    patience = Patience(CAP)
    link = Link(phone.connect(HOST, 443, CAP), patience)
    open_tls(link, HOST, Judge(phone.trust_anchors(False), phone.now(), True, rules)).close()


def lasting(days: int, begins: datetime = NOW - timedelta(days=1)) -> Make:
    leaf = Leaf((HOST,), not_before=begins, not_after=begins + timedelta(days=days))
    return lambda pki: pki.intermediate.issue(leaf)


def used_for(*usages: x509.ObjectIdentifier) -> Make:
    return lambda pki: pki.intermediate.issue(Leaf((HOST,), usages=usages))


def without_usages(pki: LabPki) -> Credential:
    return pki.intermediate.issue(Leaf((HOST,), usages=None))


def of_rsa(bits: int) -> Make:
    key = rsa.generate_private_key(65537, bits)
    return lambda pki: pki.intermediate.issue(HOST, key=key)


@pytest.mark.parametrize("rules", [IOS, ATS])
@pytest.mark.parametrize("make", [lambda pki: pki.genuine(HOST), lasting(825), of_rsa(2048)])
def test_what_is_right(
    make: Make, rules: IosRules, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(make(pki))))
    shake(phone, rules)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lasting(826), "825 days"),
        (without_usages, "no extendedKeyUsage"),
        (used_for(ANY), "extendedKeyUsage"),
        (used_for(ANY, CLIENT), "extendedKeyUsage"),
        (of_rsa(1024), "key"),
    ],
)
def test_what_ios_minds(
    make: Make, words: str, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(make(pki))))
    with pytest.raises(SslHandshakeError, match=words):
        shake(phone, IOS)


def test_an_anchor_does_not_count_outside_its_dates(phone: DirectPhone, serve: Serve) -> None:
    ended = [NOW - timedelta(hours=hours) for hours in (48, 1)]
    root = Authority.root("Out of Date", not_before=ended[0], not_after=ended[1])
    phone.anchors = (root.der,)
    serve(TlsScript(server_context(root.subordinate("In Date").issue(HOST))))
    with pytest.raises(SslHandshakeError, match="expired"):
        shake(phone, IOS)


def test_older_certificates_may_last_longer() -> None:
    begins = datetime(2019, 6, 30, tzinfo=UTC)
    assert list(IOS.leaf_objections(certificate(begins, begins + timedelta(days=2000)))) == []
    begins += timedelta(days=1)
    assert list(IOS.leaf_objections(certificate(begins, begins + timedelta(days=2000))))


@pytest.mark.parametrize(("curve", "minded"), [(ec.SECP224R1(), True), (ec.SECP256R1(), False)])
def test_ats_minds_short_curves(curve: ec.EllipticCurve, minded: bool) -> None:
    made = certificate(NOW, NOW + timedelta(days=1), ec.generate_private_key(curve))
    assert list(IOS.leaf_objections(made)) == []
    assert bool(list(ATS.leaf_objections(made))) is minded


def certificate(
    begins: datetime,
    ends: datetime,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
) -> x509.Certificate:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, ends)
    return builder.add_extension(x509.ExtendedKeyUsage([SERVER]), critical=False).sign(
        key, hashes.SHA256()
    )
