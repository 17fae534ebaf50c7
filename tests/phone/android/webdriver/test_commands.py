from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image
from selenium.common.exceptions import (
    InvalidArgumentException,
    InvalidSelectorException,
    InvalidSessionIdException,
    NoSuchElementException,
    UnknownMethodException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from lab.phone.node import LAUNCHER
from tests.patience import CAP
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig, button, field, log_of, set_up
from tests.phone.scripted import Gate, ScriptedSdk


def test_the_app_is_set_up_and_tested(rig: Rig) -> None:
    driver = rig.app()
    set_up(driver)
    driver.find_element(*button("Test Connection")).click()
    assert "Connection test successful!" in driver.page_source
    assert rig.sdk.settings[0].organization_id == "acme"
    assert log_of(driver)[-1] == '   Response: {"status":"ok"}'


def test_status_and_sessions(rig: Rig) -> None:
    assert rig.send("GET", "/status")[1]["ready"] is True
    assert rig.send("GET", "/sessions") == (200, [])
    driver = rig.driver()
    assert rig.send("GET", "/sessions") == (200, [{"id": driver.session_id}])
    assert driver.get_status()["ready"] is True
    driver.quit()
    assert rig.send("GET", "/sessions") == (200, [])


def test_a_new_session_ends_the_one_before(rig: Rig) -> None:
    first = rig.driver()
    second = rig.driver()
    with pytest.raises(InvalidSessionIdException):
        _ = first.page_source
    # Its farewell must not end the other.
    with pytest.raises(InvalidSessionIdException):
        first.quit()
    assert second.page_source


def test_the_source_waits_until_the_app_is_done(tmp_path: Path) -> None:
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(get=gate)) as rig:
        driver = rig.app()
        set_up(driver)
        driver.find_element(*button("Test Connection")).click()
        driver.update_settings({"waitForIdleTimeout": 100})
        assert driver.get_settings()["waitForIdleTimeout"] == 100
        began = time.monotonic()
        assert "Testing connection..." in driver.page_source
        assert time.monotonic() - began >= 0.1
        driver.update_settings({"waitForIdleTimeout": int(CAP * 1000)})
        gate.opened.set()
        assert "Testing connection..." not in driver.page_source


def test_the_source_is_what_xpath_is_about(rig: Rig) -> None:
    driver = rig.app()
    root = etree.fromstring(driver.page_source.encode())
    for path in ("//android.widget.EditText", '//*[@clickable="true"]', "//*"):
        found: Any = root.xpath(path)
        here = [e.get("bounds") for e in found if e.tag != "hierarchy"]
        there = [e.get_attribute("bounds") for e in driver.find_elements("xpath", path)]
        assert there == here != []


def test_attributes_and_state(rig: Rig) -> None:
    driver = rig.app()
    switch = driver.find_element("class name", "android.widget.Switch")
    assert switch.text == "Permissive Mode"
    assert switch.tag_name == switch.get_attribute("content-desc") == ""
    assert (switch.get_attribute("checkable"), switch.get_attribute("checked")) == ("true", "false")
    assert (switch.is_enabled(), switch.is_displayed(), switch.is_selected()) == (True, True, False)
    switch.click()
    assert switch.get_attribute("checked") == "true"
    assert not switch.is_selected()
    assert switch.get_attribute("class") == switch.get_attribute("className")
    assert switch.get_attribute("contentDescription") == ""
    rect = switch.rect
    left, top = rect["x"], rect["y"]
    right, bottom = left + rect["width"], top + rect["height"]
    assert switch.get_attribute("bounds") == f"[{left},{top}][{right},{bottom}]"
    assert switch.location == {"x": left, "y": top}
    assert switch.size == {"width": rect["width"], "height": rect["height"]}
    with pytest.raises(InvalidArgumentException, match="no attribute 'colour'"):
        switch.get_attribute("colour")


def test_what_is_disabled_does_nothing(tmp_path: Path) -> None:
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(get=gate)) as rig:
        driver = rig.app()
        set_up(driver)
        test = driver.find_element(*button("Test Connection"))
        test.click()
        assert not test.is_enabled()
        test.click()
        gate.opened.set()
        assert driver.page_source
        assert len(rig.sdk.urls) == 1


def test_the_focus(rig: Rig) -> None:
    driver = rig.app()
    with pytest.raises(NoSuchElementException):
        _ = driver.switch_to.active_element
    element = driver.find_element(*field("Project ID"))
    element.click()
    assert driver.switch_to.active_element == element
    assert element.get_attribute("focused") == "true"


def test_fingers(rig: Rig) -> None:
    driver = rig.app()
    switch = driver.find_element("class name", "android.widget.Switch")
    ActionChains(driver).move_to_element(switch).click().perform()
    assert switch.get_attribute("checked") == "true"
    rect = switch.rect
    driver.tap([(rect["x"] + 5, rect["y"] + 5)])
    assert switch.get_attribute("checked") == "false"
    driver.swipe(500, 2000, 500, 500, 100)
    driver.tap([(1, 1)])
    assert switch.get_attribute("checked") == "false"


def test_the_screen(rig: Rig) -> None:
    driver = rig.app()
    assert driver.get_window_size() == {"width": 1080, "height": 2400}
    assert driver.orientation == "PORTRAIT"
    driver.orientation = "PORTRAIT"
    with pytest.raises(UnknownMethodException, match="does not turn"):
        driver.orientation = "LANDSCAPE"
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    assert picture.size == (1080, 2400)
    assert driver.current_context == "NATIVE_APP"
    assert driver.contexts == ["NATIVE_APP"]
    driver.switch_to.context("NATIVE_APP")
    with pytest.raises(WebDriverException):
        driver.switch_to.context("WEBVIEW_1")


def test_back_leaves_the_app(rig: Rig) -> None:
    driver = rig.app()
    driver.back()
    assert driver.current_package == LAUNCHER
    assert rig.screen.running(SAMPLE)


def test_the_log(rig: Rig) -> None:
    driver = rig.app()
    assert driver.log_types == ["logcat"]
    entries = driver.get_log("logcat")
    assert any("TrustPin Android Sample started" in entry["message"] for entry in entries)
    assert all(entry["timestamp"] > 1_700_000_000_000 for entry in entries)
    with pytest.raises(InvalidArgumentException):
        driver.get_log("browser")


def test_timeouts(rig: Rig) -> None:
    driver = rig.driver()
    driver.implicitly_wait(1.5)
    driver.set_page_load_timeout(300)
    assert rig.send("GET", f"/session/{driver.session_id}/timeouts")[1]["implicit"] == 1500
    for wrong in (-1, "1", 10**9, None, True):
        status, value = rig.send(
            "POST", f"/session/{driver.session_id}/timeouts", {"implicit": wrong}
        )
        assert (status, value["error"]) == (400, "invalid argument")


@pytest.mark.parametrize(
    ("strategy", "value"), [("xpath", "//["), ("-android uiautomator", "rubbish")]
)
def test_a_selector_that_is_none(rig: Rig, strategy: str, value: str) -> None:
    with pytest.raises(InvalidSelectorException):
        rig.app().find_element(strategy, value)


def test_a_strategy_that_is_none(rig: Rig) -> None:
    with pytest.raises(InvalidArgumentException, match="unknown strategy"):
        rig.app().find_element(By.LINK_TEXT, "Go")


HOSTILE: list[tuple[str, str, object, int, str]] = [
    ("GET", "/nothing", None, 404, "unknown command"),
    ("GET", "/session/$/nothing", None, 404, "unknown command"),
    ("PUT", "/session/$/element", None, 405, "unknown method"),
    ("POST", "/session/$/element", b"{", 400, "invalid argument"),
    ("POST", "/session/$/element", b"[" * 200_000, 400, "invalid argument"),
    ("POST", "/session/$/element", b"\x00" * 10_000_000, 400, "invalid argument"),
    ("POST", "/session/$/element", [], 400, "invalid argument"),
    ("POST", "/session/$/element", {}, 400, "invalid argument"),
    ("POST", "/session/$/element", {"using": 1, "value": 2}, 400, "invalid argument"),
    ("POST", "/session/$/element", {"using": "xpath", "value": None}, 400, "invalid argument"),
    ("POST", "/session/$/element/%00/click", {}, 404, "no such element"),
    ("POST", "/session/$/element/%ED%A0%80/click", {}, 404, "no such element"),
    ("GET", "/session/other/source", None, 404, "invalid session id"),
    ("POST", "/session/$/execute/sync", {"script": "return 1", "args": []}, 405, "unknown method"),
    ("POST", "/session/$/execute/sync", {"script": "mobile: shell"}, 400, "invalid argument"),
    (
        "POST",
        "/session/$/execute/sync",
        {"script": "mobile: x", "args": [1]},
        400,
        "invalid argument",
    ),
    ("POST", "/session/$/actions", {"actions": [{}]}, 400, "invalid argument"),
    (
        "POST",
        "/session/$/appium/settings",
        {"settings": {"waitForIdleTimeout": "x"}},
        400,
        "invalid argument",
    ),
    ("POST", "/session", {}, 400, "invalid argument"),
    ("POST", "/session", {"capabilities": {"firstMatch": []}}, 400, "invalid argument"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "error"), HOSTILE)
def test_what_cannot_be_carried_out_is_refused_and_nothing_else_happens(
    rig: Rig, method: str, path: str, body: Any, status: int, error: str
) -> None:
    driver = rig.app()
    found, value = rig.send(method, path.replace("$", driver.session_id or ""), body)
    assert (found, value["error"]) == (status, error)
    assert set(value) == {"error", "message", "stacktrace"}
    assert driver.find_element(*button("Test Connection")).text == "Test Connection"


def test_a_defect_ends_one_command_and_is_logged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = rig.app()

    def broken() -> bytes:
        raise RuntimeError("no ink")

    monkeypatch.setattr(rig.screen, "picture", broken)
    with pytest.raises(WebDriverException, match="RuntimeError: no ink"):
        driver.get_screenshot_as_png()
    assert "RuntimeError: no ink" in rig.phone.logcat.lines(["WebDriver"])[0].message
    assert driver.page_source


def test_capabilities(rig: Rig) -> None:
    driver = rig.driver(udid="phone-1")
    assert driver.capabilities["udid"] == "phone-1"
    assert driver.capabilities["platformName"] == "Android"
    assert rig.send("GET", f"/session/{driver.session_id}")[1] == driver.capabilities
    assert driver.current_package == LAUNCHER
    assert BROWSER not in driver.page_source
