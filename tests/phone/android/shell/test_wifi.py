from __future__ import annotations

import pytest

from lab.phone.state import PhoneState
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
    assert joined(phone) is None
    assert run("cmd wifi forget-network 1")[1:] == ("Forget failed with reason code: 2\n", 1)


def test_no_networks(run: Run) -> None:
    assert run("cmd wifi list-networks")[0] == "No networks\n"


def test_scanning(run: Run, phone: PhoneState) -> None:
    assert run("cmd wifi start-scan") == ("", "", 0)
    lines = run("cmd wifi list-scan-results")[0].splitlines()
    assert [line[51:] for line in lines[1:]] == ["Home", "Café 1"]
    for file in phone._air.glob("*.json"):
        file.unlink()
    assert run("cmd wifi list-scan-results")[0] == "No scan results\n"


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("connect-network Elsewhere open", 'Connection failed: no network "Elsewhere"', 1),
        ("connect-network Home", "Error: connect-network needs <ssid>", 255),
        ("connect-network Home wep", "Error: Unknown network type wep", 255),
        ("connect-network Home wpa2", "Error: wpa2 needs a passphrase", 255),
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
