"""``trustpin-lab devices``, ``doctor`` and ``phone``, as a user runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.devices.journal import Journal
from lab.devices.journal_entry import Header
from tests.boundary.standing import Standing, devices_file, standing_phone
from tests.devices.folder_device import FileItem
from tests.patience import CAP

pytestmark = pytest.mark.whole

PROGRAM = [sys.executable, "-c", "from lab.cli import main; main()"]


def lab(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the command in ``folder``; return its exit code and all that it wrote."""
    ran = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": os.fspath(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=CAP,
    )
    return ran.returncode, ran.stdout


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    with standing_phone(tmp_path / "phone", name="desk") as standing:
        devices_file(tmp_path, standing.entry("desk"))
        yield standing


def test_a_phone_that_is_ready(phone: Standing, tmp_path: Path) -> None:
    before = phone.seen()
    code, said = lab(tmp_path, "devices")
    assert code == 0
    assert "VirtualPhone, serial number desk" in said
    assert "nobody uses it" in said
    code, said = lab(tmp_path, "doctor", "desk")
    assert code == 0, said
    assert "bad " not in said
    for route in ("proxy", "wifi"):
        assert f"good    route {route}" in said.replace("route wifi ", "route wifi")
    # Its clock was ninety seconds wrong, and is so again.
    assert "turn automatic date and time on" in said
    now = phone.seen()
    assert {k: v for k, v in now.items() if k != "clock"} == {
        k: v for k, v in before.items() if k != "clock"
    }


def test_a_phone_that_is_not_there(phone: Standing, tmp_path: Path) -> None:
    phone.process.end()
    code, said = lab(tmp_path, "devices")
    assert code == 0
    assert "connection refused" in said
    code, said = lab(tmp_path, "doctor")
    assert code == 1
    assert "bad     adb" in said
    assert "turn USB debugging on" in said
    assert "Traceback" not in said


def test_an_app_that_is_not_installed(phone: Standing, tmp_path: Path) -> None:
    phone.shell("pm uninstall cloud.trustpin.android.sample")
    code, said = lab(tmp_path, "doctor")
    assert code == 1
    assert "cloud.trustpin.android.sample is not installed" in said
    assert "name its APK in devices.yaml" in said


def test_what_is_left_behind_is_told(phone: Standing, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "journals"
    folder.mkdir(parents=True)
    journal = Journal(folder, "desk")
    journal.begin(Header("desk", "desk", {"tcp": str(phone.adb)}, "model", "a-run", "yesterday"))
    journal.remember(FileItem(tmp_path, "item"))
    _, said = lab(tmp_path, "doctor")
    assert "1 change is not undone since run a-run" in said
    assert "trustpin-lab restore desk" in said


def test_mistakes_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "devices.yaml").write_text("devices:\n  - {id: a, platform: symbian}\n")
    for command in ("devices", "doctor"):
        code, said = lab(tmp_path, command)
        assert code == 2
        assert said.startswith("devices.yaml:2: devices[0].platform: unknown platform")


def test_a_phone_that_stays_tells_its_entry(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "phone", "--adb-port", "0", "--name", "mine", "--android", "13"],
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        lines = [run.stdout.readline() for _ in range(9)]
        entry = textwrap.dedent("".join(lines[3:]))
        (tmp_path / "devices.yaml").write_text(f"devices:\n{textwrap.indent(entry, '  ')}")
        code, said = lab(tmp_path, "doctor", "mine")
        run.send_signal(signal.SIGTERM)
        assert run.wait(CAP) == 0
    assert code == 0, said
    assert "Android 13 (API level 33)" in said
