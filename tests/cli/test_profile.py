from __future__ import annotations

import plistlib
import ssl
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from typer.testing import CliRunner

from lab.cli import app
from lab.phone.ios.profile import read_profile
from lab.pki.authority import Authority
from tests.devices.ios.rig import make_supervisor


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("P12_PASSWORD", raising=False)


def profile(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["profile", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_root(form: str) -> None:
    made = Authority.root("Some CA")
    Path("ca.crt").write_bytes(
        made.der if form == "der" else ssl.DER_cert_to_PEM_cert(made.der).encode()
    )
    code, told, _ = profile("root", "ca.crt")
    assert code == 0
    read = read_profile(Path("root.mobileconfig").read_bytes())
    assert read.roots == (made.der,)
    assert f"ios profile remove {read.identifier}" in told
    assert "VPN & Device Management" in told


def test_a_proxy_and_a_network_and_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIFI_SECRET", "correct horse")
    assert profile("proxy", "[fd00::1]:8080", "-o", "p.mobileconfig")[0] == 0
    wifi = ("wifi", "Café", "--security", "wpa2", "--passphrase-env", "WIFI_SECRET")
    code, told, _ = profile(*wifi, "--proxy", "10.0.0.1:8080")
    assert (code, "correct horse" in told) == (0, False)
    Path("lab.conf").write_text("[Interface]\n[Peer]\nEndpoint = 10.0.0.1:51820\n")
    assert profile("wireguard", "lab.conf")[0] == 0
    proxy = read_profile(Path("p.mobileconfig").read_bytes()).proxy
    assert proxy is not None
    assert proxy.endpoint is not None
    assert (proxy.endpoint.host, proxy.endpoint.port) == ("fd00::1", 8080)
    (network,) = read_profile(Path("wifi.mobileconfig").read_bytes()).networks
    assert (network.ssid, network.security) == ("Café", "wpa2")
    assert network.proxy is not None
    (payload,) = plistlib.loads(Path("wireguard.mobileconfig").read_bytes())["PayloadContent"]
    assert payload["VPNSubType"] == "com.wireguard.ios"
    assert payload["VPN"]["RemoteAddress"] == "10.0.0.1:51820"
    # What holds secrets is its owner's alone.
    assert stat.S_IMODE(Path("wifi.mobileconfig").stat().st_mode) == 0o600


def test_it_is_signed_where_that_is_wanted() -> None:
    supervisor = make_supervisor()
    content = pkcs12.serialize_key_and_certificates(
        b"desk", supervisor.key, supervisor.certificate, None, NoEncryption()
    )
    Path("desk.p12").write_bytes(content)
    assert profile("proxy", "10.0.0.1:8080", "--sign", "desk.p12")[0] == 0
    assert read_profile(Path("proxy.mobileconfig").read_bytes()).signed_by == "Desk"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["root", "nothing.crt"], "nothing.crt: No such file"),
        (["root", "lab.conf"], "no certificate"),
        (["proxy", "10.0.0.1"], "HOST:PORT"),
        (["proxy", "10.0.0.1:99999"], "HOST:PORT"),
        (["wifi", "x" * 33], "1 to 32 bytes"),
        (["wifi", "a", "--security", "wep"], "open, wpa2 or wpa3"),
        (["wifi", "a", "--security", "wpa2"], "--passphrase-env"),
        (["wifi", "a", "--passphrase-env", "X"], "--passphrase-env"),
        (["wifi", "a", "--security", "wpa2", "--passphrase-env", "NOT_SET_X"], "NOT_SET_X"),
        (["wireguard", "nothing.conf"], "nothing.conf: No such file"),
        (["wireguard", "lab.conf"], "Endpoint"),
        (["proxy", "10.0.0.1:80", "--sign", "lab.conf"], "P12_PASSWORD"),
    ],
)
def test_a_mistake_is_said(arguments: list[str], words: str) -> None:
    Path("lab.conf").write_text("[Interface]\n")
    code, told, error = profile(*arguments)
    assert (code, told) == (2, "")
    assert words in error
    assert not list(Path().glob("*.mobileconfig"))


def test_a_file_that_cannot_be_written() -> None:
    code, _, error = profile("proxy", "10.0.0.1:80", "-o", "no/folder.mobileconfig")
    assert (code, "no/folder.mobileconfig: No such file" in error) == (1, True)


def test_handing_over_needs_go_ios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.devices.ios.go_ios.find_go_ios", lambda project, environ: None)
    code, _, error = profile("proxy", "10.0.0.1:80", "--install", "00008120-0011")
    assert (code, "go-ios is not installed" in error) == (2, True)
