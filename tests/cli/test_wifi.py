from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from tests.rights import no_rights

SECRET = "correct horse"


def wifi(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["wifi", *arguments], env={"WIFI_PASS": SECRET, "SHORT": "x"}, catch_exceptions=False
    )
    return result.exit_code, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--security", "wep"), "'wep' is none of open, wpa2, wpa3"),
        (("--security", "wpa2"), "a passphrase goes with wpa2"),
        (("--security", "wpa2", "--passphrase", "correct horse"), "name an environment variable"),
        (("--security", "wpa2", "--passphrase", "${NOT_SET}"), "NOT_SET is not set"),
        (("--security", "wpa3", "--passphrase", "${SHORT}"), "8 to 63 characters"),
        (("--channel", "14"), "channel 14"),
        (("--country", "XXX"), "two capital letters"),
        (("--upstream", "wlan7"), "another interface"),
        (("--qr", "code.gif"), ".svg or .png"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], words: str) -> None:
    code, said = wifi("up", "--interface", "wlan7", *arguments)
    assert (code, words in said, SECRET in said) == (2, True, False), said


def test_without_root_it_says_so() -> None:
    with no_rights():
        code, said = wifi("up", "--interface", "wlan7")
    assert (code, said) == (1, "trustpin-lab: an access point needs root: run it with sudo\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root comes so far")
def test_an_interface_that_is_no_radio_is_left_alone() -> None:
    code, said = wifi("up", "--interface", "lo")
    assert code == 1
    assert "lo is no Wi-Fi interface" in said or "is not installed" in said
    assert not Path("/run/trustpin-lab/wifi.json").exists()


def test_nothing_to_take_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.network.hardware.standing.FOLDER", tmp_path)
    assert wifi("down") == (0, "nothing to take down\n")
    (tmp_path / "wifi.json").write_text("{}")
    code, said = wifi("down")
    assert (code, f"{tmp_path}/wifi.json" in said) == (1, True)
