from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.devices import registry
from lab.devices.item import Value
from lab.devices.journal import Journal, MakeItem
from lab.devices.journal_entry import Header
from lab.devices.lease import Holder, Lease
from lab.devices.settings import DeviceSettings
from lab.model.device import DeviceLost
from tests.devices.folder_device import FileItem, furnish, maker, state_of
from tests.patience import CAP

RUNNER = CliRunner()


class Desk:
    """Devices that are folders, and what runs that died left on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journals = root / "state" / "journals"
        self.journals.mkdir(parents=True)
        self.before: dict[str, dict[str, bytes]] = {}

    def died(self, device: str) -> Path:
        """Let a run die that has changed two things on this device. Returns its journal."""
        folder, serial = self.root / device, device.upper()
        furnish(folder, random.Random(device))
        self.before[device] = state_of(folder)
        journal = Journal(self.journals, serial)
        journal.begin(Header(serial, device, {"folder": str(folder)}, "Folder", "run-1", "noon"))
        for name in ("item1", "item2"):
            item = FileItem(folder, name)
            with journal.changing(item):
                item.put_back("changed")
        return journal.path

    def is_restored(self, device: str) -> bool:
        return state_of(self.root / device) == self.before[device]

    def open(
        self, address: Mapping[str, Value], settings: DeviceSettings | None = None
    ) -> contextlib.nullcontext[tuple[str, MakeItem]]:
        folder = Path(str(address["folder"]))
        if not folder.exists():
            raise DeviceLost("unplugged")
        return contextlib.nullcontext((folder.name.upper(), maker(folder)))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(registry, "open_for_restore", desk.open)
    monkeypatch.chdir(tmp_path)
    return desk


def restore(*arguments: str | Path) -> tuple[int, str, str]:
    told = ["restore", *map(str, arguments)]
    result = RUNNER.invoke(app, told, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_nothing_to_do(desk: Desk) -> None:
    assert restore() == (0, "nothing to put back\n", "")


def test_one_device(desk: Desk) -> None:
    desk.died("pixel")
    told = (
        "device pixel (PIXEL): 2 changes are not undone since run run-1 of noon\n"
        "  put back  file (name item2)\n"
        "  put back  file (name item1)\n"
    )
    assert restore() == (0, told, "")
    assert desk.is_restored("pixel")
    assert restore() == (0, "nothing to put back\n", "")


@pytest.mark.parametrize("name", ["pixel", "PIXEL"])
def test_by_its_id_and_by_its_serial_number(name: str, desk: Desk) -> None:
    for device in ("galaxy", "pixel"):
        desk.died(device)
    code, out, _ = restore(name)
    assert (code, "galaxy" in out) == (0, False)
    assert (desk.is_restored("pixel"), desk.is_restored("galaxy")) == (True, False)
    assert restore()[0] == 0
    assert desk.is_restored("galaxy")


def test_one_that_cannot_be_reached_hides_no_other(desk: Desk) -> None:
    stays = desk.died("galaxy")
    desk.died("pixel")
    (desk.root / "galaxy").rename(desk.root / "unplugged")
    code, out, _ = restore()
    assert code == 1
    why = f"cannot be reached: unplugged; what is to be put back stays in {stays}"
    assert f"  stays     {why}\n" in out
    assert desk.is_restored("pixel")
    (desk.root / "unplugged").rename(desk.root / "galaxy")
    assert restore()[0] == 0
    assert desk.is_restored("galaxy")


def test_what_cannot_be_put_back(desk: Desk) -> None:
    broken = desk.died("pixel") / "000002.json"
    broken.write_text("?")
    code, out, _ = restore("pixel")
    assert code == 1
    _, one, other = out.splitlines()
    assert one == "  put back  file (name item1)"
    assert other.startswith("  stays     entry 000002.json: cannot be read: not JSON")
    assert other.endswith(f"({broken})")


def test_a_device_in_use(desk: Desk) -> None:
    desk.died("pixel")
    with Lease.take("PIXEL", Holder.of_this_process("run-9", ("pytest",))):
        code, out, _ = restore()
    assert code == 1
    assert "  stays     device 'PIXEL' is in use by process " in out
    assert out.endswith(", run run-9: pytest\n")


def test_a_header_that_cannot_be_read(desk: Desk) -> None:
    """Whose journal it is cannot be told: it may be that of the device that is asked for."""
    header = desk.died("pixel") / "header.json"
    header.write_text("?")
    for arguments in ((), ("pixel",)):
        code, out, _ = restore(*arguments)
        assert code == 1
        assert out.startswith(f"2 changes are not undone: {header} cannot be read: not JSON")
        assert len(out.splitlines()) == 1


class TestWhichDevice:
    """Where nothing is pending, a name must be one that devices.yaml knows."""

    YAML = "devices:\n  - id: pixel\n    platform: virtual\n"

    def test_known(self, desk: Desk) -> None:
        (desk.root / "devices.yaml").write_text(self.YAML)
        assert restore("pixel") == (0, "nothing to put back\n", "")
        (desk.root / "devices.yaml").rename("mine.yaml")
        assert restore("pixel", "--devices-file", "mine.yaml")[0] == 0

    def test_not_known(self, desk: Desk) -> None:
        (desk.root / "devices.yaml").write_text(self.YAML)
        desk.died("galaxy")
        told = "devices.yaml: there is no device 'pixle'; did you mean 'pixel'?"
        complaint = f"trustpin-lab: nothing is known of a device 'pixle': {told}\n"
        assert restore("pixle") == (2, "", complaint)
        assert not desk.is_restored("galaxy")

    def test_without_the_file(self, desk: Desk) -> None:
        code, out, err = restore("pixel")
        assert (code, out) == (2, "")
        assert err.startswith("trustpin-lab: nothing is known of a device 'pixel': devices.yaml")


def test_state_that_cannot_be_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = desk.root / "file"
    file.touch()
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(file))
    code, out, err = restore()
    assert (code, out) == (1, "")
    told = f"trustpin-lab: {file}: the lab cannot keep its state here: not a folder\n"
    assert err == told


def test_as_a_program(desk: Desk) -> None:
    """Nothing of the registry is changed here: it does not know such an address."""
    desk.died("pixel")
    program = "from lab.cli import main; main()"
    told = [sys.executable, "-c", program, "restore"]
    done = subprocess.run(told, capture_output=True, text=True, timeout=CAP)
    assert (done.returncode, done.stderr) == (1, "")
    assert "  stays     cannot be reached: " in done.stdout
