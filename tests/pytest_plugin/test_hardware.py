"""``--wifi hardware``: the access point must be up, and be the one that the phones are to join."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.network.hardware.standing import Standing, note
from tests.network.hardware.plans import a_plan
from tests.pytest_plugin.conftest import Lab

USAGE = 4
PHONE = """
devices:
  - id: pixel
    platform: android
    adb: {server: R58N123}
    appium: {lab: true}
    routes: {proxy: reverse%s}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("lab.network.hardware.standing.FOLDER", tmp_path / "standing")
    return tmp_path / "standing"


def _complaint(lab: Lab, wifi: str) -> str:
    lab.devices(PHONE % wifi)
    result = lab.run_here("--wifi=hardware", "--collect-only")
    told: str = result.stderr.str()
    assert (result.ret, "Traceback" in told) == (USAGE, False)
    return told


def test_it_must_be_up(lab: Lab) -> None:
    told = _complaint(lab, ", wifi: {ssid: Free Wi-Fi}")
    assert "no access point of the lab's on this machine: sudo trustpin-lab wifi up" in told


def test_it_must_be_the_one_that_phones_join(lab: Lab, folder: Path) -> None:
    note(Standing.of(a_plan(), {}), folder)
    told = _complaint(lab, ", wifi: {ssid: Cafe}")
    assert "devices.yaml: devices.pixel.routes.wifi.ssid: 'Cafe', but" in told
    assert "the access point that is up is 'Free Wi-Fi'" in told


def test_somebody_must_join(lab: Lab, folder: Path) -> None:
    note(Standing.of(a_plan(), {}), folder)
    assert "no phone that is attacked has a 'wifi'" in _complaint(lab, "")


def test_a_run_on_it_may_begin(lab: Lab, folder: Path) -> None:
    note(Standing.of(a_plan(), {}), folder)
    lab.devices(PHONE % ", wifi: {ssid: Free Wi-Fi}")
    assert lab.run_here("--wifi=hardware", "--collect-only", "-q").ret == pytest.ExitCode.OK
