from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.devices.ios.sessions import Target, direct, on_hub, on_own_server, on_server
from lab.model.device import DeviceLost

UDID = "00008120-001A2B3C4D5E6F70"


def options(**how: object) -> dict[str, object]:
    target = Target(UDID, "18.5", **how)  # type: ignore[arg-type]
    wanted: dict[str, object] = target.options().to_capabilities()
    return wanted


def test_the_drivers_own_pitfalls_are_avoided() -> None:
    wanted = options(agent="http://127.0.0.1:8100")
    assert wanted["appium:udid"] == UDID
    # Without the version, or with an older one, the driver listens on all interfaces.
    assert wanted["appium:platformVersion"] == "18.5"
    assert wanted["appium:webDriverAgentUrl"] == "http://127.0.0.1:8100"
    assert wanted["appium:noReset"] is True
    assert "appium:usePreinstalledWDA" not in wanted
    assert "appium:bundleId" not in wanted


def test_without_an_agent_the_installed_one_is_started_unless_xcode_builds_it() -> None:
    assert options()["appium:usePreinstalledWDA"] is True
    with_xcode = options(capabilities={"appium:xcodeOrgId": "ABCDE12345"})
    assert with_xcode["appium:xcodeOrgId"] == "ABCDE12345"
    assert "appium:usePreinstalledWDA" not in with_xcode


@pytest.mark.parametrize("way", [on_server, on_hub])
def test_nobody_is_there(way: object) -> None:
    assert callable(way)
    driving = way(Target(UDID, "18.5"), "http://user:secret@127.0.0.1:9", 2.0)
    assert "secret" not in driving.description
    with pytest.raises(DeviceLost) as lost:
        driving.begin()
    assert "secret" not in str(lost.value)


def test_an_agent_that_is_gone_says_how() -> None:
    driving = direct(Target(UDID, "18.5", "http://127.0.0.1:9"), lambda: "it was killed", 2.0)
    with pytest.raises(DeviceLost, match="it was killed"):
        driving.begin()


def test_without_node_there_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with ExitStack() as stack, pytest.raises(DeviceLost, match=r"Node\.js"):
        on_own_server(Target(UDID, "18.5"), "127.0.0.1:1", tmp_path, stack)
