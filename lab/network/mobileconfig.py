"""Writes configuration profiles (.mobileconfig): what an iPhone is told once, and can be freed of.

Payloads and keys: Apple, Device Management, "Profile-Specific Payload Keys" and the pages of
``CertificateRoot``, ``GlobalHTTPProxy``, ``WiFi`` and ``VPN``; that of the tunnel: WireGuard for
Apple, MOBILECONFIG.md. Pure, but for the keys that sign.
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from lab.model.device import Endpoint

PREFIX = "test.trustpin-lab."
"""How the identifiers of all profiles of the lab begin."""
ROOTS = f"{PREFIX}root."
"""How those of the profiles of root certificates begin."""
ORGANIZATION = "TrustPin MITM Lab"
WIREGUARD = "com.wireguard.ios"
"""Bundle id of the WireGuard app, which is the VPNSubType of its payload."""

Security = Literal["open", "wpa2", "wpa3"]
_ENCRYPTION: Mapping[Security, str] = {"open": "None", "wpa2": "WPA2", "wpa3": "WPA3"}


@dataclass(frozen=True, slots=True)
class MobileConfig:
    """A configuration profile."""

    identifier: str
    """What it is removed by; another one of this identifier replaces it."""
    name: str
    """What Settings shows."""
    content: bytes
    """An XML property list."""

    def signed(
        self,
        certificate: x509.Certificate,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        chain: Sequence[x509.Certificate] = (),
    ) -> bytes:
        """Return it signed (CMS SignedData with the profile inside, RFC 5652), DER."""
        return sign(self.content, certificate, key, chain)


def sign(
    content: bytes,
    certificate: x509.Certificate,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    chain: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return CMS SignedData around ``content``, DER."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(certificate, key, hashes.SHA256())
    for each in chain:
        builder = builder.add_certificate(each)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def root_profile(certificate: bytes) -> MobileConfig:
    """Return the profile that brings a root certificate (DER).

    Installed by hand it is not trusted for TLS until that is switched on in Settings > General >
    About > Certificate Trust Settings (Apple support 102390).
    """
    read = x509.load_der_x509_certificate(certificate)
    digest = read.fingerprint(hashes.SHA256()).hex()[:16]
    named = read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    called = str(named[0].value) if named else digest
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadContent": certificate,
        "PayloadCertificateFileName": "root.cer",
    }
    words = "A CA of a test of certificate pinning. It is trusted by nobody else."
    return _profile(f"{ROOTS}{digest}", f"Lab CA {called}", words, [payload])


def proxy_profile(proxy: Endpoint) -> MobileConfig:
    """Return the profile that sends everything through an HTTP proxy; supervised phones alone
    take it, and one of it."""
    payload = {
        "PayloadType": "com.apple.proxy.http.global",
        **_manual(proxy),
        "ProxyCaptiveLoginAllowed": False,
    }
    words = "Sends the phone's traffic through the lab's proxy."
    return _profile(f"{PREFIX}proxy", "Lab proxy", words, [payload])


def wifi_profile(
    ssid: str,
    security: Security = "open",
    passphrase: str | None = None,
    proxy: Endpoint | None = None,
) -> MobileConfig:
    """Return the profile of a Wi-Fi network, with an HTTP proxy for it where one is given."""
    payload: dict[str, Any] = {
        "PayloadType": "com.apple.wifi.managed",
        "SSID_STR": ssid,
        "HIDDEN_NETWORK": False,
        "AutoJoin": True,
        "EncryptionType": _ENCRYPTION[security],
        "ProxyType": "None",
    }
    if passphrase is not None:
        payload["Password"] = passphrase
    if proxy is not None:
        payload |= _manual(proxy)
    words = "A Wi-Fi network of a test of certificate pinning."
    suffix = uuid.uuid5(uuid.NAMESPACE_DNS, ssid).hex[:12]
    return _profile(f"{PREFIX}wifi.{suffix}", f"Lab Wi-Fi {ssid}", words, [payload])


def wireguard_profile(name: str, configuration: str, endpoint: Endpoint) -> MobileConfig:
    """Return the profile of a tunnel of the WireGuard app. ``configuration`` is the app's own
    (wg-quick); it holds the phone's private key."""
    payload = {
        "PayloadType": "com.apple.vpn.managed",
        "UserDefinedName": name,
        "VPNType": "VPN",
        "VPNSubType": WIREGUARD,
        "VendorConfig": {"WgQuickConfig": configuration},
        "VPN": {"RemoteAddress": str(endpoint), "AuthenticationMethod": "Password"},
    }
    words = "Leads the phone's traffic through a tunnel to the lab."
    return _profile(f"{PREFIX}wireguard.{name}", f"Lab tunnel {name}", words, [payload])


def _manual(proxy: Endpoint) -> dict[str, Any]:
    return {"ProxyType": "Manual", "ProxyServer": proxy.host, "ProxyServerPort": proxy.port}


def _profile(
    identifier: str, name: str, words: str, payloads: Sequence[Mapping[str, Any]]
) -> MobileConfig:
    content = [
        {
            "PayloadDisplayName": name,
            "PayloadIdentifier": f"{identifier}.{number}",
            "PayloadUUID": _uuid(f"{identifier}.{number}"),
            "PayloadVersion": 1,
            **payload,
        }
        for number, payload in enumerate(payloads)
    ]
    top = {
        "PayloadContent": content,
        "PayloadDescription": words,
        "PayloadDisplayName": name,
        "PayloadIdentifier": identifier,
        "PayloadOrganization": ORGANIZATION,
        "PayloadRemovalDisallowed": False,
        "PayloadType": "Configuration",
        "PayloadUUID": _uuid(identifier),
        "PayloadVersion": 1,
    }
    return MobileConfig(identifier, name, plistlib.dumps(top))


def _uuid(text: str) -> str:
    """Return a UUID that is the same each time: the same profile replaces itself."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, text)).upper()
