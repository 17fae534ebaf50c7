from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from appium.webdriver.webdriver import WebDriver
from lxml import etree
from PIL import Image
from selenium.common.exceptions import (
    InvalidArgumentException,
    InvalidElementStateException,
    InvalidSelectorException,
    InvalidSessionIdException,
    NoAlertPresentException,
    NoSuchElementException,
    StaleElementReferenceException,
    UnknownMethodException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains

from lab.phone.ios.screen_nodes import HEIGHT, SCALE, WIDTH
from tests.patience import CAP
from tests.phone.ios.rigs import SAFARI, SETTINGS, TEST_APP, IosRig
from tests.phone.scripted import Gate, ScriptedSdk

BUTTON = "XCUIElementTypeButton"
ORGANIZATION = ("-ios predicate string", "placeholderValue == 'Enter your organization ID'")
KEY = ("class name", "XCUIElementTypeTextView")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A session in which the TestApp is in front, for tests that change nothing."""
    with IosRig(tmp_path_factory.mktemp("phone")) as rig:
        yield rig.app()


@pytest.mark.parametrize(
    ("strategy", "selector"),
    [
        ("accessibility id", "Setup TrustPin"),
        ("id", "Setup TrustPin"),
        ("name", "Setup TrustPin"),
        ("-ios predicate string", "label == 'Setup TrustPin'"),
        ("predicate string", "label == 'Setup TrustPin'"),
        ("-ios class chain", f"**/{BUTTON}[`label BEGINSWITH 'Setup'`]"),
        ("class chain", f"**/{BUTTON}[1]"),
        ("class name", BUTTON),
        ("xpath", f"//{BUTTON}[@name='Setup TrustPin']"),
        ("xpath", f"/XCUIElementTypeApplication//{BUTTON}[contains(@label, 'Setup') and @x='16']"),
    ],
)
def test_finds(shared: WebDriver, strategy: str, selector: str) -> None:
    element = shared.find_element(strategy, selector)
    assert element.get_attribute("label") == "Setup TrustPin"
    assert element.tag_name == BUTTON


def test_finds_many_and_inside(rig: IosRig) -> None:
    driver = rig.app()
    fields = driver.find_elements("-ios predicate string", "placeholderValue != nil")
    kinds = ("TextField", "TextField", "TextView", "TextField", "TextField", "TextField")
    assert [field.tag_name for field in fields] == [f"XCUIElementType{kind}" for kind in kinds]
    assert driver.find_elements("accessibility id", "nothing") == []
    page = driver.find_element("class name", "XCUIElementTypeScrollView")
    assert len(page.find_elements("class name", BUTTON)) == 4
    inside = page.find_element("xpath", f".//{BUTTON}[@name='Clear Log']")
    assert inside == driver.find_element("accessibility id", "Clear Log")
    with pytest.raises(NoSuchElementException):
        page.find_element("class name", "XCUIElementTypeNavigationBar")


@pytest.mark.parametrize(
    ("strategy", "selector", "error"),
    [
        ("-ios predicate string", "label ==", InvalidSelectorException),
        ("-ios predicate string", "colour == 'red'", InvalidArgumentException),
        ("-ios predicate string", "label MATCHES '('", InvalidSelectorException),
        ("-ios class chain", "**/", InvalidSelectorException),
        ("xpath", "//[", InvalidSelectorException),
        ("xpath", "//*/@name", InvalidSelectorException),
        ("xpath", "count(//*)", InvalidSelectorException),
        ("-android uiautomator", "x", InvalidArgumentException),
        ("accessibility id", "nothing", NoSuchElementException),
    ],
)
def test_says_why_nothing_is_found(
    shared: WebDriver, strategy: str, selector: str, error: type[WebDriverException]
) -> None:
    with pytest.raises(error):
        shared.find_element(strategy, selector)


def test_attributes_are_as_webdriveragent_names_them(rig: IosRig) -> None:
    driver = rig.app()
    button = driver.find_element("accessibility id", "Test Connection")
    names = ("type", "name", "label", "value", "enabled", "visible", "accessible", "selected")
    assert {name: button.get_attribute(name) for name in names} == {
        "type": BUTTON,
        "name": "Test Connection",
        "label": "Test Connection",
        "value": None,
        "enabled": "false",
        "visible": "true",
        "accessible": "true",
        "selected": "false",
    }
    rect = {name: button.get_attribute(name) for name in ("x", "y", "width", "height")}
    assert rect == {name: str(value) for name, value in button.rect.items()}
    assert button.get_attribute("isEnabled") == button.get_attribute("wdEnabled") == "false"
    assert not button.is_enabled()
    assert button.is_displayed()
    assert not button.is_selected()
    with pytest.raises(InvalidArgumentException, match="no attribute 'colour'; there are"):
        button.get_attribute("colour")
    toggle = driver.find_element("class name", "XCUIElementTypeSwitch")
    assert toggle.get_attribute("value") == "0"
    toggle.click()
    assert toggle.get_attribute("value") == toggle.text == "1"
    assert driver.find_element("accessibility id", "Permissive Mode").text == "Permissive Mode"


def test_types(rig: IosRig) -> None:
    driver = rig.app()
    field = driver.find_element(*ORGANIZATION)
    assert field.text == "Enter your organization ID"
    assert not driver.is_keyboard_shown()
    field.send_keys("acme")
    field.send_keys("-org\b\b")
    assert field.text == "acme-o"
    assert driver.is_keyboard_shown()
    assert driver.switch_to.active_element == field
    log = driver.find_element("accessibility id", "Log Output")
    assert not log.is_displayed()
    driver.hide_keyboard()
    assert not driver.is_keyboard_shown()
    assert log.is_displayed()
    field.clear()
    assert field.text == "Enter your organization ID"
    field.send_keys("a\n")
    assert not driver.is_keyboard_shown()
    key = driver.find_element(*KEY)
    key.send_keys("one\ntwo")
    assert key.text == "one\ntwo"
    driver.execute_script("mobile: keys", {"keys": list("!\b?")})
    assert key.text == "one\ntwo?"


def test_does_not_type_into_what_takes_no_text(rig: IosRig) -> None:
    driver = rig.app()
    with pytest.raises(InvalidElementStateException, match="it is no text field"):
        driver.find_element("accessibility id", "Setup TrustPin").send_keys("x")
    status, answer = rig.send("POST", f"/session/{driver.session_id}/wda/keys", {"value": ["x"]})
    assert (status, answer["value"]["error"]) == (400, "invalid element state")
    status, answer = rig.send("POST", f"/session/{driver.session_id}/wda/keyboard/dismiss", {})
    assert (status, answer["value"]["error"]) == (400, "invalid element state")


def test_taps(rig: IosRig) -> None:
    driver = rig.app()
    field = driver.find_element(*ORGANIZATION)
    x, y = field.rect["x"] + 5, field.rect["y"] + 5
    for tap in (
        lambda: driver.execute_script("mobile: tap", {"x": x, "y": y}),
        lambda: driver.tap([(x, y)]),
        lambda: ActionChains(driver).click(field).perform(),
        lambda: driver.execute_script("mobile: tap", {"x": 5, "y": 5, "elementId": field.id}),
    ):
        tap()
        assert driver.is_keyboard_shown()
        driver.hide_keyboard()
    with pytest.raises(InvalidArgumentException, match="off the screen"):
        driver.execute_script("mobile: tap", {"x": WIDTH // SCALE, "y": 1})
    # What is under the keyboard is not touched.
    field.click()
    button = driver.find_element("accessibility id", "Clear Log")
    ActionChains(driver).click(button).perform()
    assert len(driver.find_elements("-ios predicate string", "label ENDSWITH 'Log cleared'")) == 0


def test_source(rig: IosRig) -> None:
    driver = rig.app()
    root = etree.fromstring(driver.page_source.encode())
    assert root.tag == "XCUIElementTypeApplication"
    assert root.get("bundleId") == TEST_APP
    label = root.find(f".//{BUTTON}").attrib  # type: ignore[union-attr]
    assert list(label) == [
        *("type", "name", "label", "enabled", "visible", "accessible"),
        *("x", "y", "width", "height", "index"),
    ]
    session = f"/session/{driver.session_id}"
    _, scoped = rig.send("GET", f"{session}/source?format=xml&scope=AppiumAUT")
    assert etree.fromstring(scoped["value"].encode()).tag == "AppiumAUT"
    _, short = rig.send("GET", f"{session}/source?excluded_attributes=visible,accessible")
    assert "visible" not in short["value"]
    assert "enabled" in short["value"]
    _, tree = rig.send("GET", f"{session}/source?format=json")
    assert tree["value"]["type"] == "Application"
    window = tree["value"]["children"][0]
    assert window["rect"] == {"x": 0, "y": 0, "width": 393, "height": 852}
    assert window["frame"] == "{{0, 0}, {393, 852}}"
    assert (window["isEnabled"], window["label"]) == ("1", None)
    _, said = rig.send("GET", f"{session}/source?format=description")
    assert "Setup TrustPin" in said["value"]
    status, refused = rig.send("GET", f"{session}/source?format=html")
    assert (status, refused["value"]["error"]) == (400, "invalid argument")


def test_the_source_is_told_once_the_app_is_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    with IosRig(tmp_path, ScriptedSdk(setup=gate)) as rig:
        driver = rig.app()
        for field in driver.find_elements("-ios predicate string", "placeholderValue != nil")[:3]:
            field.send_keys("x")
        driver.find_element("accessibility id", "Setup TrustPin").click()
        assert gate.entered.wait(CAP)
        asked, sources = threading.Event(), []
        wait_idle = rig.screen.wait_idle

        def wait(cap: float) -> bool:
            asked.set()
            return wait_idle(cap)

        monkeypatch.setattr(rig.screen, "wait_idle", wait)
        reader = threading.Thread(target=lambda: sources.append(driver.page_source))
        reader.start()
        assert asked.wait(CAP)
        assert sources == []
        gate.opened.set()
        reader.join(CAP)
        assert "configuration successful" in sources[0]
        driver.update_settings({"waitForIdleTimeout": 0})
        assert driver.get_settings()["waitForIdleTimeout"] == 0


def test_pictures(rig: IosRig) -> None:
    driver = rig.app()
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
        assert picture.size == (WIDTH, HEIGHT)
    button = driver.find_element("accessibility id", "Setup TrustPin")
    with Image.open(io.BytesIO(button.screenshot_as_png)) as cut:
        assert cut.size == (button.rect["width"] * SCALE, button.rect["height"] * SCALE)


def test_apps(rig: IosRig) -> None:
    driver = rig.driver()
    states = [driver.query_app_state(name) for name in (TEST_APP, SAFARI, "com.acme")]
    assert states == [1, 1, 0]
    driver.activate_app(TEST_APP)
    driver.activate_app(SAFARI)
    assert [driver.query_app_state(name) for name in (TEST_APP, SAFARI)] == [3, 4]
    assert driver.execute_script("mobile: activeAppInfo")["bundleId"] == SAFARI
    assert driver.execute_script("mobile: terminateApp", {"bundleId": SAFARI}) is True
    assert driver.execute_script("mobile: terminateApp", {"bundleId": SAFARI}) is False
    assert driver.is_app_installed(SAFARI)
    assert not driver.is_app_installed("com.acme")
    with pytest.raises(InvalidArgumentException, match="is it installed"):
        driver.activate_app("com.acme")
    driver.activate_app(TEST_APP)
    driver.background_app(-1)
    assert driver.query_app_state(TEST_APP) == 3
    assert driver.execute_script("mobile: activeAppInfo")["bundleId"] == "com.apple.springboard"
    driver.activate_app(TEST_APP)
    driver.background_app(0)
    assert driver.query_app_state(TEST_APP) == 4
    driver.execute_script("mobile: pressButton", {"name": "home"})
    assert driver.query_app_state(TEST_APP) == 3


def test_a_session_begins_with_its_app(rig: IosRig) -> None:
    driver = rig.driver(bundleId=TEST_APP)
    assert driver.query_app_state(TEST_APP) == 4
    element = driver.find_element("accessibility id", "Setup TrustPin")
    again = rig.driver(bundleId=TEST_APP, forceAppLaunch=False)
    with pytest.raises(InvalidSessionIdException):
        element.click()
    again.find_element("accessibility id", "Setup TrustPin").click()
    with pytest.raises(WebDriverException, match="is it installed"):
        rig.driver(bundleId="com.acme")
    with pytest.raises(WebDriverException, match="udid is"):
        rig.driver(udid="another")


def test_an_element_is_stale_once_its_app_has_ended(rig: IosRig) -> None:
    driver = rig.app()
    element = driver.find_element("accessibility id", "Setup TrustPin")
    driver.activate_app(SETTINGS)
    with pytest.raises(StaleElementReferenceException):
        element.click()
    driver.activate_app(TEST_APP)
    assert element.text == "Setup TrustPin"
    driver.terminate_app(TEST_APP)
    driver.activate_app(TEST_APP)
    with pytest.raises(StaleElementReferenceException):
        _ = element.text


def test_alerts(rig: IosRig) -> None:
    driver = rig.app(SAFARI)
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert.text
    with pytest.raises(NoAlertPresentException):
        driver.switch_to.alert.accept()
    safari = rig.screen.foreground
    safari._ask("Sure?", "Really.", ("visit_sure", "Yes"))  # type: ignore[union-attr]
    assert driver.switch_to.alert.text == "Sure?\nReally."
    assert driver.execute_script("mobile: alert", {"action": "getButtons"}) == ["Cancel", "Yes"]
    with pytest.raises(InvalidElementStateException, match="no button 'No'"):
        driver.execute_script("mobile: alert", {"action": "accept", "buttonLabel": "No"})
    driver.switch_to.alert.dismiss()
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert.text
    # There is no profile to be taken: that yes was said shows in what comes next.
    safari._ask("Sure?", "", ("allow", "Yes"))  # type: ignore[union-attr]
    driver.switch_to.alert.accept()
    assert driver.switch_to.alert.text.startswith("Download Failed\n")
    driver.execute_script("mobile: alert", {"action": "dismiss", "buttonLabel": "Close"})
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert.text


def test_nothing_but_the_alert_can_be_tapped(rig: IosRig) -> None:
    driver = rig.app(SAFARI)
    safari = rig.screen.foreground
    safari._ask("Sure?", "", None)  # type: ignore[union-attr]
    driver.find_element("accessibility id", "URL").click()
    assert not driver.is_keyboard_shown()
    driver.find_element("accessibility id", "Cancel").click()
    driver.find_element("accessibility id", "URL").click()
    assert driver.is_keyboard_shown()


def test_the_phone_is_described(rig: IosRig) -> None:
    driver = rig.app()
    assert driver.get_window_size() == {"width": 393, "height": 852}
    assert driver.orientation == "PORTRAIT"
    with pytest.raises(WebDriverException, match="does not turn"):
        driver.orientation = "LANDSCAPE"
    screen = driver.execute_script("mobile: deviceScreenInfo")
    assert screen["scale"] == SCALE
    assert driver.device_time.startswith("2026-07-01T12:00")
    assert not driver.is_locked()
    assert driver.contexts == ["NATIVE_APP"]
    _, status = rig.send("GET", "/status")
    assert status["value"]["ready"] is True
    assert status["sessionId"] == driver.session_id
    _, info = rig.send("GET", "/wda/device/info")
    assert info["value"]["uuid"] == rig.phone.identity.udid
    session = f"/session/{driver.session_id}/wda"
    rig.send("POST", f"{session}/setPasteboard", {"content": "YQ=="})
    assert rig.send("POST", f"{session}/getPasteboard", {})[1]["value"] == "YQ=="
    with pytest.raises(UnknownMethodException, match="'mobile:' has"):
        driver.execute_script("mobile: shell", {})


def test_lists_scroll(rig: IosRig) -> None:
    for number in range(20):
        (rig.air / f"{number}.json").write_text(
            f'{{"ssid": "Net {number:02}", "resolver": "127.0.0.1:1", "gateway": "127.0.0.1:2"}}'
        )
    driver = rig.app(SETTINGS)
    driver.find_element("accessibility id", "Wi-Fi").click()
    last = driver.find_element("accessibility id", "Net 19")
    assert not last.is_displayed()
    driver.execute_script("mobile: swipe", {"direction": "up"})
    driver.execute_script("mobile: scroll", {"direction": "down"})
    assert last.is_displayed()
    driver.execute_script("mobile: swipe", {"direction": "down"})
    driver.execute_script("mobile: swipe", {"direction": "down"})
    assert not last.is_displayed()


def test_a_connection_that_came_another_way_is_served(rig: IosRig) -> None:
    near, far = socket.socketpair()
    with near:
        assert rig.endpoint.serve(far)
        near.settimeout(CAP)
        near.sendall(b"GET /status HTTP/1.1\r\nHost: phone\r\n\r\n")
        assert near.recv(65536).startswith(b"HTTP/1.1 200")
        rig.endpoint.close()
        assert near.recv(10) == b""
