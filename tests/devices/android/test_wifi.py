"""Wi-Fi, against what real Androids print, and against a model of one."""

from __future__ import annotations

import shlex
from contextlib import suppress

import pytest

from lab.devices.android import wifi
from lab.devices.android.link import COMMAND_CAP, AdbLink, CommandRefused, Ran
from lab.devices.android.marks import told_of
from lab.devices.android.wifi import Security, WifiItem, join, read_wifi
from lab.devices.item import Value
from lab.model.device import DeviceLost
from tests.devices.android.faulty import DyingLink
from tests.devices.android.rig import HOME, ROGUE, Rig
from tests.devices.android.scripted import ScriptedLink, answering

ANDROID_13 = """Wifi is enabled
Wifi scanning is always available
==== ClientModeManager instance: ConcreteClientModeManager{id=1 iface=wlan0 role=ROLE} ====
Wifi is connected to "AndroidWifi"
WifiInfo: SSID: "AndroidWifi", BSSID: 00:13:10:85:fe:01, MAC: 02:15:b2:00:00:00
successfulTxPackets: 8
"""
SAVED_13 = """Network Id      SSID                         Security type
0            AndroidWifi                      open
1            With  two  blanks                wpa2-psk
1            With  two  blanks                wpa3-sae^
12           Café "quoted"                    wpa3-sae
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wifi, "POLL", 0.01)


class Air:
    """A model of a phone's Wi-Fi: answers as Android does. Goes back to a saved network by itself,
    some questions after it lost the one that it had."""

    def __init__(self, *, patience: int = 2) -> None:
        self.enabled = True
        self.joined: str | None = "Home"
        self.saved: dict[int, tuple[str, str]] = {0: ("Home", "wpa2-psk")}
        self.reach = {"Home": "wpa2", "Rogue": "open", "Guest": "wpa3"}
        self._patience = patience
        self._left = patience

    def __call__(self, command: str) -> tuple[str, int] | str:
        words = shlex.split(command)
        if words[:2] == ["svc", "wifi"]:
            self.enabled = words[2] == "enable"
            if not self.enabled:
                self.joined = None
            return ""
        what = words[2]
        if what == "status":
            self._look_for_home()
            joined = (
                "Wifi is not connected"
                if self.joined is None
                else (f'Wifi is connected to "{self.joined}"')
            )
            return f"Wifi is {'enabled' if self.enabled else 'disabled'}\n{joined}\n"
        if what == "list-networks":
            if not self.saved:
                return "No networks\n"
            lines = [f"{n:<12} {ssid:<32} {kind}" for n, (ssid, kind) in self.saved.items()]
            return "\n".join(["Network Id      SSID                 Security type", *lines, ""])
        if what == "connect-network":
            return self._connect(*words[3:])
        if what == "forget-network":
            ssid, _ = self.saved.pop(int(words[3]))
            if ssid == self.joined:
                self.joined = None
            return "Forget successful\n"
        return ""

    def _connect(self, ssid: str, kind: str, passphrase: str = "") -> tuple[str, int] | str:
        if self.reach.get(ssid) != kind or (kind != "open" and passphrase != "correct horse"):
            return (f"Connection failed for {passphrase}\n", 255)
        security = {"open": "open", "wpa2": "wpa2-psk", "wpa3": "wpa3-sae"}[kind]
        if (ssid, security) not in self.saved.values():
            self.saved[max(self.saved, default=-1) + 1] = (ssid, security)
        self.joined = ssid
        return "Connection initiated \n"

    def _look_for_home(self) -> None:
        if self.joined is None and self.enabled and self.saved:
            self._left -= 1
            if self._left < 0:
                self._left = self._patience
                self.joined = next(iter(self.saved.values()))[0]


def test_what_android_13_prints() -> None:
    link = ScriptedLink(answering({"cmd wifi status": ANDROID_13, "cmd wifi list": SAVED_13}))
    state = read_wifi(link)
    assert (state.enabled, state.ssid) == (True, "AndroidWifi")
    assert [(each.number, each.ssid, each.security) for each in state.saved] == [
        ("0", "AndroidWifi", "open"),
        ("1", "With  two  blanks", "wpa2-psk"),
        ("12", 'Café "quoted"', "wpa3-sae"),
    ]
    assert link.trips == 1


@pytest.mark.parametrize(
    "answer",
    [
        ("cmd: Can't find service: wifi\n", 20),
        "No shell command implementation.\n",
        ("Unknown command: status\n", 255),
    ],
)
def test_before_android_11_it_says_so(answer: tuple[str, int] | str) -> None:
    link = ScriptedLink(answering({"cmd wifi": answer}))
    for act in (lambda: read_wifi(link), lambda: join(link, "x", cap=0)):
        with pytest.raises(CommandRefused, match="came with Android 11"):
            act()


def test_joining_waits_until_the_phone_has_joined() -> None:
    air = Air()
    join(ScriptedLink(air), "Rogue")
    assert air.joined == "Rogue"
    join(ScriptedLink(air), "Guest", "wpa3", "correct horse")
    assert air.joined == "Guest"


@pytest.mark.parametrize(
    ("ssid", "security", "passphrase"),
    [("None", "open", None), ("Guest", "wpa2", "correct horse"), ("Guest", "wpa3", "wrong horse")],
)
def test_what_cannot_be_joined(ssid: str, security: Security, passphrase: str | None) -> None:
    with pytest.raises(CommandRefused, match=f'cannot join "{ssid}"') as caught:
        join(ScriptedLink(Air()), ssid, security, passphrase, cap=0)
    assert "horse" not in str(caught.value)


def test_a_network_that_never_comes_up() -> None:
    air = Air()
    link = ScriptedLink(
        lambda command: "Connection initiated" if "connect-network" in command else air(command)
    )
    with pytest.raises(CommandRefused, match=r'did not join "Rogue" .* it has joined "Home"'):
        join(link, "Rogue", cap=0)


class LostLink(ScriptedLink):
    """Loses the phone, and tells of the command as links do."""

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        raise DeviceLost(f"phone-1, {told_of(command)}: it did not answer")


def test_no_message_tells_a_passphrase() -> None:
    secret = "a passphrase that is so long that its end is not shown " + "x" * 8
    with pytest.raises(DeviceLost, match='joining "Rogue": it did not') as caught:
        join(LostLink(Air()), "Rogue", "wpa2", secret)
    assert "passphrase" not in str(caught.value)


def test_put_back_forgets_and_goes_back() -> None:
    air = Air()
    link = ScriptedLink(air)
    item = WifiItem(link)
    before = item.read()
    join(link, "Rogue")
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert (air.joined, air.saved) == ("Home", {0: ("Home", "wpa2-psk")})


def test_an_evil_twin_is_forgotten_and_its_victim_is_not() -> None:
    air = Air()
    air.reach["Home"] = "open"
    link = ScriptedLink(air)
    item = WifiItem(link)
    before = item.read()
    join(link, "Home", "open")
    assert len(air.saved) == 2
    air.reach["Home"] = "wpa2"
    item.put_back(before)
    assert item.same(before, item.read())
    assert air.saved == {0: ("Home", "wpa2-psk")}


def test_wifi_that_was_off_is_off_again() -> None:
    air = Air()
    air.enabled, air.joined = False, None
    link = ScriptedLink(air)
    item = WifiItem(link)
    before = item.read()
    air("svc wifi enable")
    join(link, "Rogue")
    item.put_back(before)
    assert item.same(before, item.read())
    assert not air.enabled


def test_a_phone_that_does_not_go_back_is_told_of() -> None:
    air = Air(patience=1_000_000)
    link = ScriptedLink(air)
    item = WifiItem(link, cap=0)
    before = item.read()
    join(link, "Rogue")
    with pytest.raises(CommandRefused, match='did not go back to its network "Home"'):
        item.put_back(before)


@pytest.mark.parametrize("left", range(6))
def test_put_back_after_a_run_that_died_half_way(left: int) -> None:
    air = Air()
    link = ScriptedLink(air)
    item = WifiItem(link)
    before = item.read()
    with suppress(DeviceLost, CommandRefused):
        join(DyingLink(link, left), "Rogue", cap=0)
    item.put_back(before)
    assert item.same(before, item.read())
    assert air.saved == {0: ("Home", "wpa2-psk")}


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"enabled": 1, "ssid": None, "saved": []},
        {"enabled": True, "ssid": 1, "saved": []},
        {"enabled": True, "ssid": None, "saved": "abc"},
    ],
)
def test_a_value_that_is_none(value: Value) -> None:
    with pytest.raises(ValueError, match=r"value|enabled"):
        WifiItem(ScriptedLink(Air())).put_back(value)


def test_on_the_virtual_phone(any_link: AdbLink, rig: Rig) -> None:
    item = WifiItem(any_link)
    before = item.read()
    join(any_link, ROGUE)
    assert rig.phone.joined is not None
    assert rig.phone.joined.ssid == ROGUE
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())
    assert rig.phone.joined.ssid == HOME
