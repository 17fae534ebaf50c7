"""Configuration profiles as an iPhone reads them. Pure: bytes in, value out.

Names of keys: Apple, Device Management, "Profile-Specific Payload Keys" and the pages of each
payload. Of what a profile can hold the phone understands what matters to the network; the rest is
taken and has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.model.device import Endpoint
from lab.phone.ios.lockdown.cms import BadCms, content_of
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode
from lab.phone.wifi import MAX_SSID

MAX_PROFILE = 500_000
"""Bytes of a profile."""
MAX_PAYLOADS = 100
MAX_WORDS = 500
"""Characters of a name or a description."""

CONFIGURATION = "Configuration"
ROOT = "com.apple.security.root"
PKCS1 = "com.apple.security.pkcs1"
GLOBAL_PROXY = "com.apple.proxy.http.global"
WIFI = "com.apple.wifi.managed"
VPN = "com.apple.vpn.managed"

_CALLED = {
    ROOT: "Certificate",
    PKCS1: "Certificate",
    GLOBAL_PROXY: "HTTP Proxy",
    WIFI: "Wi-Fi Network",
    VPN: "VPN Settings",
}

Value = TypeVar("Value", str, int, bool, bytes)


class BadProfile(Exception):
    """It is no configuration profile, or one that no iPhone would install; the message says why,
    as MCInstall would."""


@dataclass(frozen=True, slots=True)
class PayloadProxy:
    """The HTTP proxy of a payload: at an endpoint, or as a PAC file says."""

    endpoint: Endpoint | None = None
    """None where it is automatic."""
    pac_url: str = ""
    """Where the PAC file is; empty to ask the network (WPAD)."""


@dataclass(frozen=True, slots=True)
class PayloadWifi:
    """A Wi-Fi network of a payload (com.apple.wifi.managed)."""

    ssid: str
    auto_join: bool = True
    security: str = "open"
    """As ``lab.phone.wifi.SavedNetwork`` has it."""
    proxy: PayloadProxy | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationProfile:
    """A configuration profile."""

    identifier: str
    """PayloadIdentifier: one installed profile each."""
    uuid: str
    version: int
    name: str
    description: str
    organization: str
    removable: bool
    contains: tuple[str, ...]
    """What Settings calls its payloads."""
    roots: tuple[bytes, ...]
    """DER of the certificates that it brings."""
    proxy: PayloadProxy | None
    """The global HTTP proxy."""
    networks: tuple[PayloadWifi, ...]
    signed_by: str
    """Name of the signer; empty for a profile that is not signed."""
    content: bytes
    """All of it, as it came."""


def read_profile(content: bytes) -> ConfigurationProfile:
    """Read a profile: a property list, or a signed one (CMS, RFC 5652). Raises BadProfile."""
    if len(content) > MAX_PROFILE:
        raise BadProfile(f"The profile is longer than {MAX_PROFILE} bytes.")
    inner, signer = _unwrapped(content)
    try:
        top = decode(inner)
    except BadPlist:
        raise BadProfile("The profile is invalid.") from None
    if top.get("PayloadType") != CONFIGURATION:
        raise BadProfile("The profile is invalid: its PayloadType is not Configuration.")
    payloads = _payloads(top)
    proxies = [_proxy(each) for each in payloads if each.get("PayloadType") == GLOBAL_PROXY]
    if len(proxies) > 1:
        raise BadProfile("The profile holds more than one global HTTP proxy.")
    identifier = _required(top, "PayloadIdentifier")
    return ConfigurationProfile(
        identifier=identifier,
        uuid=_required(top, "PayloadUUID"),
        version=_optional(top, "PayloadVersion", 1),
        name=_words(top, "PayloadDisplayName") or identifier,
        description=_words(top, "PayloadDescription"),
        organization=_words(top, "PayloadOrganization"),
        removable=not _optional(top, "PayloadRemovalDisallowed", False),
        contains=tuple(_called(each) for each in payloads),
        roots=tuple(_certificate(p) for p in payloads if p.get("PayloadType") in (ROOT, PKCS1)),
        proxy=proxies[0] if proxies else None,
        networks=tuple(_wifi(each) for each in payloads if each.get("PayloadType") == WIFI),
        signed_by=signer,
        content=content,
    )


def _unwrapped(content: bytes) -> tuple[bytes, str]:
    """Return the property list, and who signed it."""
    if not content.startswith(b"\x30"):
        return content, ""
    try:
        signed = content_of(content)
    except BadCms as error:
        raise BadProfile(f"The profile's signature is invalid: {error}") from None
    names = signed.signer.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return signed.content, str(names[0].value) if names else signed.signer.subject.rfc4514_string()


def _payloads(top: Mapping[str, Plist]) -> list[Mapping[str, Plist]]:
    listed = top.get("PayloadContent")
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise BadProfile("The profile is invalid: it has no PayloadContent.")
    if len(listed) > MAX_PAYLOADS:
        raise BadProfile(f"The profile has more than {MAX_PAYLOADS} payloads.")
    payloads = []
    for each in listed:
        if not isinstance(each, Mapping):
            raise BadProfile("The profile is invalid: a payload is no dictionary.")
        for key in ("PayloadType", "PayloadIdentifier", "PayloadUUID"):
            _required(each, key)
        payloads.append(each)
    return payloads


def _called(payload: Mapping[str, Plist]) -> str:
    kind = str(payload["PayloadType"])
    return _CALLED.get(kind, kind[:MAX_WORDS])


def _certificate(payload: Mapping[str, Plist]) -> bytes:
    content = payload.get("PayloadContent")
    if not isinstance(content, bytes):
        raise BadProfile("The certificate payload has no certificate.")
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            read = x509.load_pem_x509_certificate(content)
        else:
            read = x509.load_der_x509_certificate(content)
    except ValueError:
        raise BadProfile("The certificate could not be read.") from None
    return read.public_bytes(Encoding.DER)


def _wifi(payload: Mapping[str, Plist]) -> PayloadWifi:
    ssid = _required(payload, "SSID_STR")
    if len(ssid.encode("utf-8", "replace")) > MAX_SSID:
        raise BadProfile(f"The name of the Wi-Fi network is longer than {MAX_SSID} bytes.")
    encryption = _optional(payload, "EncryptionType", "Any")
    return PayloadWifi(
        ssid,
        auto_join=_optional(payload, "AutoJoin", True),
        security={"None": "open", "WPA3": "wpa3"}.get(encryption, "wpa2")
        if "Password" in payload or encryption == "None"
        else "open",
        proxy=None if payload.get("ProxyType", "None") == "None" else _proxy(payload),
    )


def _proxy(payload: Mapping[str, Plist]) -> PayloadProxy:
    kind = _optional(payload, "ProxyType", "Manual")
    if kind == "Auto":
        return PayloadProxy(pac_url=_optional(payload, "ProxyPACURL", ""))
    if kind != "Manual":
        raise BadProfile("The proxy's type is neither Manual nor Auto.")
    server = _required(payload, "ProxyServer")
    port = _optional(payload, "ProxyServerPort", 0)
    if not 0 < port < 65536:
        raise BadProfile("The proxy's port is missing or no port.")
    return PayloadProxy(Endpoint(server, port))


def _required(values: Mapping[str, Plist], key: str) -> str:
    found = values.get(key)
    if not isinstance(found, str) or not found or len(found) > MAX_WORDS:
        raise BadProfile(f"The field {key} is missing or invalid.")
    return found


def _words(values: Mapping[str, Plist], key: str) -> str:
    return _optional(values, key, "")[:MAX_WORDS]


def _optional(values: Mapping[str, Plist], key: str, default: Value) -> Value:
    found = values.get(key, default)
    if type(found) is not type(default):
        raise BadProfile(f"The field {key} is invalid.")
    return found
