"""Where Android's rules are not OpenSSL's: in handshakes with a real server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.phone.services import CertificateTimeError, SslHandshakeError
from lab.pki.authority import Authority
from lab.pki.certificates import Leaf
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.surgery import explicit_key_info, resigned
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.handshake import shake
from tests.phone.peers import Server, TlsScript, server_context

Serve = Callable[..., Server]

NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN, END = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
ANY, CLIENT = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.999, 3599.0, 3600.0])
def test_both_ends_of_the_validity_belong_to_it(
    seconds: float, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(lasting(pki))))
    phone.clock = BEGIN.timestamp() + seconds
    shake(phone).close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "not valid until"),
        (-0.001, "not valid until"),
        (3600.001, "expired at"),
        (3600.999, "expired at"),
        (3601.0, "expired at"),
    ],
)
def test_a_moment_outside_is_outside(
    seconds: float, words: str, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(lasting(pki))))
    phone.clock = BEGIN.timestamp() + seconds
    with pytest.raises(CertificateTimeError, match=words):
        shake(phone)


def lasting(pki: LabPki) -> Credential:
    return pki.intermediate.issue(Leaf((HOST,), not_before=BEGIN, not_after=END))


@pytest.mark.parametrize(("begins", "ends"), [(-48, -1), (1, 48)])
def test_an_anchor_counts_outside_its_dates(
    begins: int, ends: int, phone: DirectPhone, serve: Serve
) -> None:
    dates = [NOW + timedelta(hours=hours) for hours in (begins, ends)]
    root = Authority.root("Out of Date", not_before=dates[0], not_after=dates[1])
    phone.anchors = (root.der,)
    serve(TlsScript(server_context(root.subordinate("In Date").issue(HOST))))
    phone.clock = NOW.timestamp()
    shake(phone).close()


def test_an_intermediate_does_not_though_it_is_signed_by_an_anchor(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    ended = pki.public_root.subordinate("Ended", not_after=NOW - timedelta(seconds=1))
    serve(TlsScript(server_context(ended.issue(HOST))))
    phone.clock = NOW.timestamp()
    with pytest.raises(CertificateTimeError):
        shake(phone)


@pytest.mark.parametrize("usages", [(ANY,), (CLIENT, ANY), None])
def test_any_usage_is_a_servers_too(
    usages: tuple[x509.ObjectIdentifier, ...] | None,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    serve(TlsScript(server_context(pki.intermediate.issue(Leaf((HOST,), usages=usages)))))
    shake(phone).close()


@pytest.mark.parametrize(("critical", "accepted"), [(False, True), (True, False)])
def test_a_cas_usages_are_looked_at_only_where_they_are_critical(
    critical: bool, accepted: bool, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    usage = (x509.ExtendedKeyUsage([CLIENT]), critical)
    authority = pki.public_root.subordinate("For Clients", extensions=[usage])
    serve(TlsScript(server_context(authority.issue(HOST))))
    if accepted:
        shake(phone).close()
    else:
        with pytest.raises(SslHandshakeError, match="extendedKeyUsage"):
            shake(phone)


@pytest.mark.parametrize(
    ("curve", "accepted"),
    [(ec.SECP384R1(), True), (ec.SECP521R1(), True), (ec.SECP192R1(), False),
     (ec.SECP256K1(), False), (ec.BrainpoolP256R1(), False)],
)  # fmt: skip
def test_boringssl_knows_four_curves(
    curve: ec.EllipticCurve, accepted: bool, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    authority = pki.public_root.subordinate("On Another", key=ec.generate_private_key(curve))
    script = TlsScript(server_context(authority.issue(HOST)))
    server = serve(script)
    if accepted:
        shake(phone).close()
        return
    with pytest.raises(SslHandshakeError, match="unsupported public key"):
        shake(phone)
    server.wait()
    assert not script.seen[0].finished
    assert "ALERT" in script.seen[0].alert


def test_a_curve_is_named_not_spelled_out(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    key = pki.intermediate.key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    made, root = pki.intermediate.issue(HOST), pki.public_root
    spelled = resigned(made.issuers[0], root.key, key_info=explicit_key_info(key))
    serve(TlsScript(server_context(made.with_chain(made.certificate, spelled))))
    with pytest.raises(SslHandshakeError, match="unsupported public key"):
        shake(phone)
