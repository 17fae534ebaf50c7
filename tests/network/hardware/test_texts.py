"""The generated configurations, read by the programs that they are for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.network.hardware.joining import joining_text
from lab.network.hardware.plan import AccessPlan, BadPlan, Security
from lab.network.hardware.texts import dnsmasq_conf, hostapd_conf, nft_removal, nft_rules
from lab.network.kernel.namespace import Namespace, find_programs
from tests.network.hardware.plans import a_plan
from tests.network.needed import or_skip
from tests.patience import CAP

SECRET = "correct horse, battery; staple"
SECURED = [("open", None), ("wpa2", SECRET), ("wpa3", SECRET)]


def program(name: str) -> str:
    with or_skip():
        return find_programs({name: name})[name]


@pytest.mark.parametrize(("security", "passphrase"), SECURED)
@pytest.mark.parametrize("channel", [6, 36])
def test_hostapd_takes_its_configuration(
    security: str, passphrase: str | None, channel: int, tmp_path: Path
) -> None:
    plan = a_plan(
        security=Security(security), passphrase=passphrase, channel=channel, ssid='é "#\\'
    )
    assert _hostapd_on(hostapd_conf(plan), tmp_path) == []


def test_hostapd_would_complain(tmp_path: Path) -> None:
    (line,) = _hostapd_on(hostapd_conf(a_plan()) + "sae_pwd=2\n", tmp_path)
    assert "unknown configuration item 'sae_pwd'" in line


def _hostapd_on(text: str, folder: Path) -> list[str]:
    """Return what hostapd has to say of a configuration. The interface does not exist, so that
    it always comes to an end after it has read it."""
    file = folder / "hostapd.conf"
    file.write_text(text)
    done = subprocess.run(
        [program("hostapd"), str(file)], capture_output=True, text=True, check=False, timeout=CAP
    )
    said = done.stdout.splitlines()
    assert any("Failed to" in line for line in said), said
    return [line for line in said if line.startswith("Line ") or "Invalid" in line]


@pytest.mark.parametrize("upstream", [None, "eth7"])
def test_dnsmasq_takes_its_configuration(upstream: str | None, tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    file.write_text(dnsmasq_conf(a_plan(upstream=upstream), tmp_path / "leases"))
    argv = [program("dnsmasq"), "--test", f"--conf-file={file}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "dnsmasq: syntax check OK.")


@pytest.mark.parametrize("upstream", [None, "eth7"])
def test_nft_takes_the_rules_and_their_removal(upstream: str | None) -> None:
    with or_skip(), Namespace("alone") as namespace:
        nft = program("nft")
        for text in (nft_rules(a_plan(upstream=upstream)), nft_removal()):
            done = namespace.run([nft, "--check", "--file", "-"], input=text)
            assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"interface": "wlan7/../x"}, "no interface's name"),
        ({"upstream": "wlan7"}, "another interface"),
        ({"ssid": ""}, "1 to 32 bytes"),
        ({"ssid": "é" * 17}, "1 to 32 bytes"),
        ({"ssid": "a\nctrl_interface=/tmp"}, "printable"),
        ({"passphrase": SECRET}, "goes with wpa2"),
        ({"security": Security.WPA2}, "goes with wpa2"),
        ({"security": Security.WPA2, "passphrase": "short"}, "8 to 63"),
        ({"security": Security.WPA2, "passphrase": "new\nline=1234"}, "8 to 63"),
        ({"country": "Germany"}, "two capital letters"),
        ({"channel": 14}, "none for access points in DE"),
        ({"country": "US", "channel": 13}, "none for access points in US"),
        ({"channel": 149}, "none for access points in DE"),
        ({"channel": 100}, "radar"),
        ({"network": "10.0.0.0/30"}, "too small"),
        ({"network": "9.9.9.0/24"}, "private"),
        ({"network": "nonsense"}, "no network"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPlan, match=words) as refused:
        a_plan(**fields)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("country", "channel"), [("DE", 13), ("US", 11), ("US", 149), ("JP", 36)])
def test_channels_that_fit(country: str, channel: int) -> None:
    assert a_plan(country=country, channel=channel).channel == channel


def test_no_passphrase_is_shown() -> None:
    assert SECRET not in repr(a_plan(security=Security.WPA2, passphrase=SECRET))


# -- the QR code --------------------------------------------------------------------------

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)


def _scanned(text: str) -> dict[str, str]:
    """Read the text of a QR code as a phone does: fields end at a semicolon that has no
    backslash before it; quotes around the whole of a value are no part of it."""
    assert text.startswith("WIFI:")
    fields, part, at = dict[str, str](), "", 5
    while at < len(text):
        if text[at] == "\\":
            part += text[at : at + 2]
            at += 2
            continue
        if text[at] == ";" and part:
            name, _, value = part.partition(":")
            bare = value.startswith('"') and value.endswith('"') and len(value) > 1
            fields[name] = value[1:-1] if bare else _unescaped(value)
            part = ""
        elif text[at] != ";":
            part += text[at]
        at += 1
    return fields


def _unescaped(value: str) -> str:
    told, escaped = "", False
    for letter in value:
        if letter == "\\" and not escaped:
            escaped = True
            continue
        assert escaped or letter not in ';,:"'
        told, escaped = told + letter, False
    return told


@settings(max_examples=80)
@given(
    ssid=st.text(PRINTABLE, min_size=1, max_size=32),
    passphrase=st.text(PRINTABLE, min_size=8, max_size=63),
)
def test_a_phone_reads_what_was_meant(ssid: str, passphrase: str) -> None:
    plan = a_plan(ssid=ssid, security=Security.WPA2, passphrase=passphrase)
    assert _scanned(joining_text(plan)) == {"T": "WPA", "S": ssid, "P": passphrase}


def test_the_form_of_the_code() -> None:
    wpa3 = a_plan(ssid="Café; bar", security=Security.WPA3, passphrase="12345678")
    assert joining_text(wpa3) == 'WIFI:T:SAE;S:Café\\; bar;P:"12345678";;'
    assert joining_text(a_plan()) == "WIFI:T:nopass;S:Free Wi-Fi;;"


def test_a_plan_gives_the_network(tmp_path: Path) -> None:
    plan: AccessPlan = a_plan(network="10.5.0.0/16")
    assert (plan.router, plan.range) == ("10.5.0.1", ("10.5.0.10", "10.5.0.250"))
    assert "dhcp-range=10.5.0.10,10.5.0.250,255.255.0.0,1h" in dnsmasq_conf(plan, tmp_path)
