"""Something breaks in the middle of a scenario: that one is inconclusive and says why, and what
comes after it goes on, or says why not. The phone is nobody's run's: it stands on its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.boundary.standing import Standing, devices_file, differences, standing_phone
from tests.pytest_plugin.conftest import ROOT, Lab

pytestmark = pytest.mark.whole

CASES = {
    1: "B4-device_trusted_ca- and compromised",
    2: "(B4-device_trusted_ca- or C6-pin_stuffing-) and compromised",
    4: "(B4-device_trusted_ca- or C6-pin_stuffing-) and (compromised or rogue_wifi)",
}
"""Twice as many scenarios as there are faults."""

BREAK = """
import os, psutil
import lab.pytest_plugin.running as running
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

def kill(pattern):
    for process in psutil.Process().children(recursive=True):
        if pattern in ' '.join(process.cmdline()):
            process.kill()

# One fault after the other, each in a scenario of its own, and between two of them a scenario
# without one.
faults = {{2 * number: fault for number, fault in enumerate({faults!r})}}
scenario = -1
asked = 0
ask = seat.Seat.ask
conduct = running.conduct

def conducting(*arguments, **named):
    global scenario, asked
    scenario += 1
    asked = 0
    return conduct(*arguments, **named)

def breaking(self, *arguments, **named):
    global asked
    asked += 1
    # The second request of an app is that under the attack.
    if asked == 2 and scenario in faults:
        exec(faults[scenario])
    return ask(self, *arguments, **named)

running.conduct = conducting
seat.Seat.ask = breaking
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    with standing_phone(tmp_path / "phone") as standing:
        yield standing


def attacked(lab: Lab, *faults: str, options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run so many scenarios that each fault has one of its own and one after it, and return their
    results."""
    (lab.folder / "scenarios" / "conftest.py").write_text(BREAK.format(faults=faults))
    lab.run("-k", CASES[len(faults)], "--retries=0", *options)
    results: list[dict[str, Any]] = lab.results()["results"]
    return results


def told(result: Mapping[str, Any]) -> str:
    return "; ".join(reason["text"] for reason in result["reasons"]["reasons"])


def adb_shell(phone: Standing, command: str) -> str:
    """Return the statement that runs ``command`` on the phone, beside the run."""
    return f"beside({phone.adb.port}, {command!r})"


RECOVERED = {
    "am crash cloud.trustpin.android.sample": "crashed",
    "kill -STOP $(pidof cloud.trustpin.android.sample)": "respon",
    "am force-stop cloud.trustpin.android.sample": "app",
    "reboot": "phone",
}
"""What happens on the phone, and what is said of it."""


def test_the_next_scenario_recovers(lab: Lab, phone: Standing) -> None:
    shutil.copy(devices_file(phone.air.parent, phone.entry()), lab.folder / "devices.yaml")
    before = phone.seen()
    results = attacked(lab, *(adb_shell(phone, command) for command in RECOVERED))
    for cause, broken, after in zip(RECOVERED.values(), results[::2], results[1::2], strict=True):
        assert broken["verdict"] == "INCONCLUSIVE", told(broken)
        assert cause in told(broken)
        assert after["verdict"] == "PASS", (cause, told(after))
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


def test_a_server_that_is_killed_is_started_again(lab: Lab) -> None:
    if shutil.which("adb") is None or not (ROOT / "node_modules" / "appium").is_dir():
        pytest.skip("needs adb and 'make node'")
    lab.devices("devices: [{id: phone, platform: virtual, appium: lab}]")
    results = attacked(lab, "kill('node_modules/appium')", "kill('nodaemon server')")
    told_of = {r["verdict"]: told(r) for r in results}
    assert [r["verdict"] for r in results] == ["INCONCLUSIVE", "PASS"] * 2, told_of


def test_a_hung_phone_does_not_hang_the_run(lab: Lab, phone: Standing) -> None:
    shutil.copy(devices_file(phone.air.parent, phone.entry()), lab.folder / "devices.yaml")
    try:
        first, *_ = attacked(lab, f"os.kill({phone.process.pid}, 19)", options=["-x"])
    finally:
        os.kill(phone.process.pid, signal.SIGCONT)
    assert first["verdict"] == "INCONCLUSIVE"
