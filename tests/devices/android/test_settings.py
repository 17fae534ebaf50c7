"""Settings, the proxy and the clock, on the virtual phone by both links."""

from __future__ import annotations

import time

import pytest

from lab.devices.android.clock import ClockItem, set_clock
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.proxy import KEY, SIBLINGS, ProxyItem, clear_proxy, set_proxy
from lab.devices.android.root import UNROOTED, Root, RootShell
from lab.devices.android.screen import stay_on, stay_on_item
from lab.devices.android.system_settings import SettingItem
from lab.devices.item import Value
from lab.devices.phone_models import RootMode
from lab.model.device import Endpoint
from tests.devices.android.rig import Rig
from tests.devices.android.scripted import ScriptedLink, answering

PROXY = Endpoint("127.0.0.1", 18080)


def test_settings_are_read_and_put_back(any_link: AdbLink, rig: Rig) -> None:
    rig.phone.put_setting("global", "a", 'it\'s a "value"; reboot')
    item = SettingItem(any_link, "global", "a", "b")
    before = item.read()
    assert before == {"a": 'it\'s a "value"; reboot', "b": None}
    rig.phone.put_setting("global", "a", None)
    rig.phone.put_setting("global", "b", "new")
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert rig.phone.setting("global", "b") is None


def test_the_proxy_is_set_and_cleared_and_put_back(any_link: AdbLink, rig: Rig) -> None:
    item = ProxyItem(any_link)
    before = item.read()
    set_proxy(any_link, PROXY)
    assert rig.phone.setting("global", KEY) == "127.0.0.1:18080"
    assert not item.same(before, item.read())
    clear_proxy(any_link)
    assert item.same(before, item.read())
    set_proxy(any_link, PROXY)
    item.put_back(before)
    assert item.same(before, item.read())
    assert rig.phone.setting("global", KEY) is None


def test_a_proxy_that_was_there_comes_back(link: AdbLink, rig: Rig) -> None:
    rig.phone.put_setting("global", KEY, "10.0.0.1:3128")
    rig.phone.put_setting("global", SIBLINGS[0], "10.0.0.1")
    item = ProxyItem(link)
    before = item.read()
    set_proxy(link, PROXY)
    item.put_back(before)
    assert item.same(before, item.read())
    assert rig.phone.setting("global", SIBLINGS[0]) == "10.0.0.1"


def test_a_real_phone_is_told_twice_that_there_is_no_proxy() -> None:
    link = ScriptedLink(answering({"settings": ""}))
    clear_proxy(link)
    assert link.said[:2] == [
        "settings put global http_proxy :0",
        "settings delete global http_proxy",
    ]
    assert link.trips == 1


def test_the_ways_to_say_that_there_is_no_proxy_are_one() -> None:
    item = ProxyItem(ScriptedLink(answering({})))
    none = dict.fromkeys((KEY, *SIBLINGS))
    assert item.same(none, {**none, KEY: ":0", SIBLINGS[0]: "", SIBLINGS[1]: "0"})
    assert not item.same(none, {**none, KEY: "10.0.0.1:1"})


def test_a_shell_that_may_not_change_settings_is_told_of() -> None:
    denial = "Exception occurred while executing 'put':\njava.lang.SecurityException: Permission"
    link = ScriptedLink(answering({"settings": denial}))
    with pytest.raises(CommandRefused, match="does not let its shell"):
        set_proxy(link, PROXY)


@pytest.mark.parametrize("keys", [("global",), ("global", "a;b"), ("nowhere", "a"), ("global", "")])
def test_what_is_no_setting(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no settings"):
        SettingItem(ScriptedLink(answering({})), *keys)


@pytest.mark.parametrize("value", [None, {"b": "1"}, {"a": 1}, [], {"a": "1", "b": "2"}])
def test_a_value_that_is_none(value: Value) -> None:
    link = ScriptedLink(answering({"settings": ""}))
    with pytest.raises(ValueError, match="value"):
        SettingItem(link, "global", "a").put_back(value)
    assert link.trips == 0


def test_the_screen_stays_on_and_may_go_dark_again(link: AdbLink) -> None:
    item = stay_on_item(link)
    before = item.read()
    stay_on(link)
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())


def test_the_clock_is_moved_and_put_back(any_link: AdbLink, rig: Rig) -> None:
    shell = RootShell(any_link)
    any_link.shell("settings put global auto_time 1")
    item = ClockItem(shell)
    before = item.read()
    for offset in (86400.0 * 400, -86400.0 * 400, 5.0):
        set_clock(shell, offset)
        assert abs(rig.phone.now() - time.time() - offset) < 1.0
        assert rig.phone.setting("global", "auto_time") == "0"
        assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert rig.phone.setting("global", "auto_time") == "1"
    assert abs(rig.phone.now() - time.time()) < 1.5


def test_a_clock_that_was_wrong_is_wrong_again(link: AdbLink, rig: Rig) -> None:
    link.shell("settings put global auto_time 0")
    rig.phone.set_clock(time.time() - 1000)
    shell = RootShell(link)
    item = ClockItem(shell)
    before = item.read()
    set_clock(shell, 1_000_000)
    item.put_back(before)
    assert item.same(before, item.read())
    assert abs(rig.phone.now() - time.time() + 1000) < 1.5


@pytest.mark.parametrize(
    ("auto", "offset", "same"),
    [
        ("0", -1000.0, True),
        ("0", -1001.9, True),
        ("0", -1003.0, False),
        ("0", 0.0, False),
        ("1", -1000.0, True),
        ("1", 0.5, True),
        ("1", -500.0, False),
        (None, 0.0, False),
    ],
)
def test_which_clocks_are_the_same(auto: str | None, offset: float, same: bool) -> None:
    item = ClockItem(RootShell(ScriptedLink(answering({}))))
    before: Value = {"auto_time": auto, "offset": -1000.0}
    assert item.same(before, {"auto_time": auto, "offset": offset}) is same
    assert not item.same(before, {"auto_time": "other", "offset": -1000.0})


def test_a_clock_is_left_alone_without_root(link: AdbLink) -> None:
    shell = RootShell(link, UNROOTED)
    item = ClockItem(shell)
    item.put_back(item.read())
    with pytest.raises(CommandRefused, match="needs root"):
        set_clock(shell, 1000)


def test_a_clock_that_sets_itself_is_told_of() -> None:
    link = ScriptedLink(
        lambda command: f"{time.time():.6f}\n" if command.startswith("date +") else ""
    )
    with pytest.raises(CommandRefused, match=r"to be \+1000 seconds ahead, but is [+-]0"):
        set_clock(RootShell(link, Root(RootMode.ADBD)), 1000)


@pytest.mark.parametrize("value", [None, {}, {"auto_time": 1, "offset": 0}, {"offset": True}])
def test_a_clock_value_that_is_none(value: Value) -> None:
    link = ScriptedLink(answering({}))
    with pytest.raises(ValueError, match="value"):
        ClockItem(RootShell(link)).put_back(value)
