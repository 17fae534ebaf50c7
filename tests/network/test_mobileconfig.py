"""Configuration profiles, as another program than the lab's reads them."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.model.device import Endpoint
from lab.network.mobileconfig import (
    PREFIX,
    MobileConfig,
    proxy_profile,
    root_profile,
    wifi_profile,
    wireguard_profile,
)
from lab.pki.authority import Authority
from tests.devices.ios.rig import make_supervisor

PROXY = Endpoint("10.0.0.1", 8080)
ROOT = Authority.root("Some CA")
EACH = [
    root_profile(ROOT.der),
    proxy_profile(PROXY),
    wifi_profile("Café", "wpa2", "correct horse", PROXY),
    wireguard_profile("lab", "[Interface]\n", PROXY),
]


@pytest.mark.parametrize("made", EACH, ids=["root", "proxy", "wifi", "wireguard"])
def test_what_every_profile_says_of_itself(made: MobileConfig) -> None:
    top = plistlib.loads(made.content)
    assert (top["PayloadType"], top["PayloadVersion"]) == ("Configuration", 1)
    assert top["PayloadIdentifier"] == made.identifier
    assert made.identifier.startswith(PREFIX)
    assert top["PayloadRemovalDisallowed"] is False
    (payload,) = top["PayloadContent"]
    for key in ("PayloadType", "PayloadIdentifier", "PayloadUUID", "PayloadVersion"):
        assert payload[key]
    assert payload["PayloadUUID"] != top["PayloadUUID"]


def test_the_same_is_the_same_and_another_is_another() -> None:
    assert root_profile(ROOT.der) == root_profile(ROOT.der)
    other = root_profile(Authority.root("Some CA").der)
    assert other.identifier != root_profile(ROOT.der).identifier
    assert wifi_profile("a").identifier != wifi_profile("b").identifier
    # One global proxy at a time: the next takes the place of the one before.
    assert proxy_profile(Endpoint("h", 1)).identifier == proxy_profile(PROXY).identifier


def test_a_network_says_how_it_is_secured() -> None:
    (payload,) = plistlib.loads(wifi_profile("a", "wpa3", "secret99").content)["PayloadContent"]
    assert (payload["EncryptionType"], payload["Password"]) == ("WPA3", "secret99")
    assert payload["ProxyType"] == "None"
    (payload,) = plistlib.loads(wifi_profile("a").content)["PayloadContent"]
    assert (payload["EncryptionType"], "Password" in payload) == ("None", False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_signature(tmp_path: Path) -> None:
    supervisor, made = make_supervisor(), proxy_profile(PROXY)
    file = tmp_path / "signed.mobileconfig"
    file.write_bytes(made.signed(supervisor.certificate, supervisor.key))
    command = ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-binary"]
    verified = subprocess.run([*command, "-in", str(file)], capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == made.content
    file.write_bytes(file.read_bytes().replace(b"10.0.0.1", b"10.0.0.2"))
    assert subprocess.run([*command, "-in", str(file)], capture_output=True).returncode != 0
