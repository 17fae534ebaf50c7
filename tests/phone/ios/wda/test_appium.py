"""WebDriverAgent as the real Appium and its XCUITest driver see it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from appium.webdriver.webdriver import WebDriver
from lxml import etree
from PIL import Image
from selenium.common.exceptions import NoAlertPresentException, NoSuchElementException

from lab.apps.ios import attended
from lab.apps.safari import Safari
from lab.apps.settings_ios import IosSettingsApp
from lab.apps.trustpin_ios import TrustPinIosApp
from lab.devices.appium_server import AppiumUnavailable, DriverName, find_installation
from lab.devices.ios.sessions import Target, on_own_server
from lab.model.device import AppSetup, DeviceLost
from lab.model.outcome import Answer, ErrorKind
from lab.model.pins import PinConfiguration
from lab.phone.ios.screen_nodes import HEIGHT, WIDTH
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.services import HttpResponse
from tests.phone.ios.rigs import SAFARI, SETTINGS, TEST_APP, IosRig
from tests.phone.scripted import OK, ScriptedSdk

pytestmark = pytest.mark.whole

PROJECT = Path(__file__).parents[4]
URL, BAD = "https://api.acme.test/", "https://bad.acme.test/"
SETUP = AppSetup(PinConfiguration(()), organization_id="acme", project_id="shop", public_key="MFkw")
NOBODY = "127.0.0.1:1"
"""No usbmuxd: without a bundle id the driver asks none (virtual-iphone.md, section 3)."""


def answer(url: str) -> HttpResponse:
    if url == BAD:
        raise PinsMismatch("the leaf matches no pin")
    return OK


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IosRig]:
    with IosRig(tmp_path_factory.mktemp("phone"), ScriptedSdk(get=answer)) as made:
        yield made


@pytest.fixture(scope="module")
def driver(rig: IosRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    try:
        find_installation(PROJECT, driver=DriverName.XCUITEST)
    except AppiumUnavailable as error:
        pytest.skip(str(error))
    target = Target(rig.phone.identity.udid, "18.5", f"http://127.0.0.1:{rig.endpoint.port}")
    with ExitStack() as stack:
        driving = on_own_server(target, NOBODY, tmp_path_factory.mktemp("appium"), stack)
        driving.begin()
        stack.callback(driving.end, lost=False)
        yield driving.driver


def test_elements_are_found_and_worked(driver: WebDriver) -> None:
    driver.activate_app(TEST_APP)
    button = driver.find_element("accessibility id", "Setup TrustPin")
    for strategy, selector in (
        ("-ios predicate string", "label == 'Setup TrustPin'"),
        ("-ios class chain", "**/XCUIElementTypeButton[`label BEGINSWITH 'Setup'`]"),
        ("xpath", "//XCUIElementTypeButton[contains(@label, 'Setup')]"),
        ("class name", "XCUIElementTypeButton"),
        ("id", "Setup TrustPin"),
        ("name", "Setup TrustPin"),
    ):
        assert driver.find_element(strategy, selector) == button
    assert len(driver.find_elements("class name", "XCUIElementTypeTextField")) == 5
    with pytest.raises(NoSuchElementException):
        driver.find_element("accessibility id", "nothing")
    assert button.text == "Setup TrustPin"
    assert button.get_attribute("type") == button.tag_name == "XCUIElementTypeButton"
    assert button.get_attribute("visible") == "true"
    assert button.get_attribute("selected") == "false"
    assert button.rect == {"x": 16, "y": 455, "width": 361, "height": 32}
    assert button.is_enabled()
    field = driver.find_elements("class name", "XCUIElementTypeTextField")[0]
    field.send_keys("acme")
    assert field.text == field.get_attribute("value") == "acme"
    assert driver.is_keyboard_shown()
    driver.hide_keyboard()
    field.clear()
    assert field.text == "Enter your organization ID"
    root = etree.fromstring(driver.page_source.encode())
    assert root.tag == "AppiumAUT"
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
        assert picture.size == (WIDTH, HEIGHT)


def test_apps_alerts_and_gestures(driver: WebDriver) -> None:
    driver.activate_app(TEST_APP)
    driver.activate_app(SETTINGS)
    assert [driver.query_app_state(name) for name in (TEST_APP, SETTINGS)] == [3, 4]
    assert driver.terminate_app(TEST_APP)
    assert driver.query_app_state(TEST_APP) == 1
    driver.execute_script("mobile: swipe", {"direction": "up"})
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert.text
    general = driver.find_element("accessibility id", "General").rect
    driver.execute_script("mobile: tap", {"x": general["x"] + 9, "y": general["y"] + 9})
    assert driver.find_element("accessibility id", "About").is_displayed()
    driver.background_app(-1)
    assert driver.query_app_state(SETTINGS) == 3
    assert driver.execute_script("mobile: activeAppInfo")["bundleId"] == "com.apple.springboard"
    assert driver.get_window_size() == {"width": 393, "height": 852}


def test_page_objects(driver: WebDriver, rig: IosRig) -> None:
    app = TrustPinIosApp(driver)
    app.start(fresh=False)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
    assert rig.sdk.settings[-1].organization_id == "acme"
    assert app.request(URL).answer is Answer.ACCEPTED
    refused = app.request(BAD)
    assert (refused.answer, *refused.kinds) == (Answer.REFUSED, ErrorKind.PIN)
    assert app.request(URL).answer is Answer.ACCEPTED
    assert rig.sdk.urls[-3:] == [URL, BAD, URL]
    outcome = Safari(driver).open("https://nowhere.invalid/", careless=True)
    assert (outcome.answer, *outcome.kinds) == (Answer.REFUSED, ErrorKind.NETWORK)
    assert rig.screen.foreground is not None
    assert rig.screen.foreground.package == SAFARI
    assert IosSettingsApp(driver).profiles() == []


def test_an_agent_that_died_is_told_from_an_element_that_is_not_there(
    driver: WebDriver, rig: IosRig
) -> None:
    app = TrustPinIosApp(driver)
    app.start(fresh=False)
    rig.endpoint.close()
    with pytest.raises(NoSuchElementException):
        driver.find_element("accessibility id", "Setup TrustPin")
    with pytest.raises(DeviceLost, match="does not answer"), attended(driver):
        driver.find_element("accessibility id", "Setup TrustPin")
    for act in (
        lambda: app.request(URL),
        lambda: app.set_up(SETUP),
        lambda: Safari(driver).open(URL, careless=False),
        lambda: IosSettingsApp(driver).profiles(),
    ):
        with pytest.raises(DeviceLost, match="WebDriverAgent does not answer"):
            act()
