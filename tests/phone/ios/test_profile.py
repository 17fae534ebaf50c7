from __future__ import annotations

import plistlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from lab.model.device import Endpoint
from lab.network.mobileconfig import (
    MobileConfig,
    proxy_profile,
    root_profile,
    wifi_profile,
    wireguard_profile,
)
from lab.phone.ios.profile import (
    MAX_PROFILE,
    BadProfile,
    PayloadProxy,
    PayloadWifi,
    read_profile,
)
from lab.pki.hierarchy import LabPki

PROXY = Endpoint("10.0.0.1", 8080)


def test_a_root_certificate(pki: LabPki) -> None:
    profile = read_profile(root_profile(pki.rogue_root.der).content)
    assert profile.roots == (pki.rogue_root.der,)
    assert profile.contains == ("Certificate",)
    assert (profile.removable, profile.signed_by, profile.proxy) == (True, "", None)


def test_a_global_proxy() -> None:
    profile = read_profile(proxy_profile(PROXY).content)
    assert profile.proxy == PayloadProxy(PROXY)
    assert profile.contains == ("HTTP Proxy",)


@pytest.mark.parametrize(
    ("made", "network"),
    [
        (wifi_profile("Café"), PayloadWifi("Café")),
        (wifi_profile("a", proxy=PROXY), PayloadWifi("a", proxy=PayloadProxy(PROXY))),
        (wifi_profile("a", "wpa2", "secret99"), PayloadWifi("a", security="wpa2")),
        (wifi_profile("a", "wpa3", "secret99"), PayloadWifi("a", security="wpa3")),
    ],
)
def test_a_network(made: MobileConfig, network: PayloadWifi) -> None:
    assert read_profile(made.content).networks == (network,)


def test_a_tunnel_is_taken_and_has_no_effect_on_anything_else() -> None:
    profile = read_profile(wireguard_profile("lab", "[Interface]\n", PROXY).content)
    assert profile.contains == ("VPN Settings",)
    assert (profile.roots, profile.proxy, profile.networks) == ((), None, ())


def test_a_signed_one_says_who_signed_it(pki: LabPki) -> None:
    made = root_profile(pki.rogue_root.der)
    certificate, key = identity("Desk")
    profile = read_profile(made.signed(certificate, key))
    assert profile.signed_by == "Desk"
    assert profile.roots == (pki.rogue_root.der,)


def test_a_signature_that_is_not_its_own_is_refused(pki: LabPki) -> None:
    certificate, key = identity("Desk")
    signed = root_profile(pki.rogue_root.der).signed(certificate, key)
    at = signed.index(b"Lab CA")
    with pytest.raises(BadProfile, match="signature"):
        read_profile(signed[:at] + b"Bad" + signed[at + 3 :])


def identity(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()), key


def edited(made: MobileConfig, **changes: Any) -> bytes:
    """Return a profile with keys of its only payload changed, or removed."""
    top = plistlib.loads(made.content)
    top["PayloadContent"][0] = _changed(top["PayloadContent"][0], changes)
    return plistlib.dumps(top, fmt=plistlib.FMT_BINARY)


def topped(made: MobileConfig, **changes: Any) -> bytes:
    changed = _changed(plistlib.loads(made.content), changes)
    return plistlib.dumps(changed, fmt=plistlib.FMT_BINARY)


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (values | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "invalid"),
        (b"\x30\x03abc", "signature"),
        (plistlib.dumps({}), "PayloadType"),
        (b"x" * (MAX_PROFILE + 1), "longer"),
        (topped(proxy_profile(PROXY), PayloadType="Other"), "PayloadType"),
        (topped(proxy_profile(PROXY), PayloadIdentifier=None), "PayloadIdentifier"),
        (topped(proxy_profile(PROXY), PayloadUUID=5), "PayloadUUID"),
        (topped(proxy_profile(PROXY), PayloadContent="text"), "PayloadContent"),
        (topped(proxy_profile(PROXY), PayloadContent=["text"]), "no dictionary"),
        (topped(proxy_profile(PROXY), PayloadContent=[{}] * 101), "more than"),
        (topped(proxy_profile(PROXY), PayloadVersion="one"), "PayloadVersion"),
        (edited(proxy_profile(PROXY), ProxyServer=None), "ProxyServer"),
        (edited(proxy_profile(PROXY), ProxyServerPort=None), "port"),
        (edited(proxy_profile(PROXY), ProxyServerPort=65536), "port"),
        (edited(proxy_profile(PROXY), ProxyServerPort=True), "ProxyServerPort"),
        (edited(proxy_profile(PROXY), ProxyType="Sometimes"), "Manual nor Auto"),
        (edited(wifi_profile("a"), SSID_STR=None), "SSID_STR"),
        (edited(wifi_profile("a"), SSID_STR="é" * 17), "32 bytes"),
    ],
)
def test_what_is_no_profile(content: bytes, words: str) -> None:
    with pytest.raises(BadProfile, match=words):
        read_profile(content)


@pytest.mark.parametrize("certificate", [None, "text", b"", b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_certificate(certificate: object, pki: LabPki) -> None:
    made = root_profile(pki.rogue_root.der)
    with pytest.raises(BadProfile, match="certificate"):
        read_profile(edited(made, PayloadContent=certificate))


def test_two_global_proxies_are_one_too_many() -> None:
    top = plistlib.loads(proxy_profile(PROXY).content)
    top["PayloadContent"] *= 2
    with pytest.raises(BadProfile, match="more than one"):
        read_profile(plistlib.dumps(top))


def test_an_automatic_proxy_has_no_endpoint() -> None:
    content = edited(
        proxy_profile(PROXY), ProxyType="Auto", ProxyPACURL="http://pac.test/", ProxyServer=None
    )
    assert read_profile(content).proxy == PayloadProxy(pac_url="http://pac.test/")


VALUES = st.recursive(
    st.booleans() | st.integers(-1, 2**31) | st.text(max_size=40) | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("PayldTypeContUIS_R", max_size=14), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        *("PayloadType", "PayloadIdentifier", "PayloadUUID", "PayloadContent", "PayloadVersion"),
        *("ProxyType", "ProxyServer", "ProxyServerPort", "SSID_STR", "EncryptionType", "Password"),
    ]
)
KINDS = st.sampled_from(
    ["com.apple.proxy.http.global", "com.apple.wifi.managed", "com.apple.security.root", "other"]
)


@given(
    made=st.sampled_from([proxy_profile(PROXY), wifi_profile("a", proxy=PROXY)]),
    kind=KINDS,
    changes=st.dictionaries(KEYS, VALUES, max_size=3),
    on_top=st.booleans(),
)
def test_whatever_a_profile_holds_it_is_read_or_refused(
    made: MobileConfig, kind: str, changes: dict[str, Any], on_top: bool
) -> None:
    content = topped(made, **changes) if on_top else edited(made, **{"PayloadType": kind} | changes)
    try:
        profile = read_profile(content)
    except BadProfile:
        return
    assert profile.identifier
    assert profile.content == content


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(content: bytes) -> None:
    with pytest.raises(BadProfile):
        read_profile(content)
