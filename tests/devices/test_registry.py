from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from lab.devices.command import CommandDevice
from lab.devices.owner import BY_HAND
from lab.devices.registry import make_device, source_address, source_for
from lab.devices.settings import Settings, load
from lab.model.device import Endpoint, Network, Surroundings
from tests.devices.conftest import ROOT
from tests.devices.test_settings import COMMAND

NETWORK = Network("net", Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2))
SURROUNDINGS = Surroundings(Endpoint("127.0.0.1", 3), NETWORK, NETWORK)


def test_a_command_becomes_a_command_device(tmp_path: Path) -> None:
    settings = load(ROOT / "devices.yaml").device("curl")
    device = make_device(
        settings,
        SURROUNDINGS,
        tmp_path / "curl",
        factory_anchors=(),
        report_url="https://reports.acme.test/",
        source="127.0.0.1",
    )
    assert isinstance(device, CommandDevice)
    assert (device.id, device.source) == ("curl", "127.0.0.1")
    device.close()


def test_a_virtual_phone_gets_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[tuple[object, ...], dict[str, object]]] = []
    started = object()

    def start_virtual(*args: object, **named: object) -> object:
        made.append((args, named))
        return started

    module = ModuleType("lab.devices.virtual")
    module.start_virtual = start_virtual  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lab.devices.virtual", module)
    settings = load(ROOT / "devices.yaml").device("phone")
    named = {"factory_anchors": (b"x",), "report_url": "https://r/", "source": None}
    device = make_device(settings, SURROUNDINGS, tmp_path, **named)  # type: ignore[arg-type]
    assert device is started
    assert made == [
        ((settings, SURROUNDINGS, tmp_path), {**named, "owner": BY_HAND, "place": None})
    ]


def test_commands_need_nothing_of_the_phone() -> None:
    script = "import sys, lab.devices.registry; print([m for m in sys.modules if 'virtual' in m])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == b"[]"


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127/8 is the loopback on Linux only")
def test_every_device_has_an_address_of_its_own() -> None:
    addresses = [source_address(index) for index in range(600)]
    assert addresses[0] == "127.77.0.1"
    assert len(set(addresses)) == 600
    assert None not in addresses
    with socket.socket() as own:
        own.bind((str(addresses[-1]), 0))
    with pytest.raises(ValueError, match="device number -1"):
        source_address(-1)


def test_elsewhere_there_is_no_such_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert source_address(0) is None


def test_an_address_that_cannot_be_had_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("lab.devices.registry._can_bind", lambda address: False)
    assert source_address(0) is None


def test_a_program_that_is_not_told_its_source_has_none(yaml: Callable[[str], Settings]) -> None:
    shipped = load(ROOT / "devices.yaml")
    assert source_for(shipped.device("curl"), 4) == source_address(4)
    assert source_for(shipped.device("phone"), 4) == source_address(4)
    assert source_for(yaml(COMMAND).device("tool"), 4) is None
    told = COMMAND.replace('"{url}"]', '"{url}", "{source}"]')
    assert source_for(yaml(told).device("tool"), 4) == source_address(4)
    half = COMMAND.replace('"{url}"]', '"{url}", "{source}"]', 2)
    assert source_for(yaml(half).device("tool"), 4) is None
