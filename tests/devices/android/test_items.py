"""Items are made again from what a journal says, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.devices.android.clock import ClockItem
from lab.devices.android.dnat import DnatItem
from lab.devices.android.files import FileItem
from lab.devices.android.items import ItemMaker
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.packages import PackageItem, PackagesItem
from lab.devices.android.program_link import AdbProgramLink
from lab.devices.android.proxy import ProxyItem
from lab.devices.android.reverse import ReverseItem
from lab.devices.android.root import RootShell
from lab.devices.android.settings_store import SettingsUserStoreItem
from lab.devices.android.system_settings import SettingItem
from lab.devices.android.system_store import SystemStoreItem
from lab.devices.android.user_store import UserStoreItem
from lab.devices.android.wifi import WifiItem
from lab.devices.android.wireguard import TunnelItem, push_profile, set_tunnel
from lab.devices.item import Item, Value
from lab.devices.journal import Journal, MakeItem
from lab.devices.journal_entry import Header
from lab.model.device import Endpoint
from tests.devices.android.rig import Rig
from tests.devices.android.scripted import ScriptedLink, answering


def _every_item(link: AdbLink, folder: Path) -> list[Item]:
    shell = RootShell(link)
    return [
        ClockItem(shell),
        DnatItem(shell),
        FileItem(link, "/data/local/tmp/mock_apps.json", folder),
        PackageItem(link, "com.acme", folder),
        PackagesItem(link),
        ProxyItem(link),
        ReverseItem(link),
        SettingItem(link, "global", "a", "b"),
        SettingsUserStoreItem(None),
        SystemStoreItem(shell),
        TunnelItem(link, "lab"),
        UserStoreItem(shell),
        WifiItem(link),
    ]


def test_every_item_is_made_again(tmp_path: Path) -> None:
    link = ScriptedLink(answering({}))
    make: MakeItem = ItemMaker(link)
    for item in _every_item(link, tmp_path):
        arguments = json.loads(json.dumps(item.arguments))
        again = make(item.kind, arguments, tmp_path)
        assert type(again) is type(item)
        assert (again.kind, again.arguments) == (item.kind, item.arguments)
    assert link.trips == 0


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("", {}),
        ("nothing", {}),
        ("proxy", {"more": "1"}),
        ("setting", {"namespace": "global"}),
        ("setting", {"namespace": "global", "keys": ""}),
        ("setting", {"namespace": "global; reboot", "keys": "a"}),
        ("file", {"path": "/system/etc/hosts"}),
        ("file", {"path": "/data/local/tmp/../../x"}),
        ("file", {"path": "/data/local/tmp/a\nb"}),
        ("package", {"package": "a b"}),
        ("packages", {"prefix": ""}),
        ("user_store", {"by": "magic"}),
        ("user_store", {}),
        ("wireguard", {"tunnel": "a b; reboot"}),
    ],
)
def test_what_is_no_item(kind: str, arguments: Mapping[str, str], tmp_path: Path) -> None:
    link = ScriptedLink(answering({}))
    with pytest.raises(ValueError, match=r"no |not|argument"):
        ItemMaker(link)(kind, arguments, tmp_path)
    assert link.trips == 0


def test_a_file_is_put_back(any_link: AdbLink, tmp_path: Path) -> None:
    path = "/data/local/tmp/it's here.json"
    item = FileItem(any_link, path, tmp_path)
    before = item.read()
    assert before is None
    any_link.push(b"new", path)
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())


def test_what_was_in_a_file_is_kept(any_link: AdbLink, tmp_path: Path) -> None:
    path = "/data/local/tmp/mock_apps.json"
    any_link.push(b"[]\n\x00", path)
    any_link.shell(f"chmod 600 {path}")
    folder = tmp_path / "kept"
    folder.mkdir()
    item = FileItem(any_link, path, folder)
    before = item.read()
    any_link.push(b"new", path)
    any_link.shell(f"chmod 666 {path}")
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())
    assert any_link.shell(f"stat -c %a {path}") == "600\n"
    assert any_link.pull(path, limit=100) == b"[]\n\x00"
    for kept in folder.iterdir():
        kept.unlink()
    with pytest.raises(ValueError, match="is not kept any more"):
        item.put_back(before)


@pytest.mark.parametrize(
    "value", [1, {}, {"sha256": "../../x", "mode": "644"}, {"sha256": "a" * 64, "mode": "x"}]
)
def test_a_file_value_that_is_none(value: Value, tmp_path: Path) -> None:
    link = ScriptedLink(answering({}))
    with pytest.raises(ValueError, match=r"value"):
        FileItem(link, "/sdcard/x", tmp_path).put_back(value)


def test_ports_that_lead_out_are_taken_back_but_for_those_of_others(
    program_link: AdbProgramLink,
) -> None:
    program_link.reverse(17001, Endpoint("127.0.0.1", 9))
    item = ReverseItem(program_link)
    before = item.read()
    assert before == [17001]
    program_link.reverse(17002, Endpoint("127.0.0.1", 9))
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert program_link.reversed_ports() == (17001,)
    program_link.remove_reverse(17001)
    # The phone's own doing: it was not the lab that took it away.
    assert item.same(before, item.read())
    wrong: list[Value] = [None, "17001", ["17001"], [True]]
    for value in wrong:
        with pytest.raises(ValueError, match="the value"):
            item.put_back(value)


class Tunnels:
    """A model of the WireGuard app."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.up = False
        self._obeys = obeys

    def __call__(self, command: str) -> tuple[str, int] | str:
        if command.startswith("am broadcast"):
            assert "IntentReceiver --es tunnel lab" in command
            assert "\\$IntentReceiver" in command
            if self._obeys:
                self.up = "SET_TUNNEL_UP" in command
            return "Broadcast completed: result=0\n"
        if command == "ip addr":
            return "1: lo: <UP>\n" + ("9: lab: <POINTOPOINT,UP>\n" if self.up else "")
        return ("", 1)


def test_a_tunnel_goes_up_and_down_again() -> None:
    app = Tunnels()
    link = ScriptedLink(app)
    item = TunnelItem(link, "lab")
    before = item.read()
    set_tunnel(link, "lab", up=True)
    assert app.up
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    push_profile(link, "lab", "[Interface]\n")
    assert link.files == {"/sdcard/Download/lab.conf": b"[Interface]\n"}


def test_a_vpn_of_the_app_is_a_tunnel_that_is_up() -> None:
    vpn = "NetworkAgentInfo{network{101} [type: VPN CONNECTED] ... com.wireguard.android}\n"
    link = ScriptedLink(answering({"ip addr": "1: lo:\n", "dumpsys connectivity": vpn}))
    assert TunnelItem(link, "lab").read() == {"up": True}


def test_an_app_that_does_not_obey_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.devices.android.wireguard.UP_CAP", 0.0)
    with pytest.raises(CommandRefused, match="Allow remote control"):
        set_tunnel(ScriptedLink(Tunnels(obeys=False)), "lab", up=True)


def test_a_journal_undoes_what_was_done_to_the_phone(
    link: AdbLink, rig: Rig, tmp_path: Path
) -> None:
    journal = Journal(tmp_path, "phone-1")
    journal.begin(Header("phone-1", "phone", {"tcp": "x"}, "VirtualPhone", "run", "now"))
    make = ItemMaker(link)
    proxy = make("proxy", {}, journal.kept)
    setting = make("setting", {"namespace": "global", "keys": "private_dns_mode"}, journal.kept)
    with journal.changing(proxy), journal.changing(setting):
        link.shell("settings put global http_proxy 127.0.0.1:9")
        link.shell("settings put global private_dns_mode off")
    undone = Journal(tmp_path, "phone-1").undo(ItemMaker(link))
    assert undone.complete
    assert len(undone.undone) == 2
    assert rig.phone.setting("global", "http_proxy") is None
    assert rig.phone.setting("global", "private_dns_mode") is None
