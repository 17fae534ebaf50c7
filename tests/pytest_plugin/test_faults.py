"""Something breaks in the middle of a scenario: that one is inconclusive and says why, and what
comes after it goes on, or says why not. The phone is nobody's run's: it stands on its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.boundary.standing import Standing, devices_file, differences, standing_phone
from tests.pytest_plugin.conftest import ROOT, Lab

pytestmark = pytest.mark.whole

CASES = "B4-device_trusted_ca- and compromised"
"""Four scenarios, if need be; the fault comes in the first of them."""
CAP = 60.0
"""Seconds that a run of so few scenarios may take, whatever breaks."""

BREAK = """
import os, psutil
import lab.trial.seat as seat
from lab.devices.android.shell_link import tcp_link
from lab.model.device import DeviceLost, Endpoint

import lab.devices.android.device as device
device.RECOVERY_CAP = 5.0

def beside(port, command):
    try:
        tcp_link(Endpoint('127.0.0.1', port), lambda: ()).run(command)
    except DeviceLost:
        pass  # A phone that starts again ends this connection, too.

asked = 0
ask = seat.Seat.ask

def breaking(self, *arguments, **named):
    global asked
    asked += 1
    if asked == 2:
        {action}
    return ask(self, *arguments, **named)

seat.Seat.ask = breaking
"""
"""The second request of an app is that under the first attack."""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    with standing_phone(tmp_path / "phone") as standing:
        yield standing


def attacked(lab: Lab, action: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a few scenarios, let ``action`` break something in the first, and return the results."""
    (lab.folder / "scenarios" / "conftest.py").write_text(BREAK.format(action=action))
    began = time.monotonic()
    lab.run("-k", CASES, "--retries=0", *arguments)
    assert time.monotonic() - began < CAP
    results: list[dict[str, Any]] = lab.results()["results"]
    return results


def told(result: Mapping[str, Any]) -> str:
    return "; ".join(reason["text"] for reason in result["reasons"]["reasons"])


def adb_shell(phone: Standing, command: str) -> str:
    """Return the statement that runs ``command`` on the phone, beside the run."""
    return f"beside({phone.adb.port}, {command!r})"


def kill(pattern: str) -> str:
    """Return the statement that kills the run's own processes with ``pattern`` in their command
    line."""
    return (
        f"[p.kill() for p in psutil.Process().children(recursive=True) "
        f"if {pattern!r} in ' '.join(p.cmdline())]"
    )


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("am crash cloud.trustpin.android.sample", "crashed"),
        ("kill -STOP $(pidof cloud.trustpin.android.sample)", "respon"),
        ("am force-stop cloud.trustpin.android.sample", "app"),
        ("reboot", "phone"),
    ],
    ids=["app crash", "app not responding", "app ended", "reboot"],
)
def test_the_next_scenario_recovers(lab: Lab, phone: Standing, command: str, cause: str) -> None:
    shutil.copy(devices_file(phone.air.parent, phone.entry()), lab.folder / "devices.yaml")
    before = phone.seen()
    first, *others = attacked(lab, adb_shell(phone, command))
    assert first["verdict"] == "INCONCLUSIVE", told(first)
    assert cause in told(first)
    assert {r["verdict"] for r in others} == {"PASS"}, [told(r) for r in others]
    assert not differences(before, phone.seen())


def test_a_phone_that_is_unplugged_is_said_to_be_gone(lab: Lab, phone: Standing) -> None:
    shutil.copy(devices_file(phone.air.parent, phone.entry()), lab.folder / "devices.yaml")
    # An address at which nobody answers any more.
    first, *others = attacked(lab, f"os.kill({phone.process.pid}, 9)")
    for result in (first, *others):
        assert result["verdict"] == "INCONCLUSIVE"
        assert "lost" in told(result)
    assert "did not come back" in told(others[-1])
    info = lab.results()["info"]
    assert not info["complete"]
    # What is to be put back is not forgotten.
    ran = subprocess.run(
        ["trustpin-lab", "restore"], capture_output=True, text=True, check=False, env=os.environ
    )
    assert ran.returncode == 1
    assert "cannot be reached" in ran.stdout


@pytest.mark.parametrize("program", ["appium", "adb"])
def test_a_server_that_is_killed_is_started_again(lab: Lab, program: str) -> None:
    if shutil.which("adb") is None or not (ROOT / "node_modules" / "appium").is_dir():
        pytest.skip("needs adb and 'make node'")
    lab.devices("devices: [{id: phone, platform: virtual, appium: lab}]")
    pattern = "node_modules/appium" if program == "appium" else "nodaemon server"
    first, *others = attacked(lab, kill(pattern))
    assert first["verdict"] == "INCONCLUSIVE", told(first)
    assert {r["verdict"] for r in others} == {"PASS"}, [told(r) for r in others]


def test_a_hung_phone_does_not_hang_the_run(lab: Lab, phone: Standing) -> None:
    shutil.copy(devices_file(phone.air.parent, phone.entry()), lab.folder / "devices.yaml")
    try:
        first, *_ = attacked(lab, f"os.kill({phone.process.pid}, 19)", "-x")
    finally:
        os.kill(phone.process.pid, signal.SIGCONT)
    assert first["verdict"] == "INCONCLUSIVE"
