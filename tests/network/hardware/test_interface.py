"""Which interfaces the lab takes for its access point."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.network.hardware.interface import (
    Refused,
    check_interfaces,
    check_machine,
    default_routes,
)
from lab.network.hardware.machine import Done, Running, Said, Socket, ThisMachine
from lab.network.kernel.namespace import Namespace
from tests.network.hardware.plans import a_plan
from tests.network.needed import or_skip


@dataclass
class ToldMachine:
    """A machine whose programs say what a test wants."""

    says: dict[str, str] = field(default_factory=dict)
    default: str = "eth7"

    def run(self, argv: Sequence[str], told: str = "") -> Done:
        if argv[0] == "ip":
            routes = [{"dst": "default", "dev": self.default}] if "-4" in argv else []
            return Done(0, json.dumps(routes))
        said = self.says.get(argv[0])
        return Done(127, "not installed") if said is None else Done(0, said)

    def start(self, argv: Sequence[str], said: Said) -> Running:
        raise AssertionError(argv)

    def socket(self, family: int, type: int) -> Socket:
        raise AssertionError(family, type)

    def using(self, program: str, file: Path) -> tuple[int, ...]:
        raise AssertionError(program)

    def kill(self, pid: int) -> None:
        raise AssertionError(pid)


@dataclass(frozen=True)
class Files:
    """What a machine's files say of its interfaces."""

    folder: Path

    @property
    def interfaces(self) -> Path:
        return self.folder / "net"

    def write(self, name: str, text: str = "") -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self, machine: ToldMachine) -> None:
        check_interfaces(
            machine,
            a_plan(upstream="eth7"),
            interfaces=self.interfaces,
            supplicants=self.folder / "wpa_supplicant",
            networkd=self.folder / "links",
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.write("net/eth7/ifindex", "2")
    files.write("net/wlan7/ifindex", "5\n")
    files.write("net/wlan7/phy80211/rfkill0/soft", "0\n")
    return files


def test_a_radio_that_is_nobodys_is_taken(files: Files) -> None:
    files.write("links/5", "ADMIN_STATE=unmanaged\n")
    files.write("links/2", "ADMIN_STATE=configured\n")
    files.check(ToldMachine({"nmcli": "eth7:connected\nwlan7:unmanaged\n"}))
    files.check(ToldMachine())


def test_the_default_route_is_not_taken(files: Files) -> None:
    with pytest.raises(Refused, match="wlan7 carries this machine's default route"):
        files.check(ToldMachine(default="wlan7"))


def test_it_must_be_there_and_be_a_radio(files: Files) -> None:
    (files.interfaces / "wlan7/phy80211/rfkill0/soft").write_text("1")
    with pytest.raises(Refused, match="rfkill unblock wifi"):
        files.check(ToldMachine())
    (files.interfaces / "wlan7").rename(files.interfaces / "wlan8")
    with pytest.raises(Refused, match="no interface wlan7; there are: eth7, wlan8"):
        files.check(ToldMachine())
    files.write("net/wlan7/ifindex", "5")
    with pytest.raises(Refused, match="wlan7 is no Wi-Fi interface"):
        files.check(ToldMachine())


@pytest.mark.parametrize(
    ("says", "file", "words"),
    [
        ({"nmcli": "wlan7:connected"}, "x", "nmcli device set wlan7 managed no"),
        ({"nmcli": "wlan7:disconnected"}, "x", "nmcli device set wlan7 managed no"),
        ({"pgrep": "77"}, "x", "systemctl stop iwd"),
        ({}, "wpa_supplicant/wlan7", "wpa_cli -i wlan7 terminate"),
        ({}, "links/5", "Unmanaged=yes"),
    ],
)
def test_who_holds_it_is_told_and_how_to_release_it(
    says: dict[str, str], file: str, words: str, files: Files
) -> None:
    files.write(file, "ADMIN_STATE=configured\n")
    with pytest.raises(Refused, match=words):
        files.check(ToldMachine(says))


def test_the_order_of_what_is_missing() -> None:
    with pytest.raises(Refused, match="needs root"):
        check_machine(ToldMachine(), a_plan(), root=False)
    with pytest.raises(Refused, match=r"program nft is not installed \(package nftables\)"):
        check_machine(ToldMachine(), a_plan(), root=True)
    installed = dict.fromkeys(("nft", "hostapd", "dnsmasq"), "")
    with pytest.raises(Refused, match="no interface wlan7"):
        check_machine(ToldMachine(installed), a_plan(), root=True)


def test_default_routes_of_both_kinds_are_seen() -> None:
    with or_skip():
        namespace = Namespace("alone")
    with namespace:
        machine = ThisMachine(namespace.enter)
        assert default_routes(machine) == []
        for name in ("one", "two"):
            namespace.ip(f"link add {name} type bridge", f"link set {name} up")
        namespace.ip("address add 192.0.2.1/24 dev one", "route add default via 192.0.2.2")
        namespace.ip("route add ::/0 dev two")
        assert default_routes(machine) == ["one", "two"]


def test_only_a_program_with_that_file_is_found(tmp_path: Path) -> None:
    machine = ThisMachine()
    file = tmp_path / "a file"
    ended = list[str | None]()
    running = machine.start(["tail", "-f", "/dev/null", f"--pid={os.getpid()}"], ended.append)
    assert machine.using("tail", file) == ()
    file.touch()
    other = machine.start(["tail", "-F", str(file)], ended.append)
    (pid,) = machine.using("tail", file)
    assert machine.using("cat", file) == ()
    machine.kill(pid)
    other.end()
    assert other.ended
    assert not running.ended
    running.end()
    assert ended == [None, None]
