from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.devices.findings import Finding, Health
from lab.devices.ios.checks import look
from lab.devices.iphone_models import IosSettings
from lab.devices.kept import free_port
from lab.devices.lease import Holder, Lease
from tests.devices.ios.rig import Rig, iphone
from tests.phone.ios.remote.tunnelled import tunnelled

AGENT = "http://127.0.0.1:8100"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))


def seen(desk: Rig, **more: Any) -> dict[str, Finding]:
    told = {
        "id": "mine",
        "platform": "ios",
        "udid": desk.state.udid,
        "version": "18.5",
        "usbmuxd": desk.usbmux.address,
        "appium": {"lab": True, "agent": AGENT},
        "routes": {"proxy": "by_hand"},
        **more,
    }
    return {each.what: each for each in look(IosSettings.model_validate(told))}


def test_an_iphone_that_is_ready(desk: Rig) -> None:
    found = seen(desk)
    assert [f.what for f in found.values() if f.health is Health.BAD] == []
    assert desk.state.udid in found["usbmuxd"].text
    assert found["system"].text == "iOS 18.5 (22F76)"
    assert found["lease"].text == "nobody uses it"
    assert found["memory"].health is Health.LIMITED
    assert "by somebody else" in found["supervised"].text


def test_what_is_wrong_is_told_with_its_mending(desk: Rig) -> None:
    found = seen(
        desk, version="18.6", app={"bundle_id": "com.example.Missing"}, browser="com.example.None"
    )
    bad = {f.what for f in found.values() if f.health is Health.BAD}
    assert bad == {"system", "app", "control"}
    assert all(f.mend for f in found.values() if f.health is Health.BAD)


def test_a_supervision_that_there_is_not(tmp_path: Path) -> None:
    with iphone(tmp_path, supervised=False) as desk:
        found = seen(desk, supervision={"p12": "${DESK}"})
        assert found["supervised"].health is Health.BAD
        assert seen(desk)["supervised"].health is Health.LIMITED


@pytest.mark.parametrize(
    ("appium", "health", "why"),
    [
        ({"lab": True}, Health.BAD, "WebDriverAgent cannot be launched"),
        ({"direct": True, "agent": AGENT}, Health.LIMITED, "no network monitor"),
        ({"lab": True, "capabilities": {"appium:xcodeOrgId": "X"}}, Health.LIMITED, "no network"),
    ],
)
def test_a_tunnel_that_there_is_not(
    desk: Rig, appium: dict[str, Any], health: Health, why: str
) -> None:
    found = seen(desk, appium={**appium, "registry": free_port()})["tunnel"]
    assert (found.health, why in found.text) == (health, True)


@pytest.mark.parametrize(
    "appium",
    [
        {"hub": "http://hub.example"},
        {"server": "http://appium.example"},
        {"lab": True, "agent": AGENT, "network_monitor": False},
    ],
)
def test_where_nobody_needs_a_tunnel_nothing_is_said(desk: Rig, appium: dict[str, Any]) -> None:
    assert "tunnel" not in seen(desk, appium=appium)


def test_a_tunnel_that_is_there(desk: Rig, tmp_path: Path) -> None:
    with tunnelled(tmp_path, udid=desk.state.udid) as phone:
        found = seen(desk, appium={"lab": True, "registry": phone.way.registry_port})
    assert found["tunnel"].health is Health.GOOD


def test_who_has_it(desk: Rig) -> None:
    with Lease.take(desk.state.udid, Holder.of_this_process("run-7")):
        assert "run-7" in seen(desk)["lease"].text


def test_an_iphone_that_is_not_there(desk: Rig) -> None:
    (only,) = seen(desk, udid="00008120-00112233445566AA").values()
    assert (only.what, only.health) == ("usbmuxd", Health.BAD)
    (only,) = seen(desk, usbmuxd="127.0.0.1:9").values()
    assert "cannot be reached" in only.text
