from __future__ import annotations

from collections.abc import Sequence

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from lab.model.pins import Mode, Pin, PinConfiguration, PinKind, PinnedDomain
from lab.phone.sdk.errors import (
    AllPinsExpired,
    DomainNotRegistered,
    InvalidServerCert,
    PinsMismatch,
    TrustPinError,
)
from lab.phone.sdk.verifier import MAX_CHAIN, REMEMBERED, PinVerifier
from lab.pinning.pins import PinVerdict, check, pin_of
from lab.pki.authority import Authority
from lab.pki.keys import KeyType
from tests.phone.sdk.phones import NOON

HOST = "api.acme.test"
ROOT = Authority.root("Verifier Root")
CA = ROOT.subordinate("Verifier CA")
LEAVES = [CA.issue(HOST, kind=kind) for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519)]
GENUINE, OTHER, _ = LEAVES
CHAIN, FORGED = GENUINE.chain_der, OTHER.chain_der


def spki(credential: object = GENUINE, expires_at: int | None = None) -> Pin:
    certificate = getattr(credential, "certificate", credential)
    assert isinstance(certificate, x509.Certificate)
    return pin_of(certificate, PinKind.SPKI_SHA256, expires_at)


def verifier(*pins: Pin, mode: Mode = Mode.STRICT) -> PinVerifier:
    return PinVerifier(PinConfiguration((PinnedDomain(HOST, pins),)), mode)


@pytest.mark.parametrize("kind", list(PinKind))
@pytest.mark.parametrize("leaf", LEAVES)
def test_each_kind_of_pin_vouches_for_each_kind_of_key(leaf: object, kind: PinKind) -> None:
    assert isinstance(leaf, type(GENUINE))
    pin = pin_of(leaf.certificate, kind)
    assert verifier(pin).judge(HOST, leaf.chain_der, NOON) == pin
    other = next(one for one in LEAVES if one is not leaf)
    with pytest.raises(PinsMismatch):
        verifier(pin).judge(HOST, other.chain_der, NOON)


def test_any_live_pin_is_enough() -> None:
    judge = verifier(spki(OTHER), spki()).judge
    assert judge(HOST, CHAIN, NOON) == spki()
    assert judge(HOST, FORGED, NOON) == spki(OTHER)


@pytest.mark.parametrize("mode", list(Mode))
def test_modes_differ_for_unregistered_hosts_alone(mode: Mode) -> None:
    right = verifier(spki(), mode=mode)
    with pytest.raises(PinsMismatch):
        right.judge(HOST, FORGED, NOON)
    with pytest.raises(AllPinsExpired):
        verifier(spki(expires_at=1), mode=mode).judge(HOST, CHAIN, NOON)
    for host in ("www.acme.test", "x.api.acme.test", "acme.test", "api.acme.test.evil.test"):
        if mode is Mode.PERMISSIVE:
            assert right.judge(host, CHAIN, NOON) is None
        else:
            with pytest.raises(DomainNotRegistered):
                right.judge(host, CHAIN, NOON)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_host_without_any_pin_fails_closed(mode: Mode) -> None:
    with pytest.raises(AllPinsExpired):
        verifier(mode=mode).judge(HOST, CHAIN, NOON)


def test_expired_pins_do_not_count() -> None:
    """TP-09: an expired pin that matches, a live one that does not."""
    with pytest.raises(PinsMismatch):
        verifier(spki(expires_at=1), spki(OTHER)).judge(HOST, CHAIN, NOON)


def test_what_is_remembered_never_outlives_a_pin() -> None:
    one = verifier(spki(expires_at=int(NOON) + 10))
    assert one.judge(HOST, CHAIN, NOON + 9.9) is not None
    with pytest.raises(AllPinsExpired):
        one.judge(HOST, CHAIN, NOON + 10)
    # The clock went back: the pin is alive again, as it would be to a verifier that forgot.
    assert one.judge(HOST, CHAIN, NOON + 9.9) is not None


@pytest.mark.parametrize(
    "pinned", [CA.certificate, ROOT.certificate, GENUINE.certificate], ids=["ca", "root", "leaf"]
)
def test_only_the_leaf_counts(pinned: x509.Certificate) -> None:
    """TP-06, and the pinned certificate anywhere behind a forged leaf (CVE-2016-2402)."""
    chain = (*FORGED, ROOT.der, *CHAIN)
    with pytest.raises(PinsMismatch):
        verifier(spki(pinned), pin_of(pinned, PinKind.LEAF_SHA256)).judge(HOST, chain, NOON)


def test_the_pem_of_a_pinned_certificate_inside_another_does_not_count() -> None:
    """A certificate is read as DER: text inside it is no second certificate."""
    inside = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), GENUINE.chain_pem)
    key = OTHER.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(CA.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(GENUINE.certificate.not_valid_before_utc)
        .not_valid_after(GENUINE.certificate.not_valid_after_utc)
        .add_extension(inside, critical=False)
    )
    stuffed = builder.sign(CA.key, OTHER.certificate.signature_hash_algorithm)  # type: ignore[arg-type]
    chain = OTHER.with_chain(stuffed).chain_der
    assert b"-----BEGIN CERTIFICATE-----" in chain[0]
    with pytest.raises(PinsMismatch):
        verifier(spki()).judge(HOST, chain, NOON)


@pytest.mark.parametrize(
    "chain",
    [
        (),
        (b"",),
        (b"rubbish",),
        (CHAIN[0][:-1],),
        (CHAIN[0] + b"\0",),
        (GENUINE.chain_pem,),
        (CHAIN[0],) * (MAX_CHAIN + 1),
    ],
)
def test_what_is_no_chain_is_refused(chain: tuple[bytes, ...]) -> None:
    for pin in (spki(), spki(expires_at=1)):
        with pytest.raises(InvalidServerCert):
            verifier(pin).judge(HOST, chain, NOON)


def test_a_leaf_is_parsed_once_for_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    load = x509.load_der_x509_certificate

    def counting(der: bytes) -> x509.Certificate:
        parsed.append(der)
        return load(der)

    monkeypatch.setattr(x509, "load_der_x509_certificate", counting)
    configuration = PinConfiguration(
        (PinnedDomain(HOST, (spki(),)), PinnedDomain("b.test", (spki(),)))
    )
    for _ in range(2):
        fresh = PinVerifier(configuration, Mode.STRICT)
        for host in (HOST, "b.test", HOST, "b.test"):
            assert fresh.judge(host, CHAIN, NOON) == spki()
    assert parsed == [CHAIN[0]] * 4


def test_what_is_remembered_is_bounded() -> None:
    one = verifier(spki())
    key = OTHER.key
    for _ in range(REMEMBERED + 10):
        with pytest.raises(PinsMismatch):
            one.judge(HOST, CA.issue(HOST, key=key).chain_der, NOON)
    assert one._vouching.cache_info().currsize == REMEMBERED


def _pins() -> st.SearchStrategy[list[Pin]]:
    one = st.builds(
        pin_of,
        st.sampled_from([leaf.certificate for leaf in LEAVES]),
        st.sampled_from(list(PinKind)),
        st.one_of(st.none(), st.integers(-3, 3).map(lambda delta: int(NOON) + delta)),
    )
    return st.lists(one, max_size=5)


@given(_pins(), st.lists(st.tuples(st.sampled_from(LEAVES), st.integers(-4, 4)), max_size=6))
def test_agrees_with_the_matching_rules(
    pins: Sequence[Pin], served: list[tuple[object, int]]
) -> None:
    """Whatever was asked before, the answer is that of the rules without a memory."""
    one = verifier(*pins)
    for leaf, delta in served:
        assert isinstance(leaf, type(GENUINE))
        due = check(pins, leaf.certificate, NOON + delta)
        try:
            one.judge(HOST, leaf.chain_der, NOON + delta)
            verdict = PinVerdict.MATCH
        except TrustPinError as error:
            verdict = {
                "PinsMismatch": PinVerdict.MISMATCH,
                "AllPinsExpired": PinVerdict.ALL_EXPIRED,
            }[error.code]
        assert verdict is due
