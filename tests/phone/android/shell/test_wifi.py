from __future__ import annotations

from pathlib import Path

import pytest

from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run


def joined(phone: PhoneState) -> str | None:
    return None if phone.joined is None else phone.joined.ssid


def test_joining_and_leaving(run: Run, phone: PhoneState) -> None:
    assert "Wifi is not connected\n" in run("cmd wifi status")[0]
    assert run("cmd wifi connect-network Home open") == ("Connection initiated \n", "", 0)
    assert joined(phone) == "Home"
    assert run("cmd wifi connect-network 'Café 1' wpa2 'pass word'")[2] == 0
    assert 'Wifi is connected to "Café 1"\n' in run("cmd wifi status")[0]
    assert 'SSID: "Café 1"' in run("dumpsys wifi")[0]
    listed = run("cmd wifi list-networks")[0].splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["0", "Home"], ["1", "Café"]]
    assert run("cmd wifi forget-network 1") == ("Forget successful\n", "", 0)
    # A phone goes back to a network that it knows.
    assert joined(phone) == "Home"
    assert run("cmd wifi forget-network 0")[2] == 0
    assert joined(phone) is None
    assert run("cmd wifi forget-network 1")[1:] == ("Forget failed with reason code: 2\n", 1)


def test_no_networks(run: Run) -> None:
    assert run("cmd wifi list-networks")[0] == "No networks\n"


def test_how_networks_are_joined(run: Run, phone: PhoneState) -> None:
    ssid = "Café 1".encode().hex()
    assert run(f"cmd wifi connect-network {ssid} wpa3 secret -x -m -d -b 02:00:00:00:00:01")[2] == 0
    assert joined(phone) == "Café 1"
    assert run("cmd wifi connect-network Home owe -r none")[2] == 0
    lines = run("cmd wifi list-networks")[0].splitlines()[1:]
    assert [(line[:12].strip(), line[13:45].strip(), line[46:].strip()) for line in lines] == [
        ("0", "Café 1", "wpa3-sae"),
        ("1", "Home", "owe"),
    ]
    # It was told not to join that one by itself.
    run("cmd wifi forget-network 1; cmd wifi start-scan")
    assert joined(phone) is None


def test_on_and_off(run: Run, phone: PhoneState) -> None:
    run("cmd wifi connect-network Home open")
    for off, on in (
        ("cmd wifi set-wifi-enabled disabled", "cmd wifi set-wifi-enabled enabled"),
        ("svc wifi disable", "svc wifi enable"),
    ):
        assert run(off) == ("", "", 0)
        assert joined(phone) is None
        assert run("cmd wifi status")[0].startswith("Wifi is disabled\n")
        assert run("cmd wifi connect-network Home open")[1].startswith("Connection failed")
        assert run("cmd wifi list-scan-results")[0] == "No scan results\n"
        assert run(on) == ("", "", 0)
        assert joined(phone) == "Home"


def test_old_phones_cannot_be_told(tmp_path: Path, phone: PhoneState, screen: Screen) -> None:
    shell = Shell(AndroidSystem(phone, screen, android="10"))
    assert shell.run("cmd wifi status").code == 255
    assert shell.run("svc wifi disable").code == 0
    assert not phone.station.enabled


def test_scanning(run: Run, phone: PhoneState, tmp_path: Path) -> None:
    assert run("cmd wifi start-scan") == ("", "", 0)
    lines = run("cmd wifi list-scan-results")[0].splitlines()
    assert [line[51:] for line in lines[1:]] == ["Home", "Café 1"]
    for file in (tmp_path / "air").glob("*.json"):
        file.unlink()
    assert run("cmd wifi list-scan-results")[0] == "No scan results\n"


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("connect-network Elsewhere open", 'Connection failed: no network "Elsewhere"', 1),
        ("connect-network Home", "Error: connect-network needs <ssid>", 255),
        ("connect-network Home wep", "Error: Unknown network type wep", 255),
        ("connect-network Home wpa2", "Error: wpa2 needs a passphrase", 255),
        ("connect-network zz open -x", "Error: zz is no SSID in hex digits", 255),
        ("connect-network Home open -q", "Error: Unknown option: -q", 255),
        (f"connect-network {'x' * 33} open", "Error: no SSID", 255),
        ("set-wifi-enabled maybe", "Error: set-wifi-enabled needs", 255),
        ("forget-network", "Error: forget-network needs <networkId>", 255),
        ("forget-network x", "Error: forget-network needs <networkId>", 255),
        ("forget-network ²", "Error: forget-network needs <networkId>", 255),
        ("fly", "Unknown command: fly; 'cmd wifi' has connect-network", 255),
        ("", "Unknown command: help; 'cmd wifi' has", 255),
    ],
)
def test_mistakes(run: Run, phone: PhoneState, line: str, message: str, code: int) -> None:
    run("cmd wifi connect-network Home open")
    out, err, found = run(f"cmd wifi {line}")
    assert (out, found) == ("", code)
    assert err.startswith(message)
    assert joined(phone) == "Home"
