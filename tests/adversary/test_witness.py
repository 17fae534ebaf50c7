from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from lab.adversary import alerts, witness
from lab.adversary.engine import CannotServe, Engine
from lab.catalogue import Ground, entries, hosts
from lab.model.anomaly import Anomaly
from lab.model.serving import Arming, HostPlan, Relay, Terminate
from lab.model.wire import TlsVersion
from lab.pki.authority import Authority
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.keys import KeyType
from tests.adversary import peers
from tests.adversary.peers import HOST, Attached, Proxy, Tls

SLOW = (KeyType.RSA3072, KeyType.RSA4096)
"""To make, not to serve."""


@given(st.integers(0, 255))
def test_every_alert_has_a_name(code: int) -> None:
    name = alerts.name_of(code)
    assert name == alerts.NAMES.get(code, f"alert {code}")


@pytest.mark.parametrize("kind", [k for k in KeyType if k not in SLOW])
def test_any_kind_of_key_can_be_served(
    device: Attached, pki: LabPki, kind: KeyType, version: TlsVersion
) -> None:
    made = pki.rogue.issue(HOST, kind=kind)
    serving = Terminate(made.chain_der, made.key_der)
    number = device.arm(serving)
    settings = peers.context(version=version)
    settings.set_ciphers("DEFAULT:@SECLEVEL=0")
    with Tls(Proxy(device.surroundings).open(HOST), settings) as client:
        assert client.handshake().leaf() == serving.chain[0]
    assert device.record(number).served_chain == serving.digests


def test_a_weak_key_can_be_served(device: Attached, pki: LabPki) -> None:
    """Whether to take it is for the client to decide."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    made = pki.rogue.issue(HOST, key=weak)
    number = device.arm(Terminate(made.chain_der, made.key_der))
    settings = peers.context()
    settings.set_ciphers("DEFAULT:@SECLEVEL=0")
    with Tls(Proxy(device.surroundings).open(HOST), settings) as client:
        assert client.handshake().leaf() == made.chain_der[0]
    assert device.record(number).served_chain == made.digests


def chains(pki: LabPki) -> dict[str, Credential]:
    genuine = pki.genuine(HOST)
    deep = pki.rogue
    for n in range(40):
        deep = deep.subordinate(f"Depth {n}")
    return {
        "leaf alone": dataclasses.replace(genuine, issuers=()),
        "twice": genuine.with_chain(*genuine.chain, *genuine.chain),
        "in disorder": genuine.with_chain(
            genuine.certificate, pki.public_root.certificate, *genuine.issuers
        ),
        "endless": deep.issue(HOST, key=genuine.key),
        "from a leaf": Authority.from_credential(genuine).issue(HOST),
    }


@pytest.mark.parametrize("what", ["leaf alone", "twice", "in disorder", "endless", "from a leaf"])
def test_a_chain_is_served_as_it_stands(
    device: Attached, pki: LabPki, what: str, version: TlsVersion
) -> None:
    made = chains(pki)[what]
    number = device.arm(Terminate(made.chain_der, made.key_der))
    option = f"-{version.replace('.', '_')}"
    done = peers.s_client(device.surroundings.proxy, HOST, option)
    assert peers.shown_chain(done.stdout) == made.chain_der
    assert device.record(number).served_chain == made.digests


@pytest.mark.parametrize("only", list(TlsVersion))
def test_the_adversary_speaks_the_versions_of_the_arming(
    device: Attached, forgery: Terminate, only: TlsVersion, fooled_curl: peers.Curl
) -> None:
    plans = ((HOST, HostPlan(forgery)),)
    number = device.engine.arm(device.id, Arming("one version", plans, (only,)))
    assert fooled_curl(Proxy(device.surroundings), f"https://{HOST}/").returncode == 0
    assert device.record(number).tls_version == peers.RECORDED_VERSIONS[only]


def test_the_whole_catalogue_can_be_armed(device: Attached) -> None:
    pki, now = LabPki((hosts.DOMAIN,)), datetime.now(UTC)
    for entry in entries():
        plans = entry.plans(Ground(pki, entry.host, now))
        assert device.engine.arm(device.id, Arming(entry.slug, tuple(plans.items())))


def test_what_is_prepared_is_kept(forgery: Terminate) -> None:
    arming = Arming("test", ((HOST, HostPlan(forgery)), ("b.test", HostPlan(Relay()))))
    witness._context.cache_clear()
    witness.prepare(arming)
    witness.prepare(arming)
    assert witness._context.cache_info()[:2] == (1, 1)


def test_what_is_made_by_hand_needs_nothing_of_its_own_of_openssl(pki: LabPki) -> None:
    made = pki.rogue.issue(HOST, key=pki.genuine(HOST).key)
    odd = Terminate(made.chain_der, made.key_der, anomaly=Anomaly.BAD_SIGNATURE)
    witness._context.cache_clear()
    for serving in (odd, dataclasses.replace(odd, anomaly=None)):
        witness.prepare(Arming("test", ((HOST, HostPlan(serving)),)))
    assert witness._context.cache_info()[:2] == (1, 1)


@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.SECP521R1(), ec.BrainpoolP256R1()])
def test_a_curve_that_is_not_served_by_hand_cannot_be_armed(
    device: Attached, pki: LabPki, curve: ec.EllipticCurve
) -> None:
    made = pki.rogue.issue(HOST, key=ec.generate_private_key(curve))
    with pytest.raises(CannotServe, match=f"takes no ECDSA key of {curve.name}"):
        device.arm(Terminate(made.chain_der, made.key_der, anomaly=Anomaly.BAD_SIGNATURE))


def test_a_refusal_to_arm_says_what_is_wrong(engine: Engine, forgery: Terminate) -> None:
    engine.attach("phone")
    bad = Terminate(forgery.chain, forgery.key[:-1])
    with pytest.raises(CannotServe, match=rf"^bad key, {HOST}: .*"):
        engine.arm("phone", Arming("bad key", ((HOST, HostPlan(bad)),)))
