"""The phone as real tools see it: Appium with its UiAutomator2 driver, over adb.

What is asked for here is what page objects ask for; the dialects' corners have tests of their own.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from appium.webdriver.webdriver import WebDriver
from lxml import etree
from PIL import Image
from selenium.common.exceptions import (
    InvalidSelectorException,
    InvalidSessionIdException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)

from lab.apps.browser_android import AndroidBrowser
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.devices.appium import Begun, android_options, begin
from lab.devices.grid import granted
from lab.model.device import AppSetup, DeviceLost
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.pins import PinConfiguration
from lab.phone.android.automation import SERVER
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.services import HttpResponse
from tests.devices.appium_rig import Farm, Phone
from tests.patience import eventually
from tests.phone.android.webdriver.rigs import SAMPLE
from tests.phone.scripted import OK, ScriptedSdk

pytestmark = pytest.mark.whole

URL = "https://api.acme.test/"
BAD = "https://bad.acme.test/"
SETUP = AppSetup(PinConfiguration(()), organization_id="acme", project_id="shop", public_key="MFkw")


def answer(url: str) -> HttpResponse:
    if url == BAD:
        raise PinsMismatch("the leaf matches no pin")
    return OK


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with Farm(tmp_path_factory.mktemp("farm")) as started:
        yield started


@pytest.fixture(scope="module")
def phone(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    with Phone(farm, tmp_path_factory.mktemp("phone"), ScriptedSdk(get=answer)) as started:
        yield started


@pytest.fixture(scope="module")
def shared(phone: Phone) -> WebDriver:
    return phone.begin().driver


@pytest.fixture
def driver(shared: WebDriver) -> WebDriver:
    """A session in which the app has just been started."""
    shared.terminate_app(SAMPLE)
    shared.activate_app(SAMPLE)
    return shared


@pytest.fixture
def own(farm: Farm, tmp_path: Path) -> Iterator[Phone]:
    """A phone of the test's own."""
    with Phone(farm, tmp_path) as started:
        yield started


def runs(phone: Phone) -> bool:
    """Tell whether the automation server has a process on the phone."""
    return phone.rig.system.automation.running


# -- page objects -------------------------------------------------------------------------


def test_the_app_is_set_up_and_asked(driver: WebDriver, phone: Phone) -> None:
    app = TrustPinAndroidApp(driver)
    app.start(fresh=True)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
    assert phone.rig.sdk.settings[-1].organization_id == "acme"
    assert app.request(URL).answer is Answer.ACCEPTED
    refused = app.request(BAD)
    assert refused.answer is Answer.REFUSED
    assert refused.kinds == {ErrorKind.PIN}
    assert app.request(URL).answer is Answer.ACCEPTED
    assert phone.rig.sdk.urls[-3:] == [URL, BAD, URL]


def test_the_app_keeps_or_forgets_what_it_stored(driver: WebDriver, phone: Phone) -> None:
    app = TrustPinAndroidApp(driver)
    stored = f"/data/data/{SAMPLE}/stored"
    phone.rig.phone.files.write(stored, b"x")
    app.start(fresh=False)
    assert phone.rig.phone.files.read(stored) == b"x"
    app.start(fresh=True)
    assert not phone.rig.phone.files.host_path(stored).exists()


def test_page_objects_need_no_more_commands_than_without_appium(own: Phone) -> None:
    def commands(begun: Begun) -> list[int]:
        app = TrustPinAndroidApp(begun.driver)
        acts: list[Callable[[], object]] = [
            lambda: app.start(fresh=True),
            lambda: app.set_up(SETUP),
            lambda: app.request(URL),
            lambda: app.request(URL),
        ]
        counts = []
        for act in acts:
            before = begun.connection.commands
            act()
            counts.append(begun.connection.commands - before)
        return counts

    direct = begin(f"http://127.0.0.1:{own.rig.endpoint.port}", android_options(own.rig.phone.name))
    assert commands(own.begin()) == commands(direct)
    direct.connection.close()  # type: ignore[no-untyped-call]


def test_the_browser(driver: WebDriver) -> None:
    browser = AndroidBrowser(driver)
    for careless in (False, True):
        outcome = browser.open("https://nowhere.invalid/?a=1&b=2#c", careless=careless)
        assert isinstance(outcome, AppOutcome)
        assert outcome.answer is Answer.REFUSED
    TrustPinAndroidApp(driver).come_back()
    assert driver.find_elements("class name", "android.widget.EditText")


# -- commands -----------------------------------------------------------------------------


def test_who_is_driven(shared: WebDriver, phone: Phone) -> None:
    told = shared.capabilities
    assert granted(told, [phone.serial]) == phone.serial
    assert told["deviceScreenSize"] == "1080x2400"
    assert told["pixelRatio"] == "2.625"
    assert told["viewportRect"] == {"left": 0, "top": 80, "width": 1080, "height": 2320}
    prop = phone.farm.adb.run("-s", phone.serial, "shell", "getprop ro.build.version.release")
    assert told["platformVersion"] == prop[1]


def test_finding(driver: WebDriver) -> None:
    root = etree.fromstring(driver.page_source.encode())
    path = "//android.widget.EditText"
    here = [element.get("bounds") for element in root.iter("android.widget.EditText")]
    assert [e.get_attribute("bounds") for e in driver.find_elements("xpath", path)] == here != []
    found = driver.find_element("-android uiautomator", 'new UiSelector().text("Test Connection")')
    assert found.text == "Test Connection"
    assert found == driver.find_element("xpath", '//*[@text="Test Connection"]')
    assert driver.find_elements("id", "no.such:id/x") == []
    with pytest.raises(NoSuchElementException):
        driver.find_element("accessibility id", "no such")
    with pytest.raises(InvalidSelectorException):
        driver.find_element("-android uiautomator", "rubbish")
    driver.terminate_app(SAMPLE)
    with pytest.raises(StaleElementReferenceException):
        found.click()


def test_an_element(driver: WebDriver) -> None:
    switch = driver.find_element("class name", "android.widget.Switch")
    assert (switch.is_displayed(), switch.is_enabled(), switch.is_selected()) == (True, True, False)
    switch.click()
    assert switch.get_attribute("checked") == "true"
    driver.execute_script("mobile: clickGesture", {"elementId": switch.id})
    assert switch.get_attribute("checked") == "false"
    rect = switch.rect
    driver.tap([(rect["x"] + 5, rect["y"] + 5)])
    assert switch.get_attribute("checked") == "true"
    field = driver.find_elements("class name", "android.widget.EditText")[0]
    field.send_keys("äöü €")
    assert field.text == "äöü €"
    driver.execute_script("mobile: replaceElementValue", {"elementId": field.id, "text": "b"})
    assert field.text == "b"
    field.clear()
    assert field.text == ""
    field.click()
    assert driver.switch_to.active_element == field


def test_the_screen(driver: WebDriver) -> None:
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    assert picture.size == (1080, 2400)
    assert driver.get_window_size() == {"width": 1080, "height": 2400}
    assert driver.orientation == "PORTRAIT"
    driver.update_settings({"waitForIdleTimeout": 100})
    assert driver.get_settings()["waitForIdleTimeout"] == 100
    driver.update_settings({"waitForIdleTimeout": 10_000})


def test_apps_come_and_go(driver: WebDriver, phone: Phone) -> None:
    assert (driver.current_package, driver.query_app_state(SAMPLE)) == (SAMPLE, 4)
    driver.press_keycode(3)
    assert driver.query_app_state(SAMPLE) == 3
    driver.activate_app(SAMPLE)
    driver.back()
    assert phone.rig.screen.foreground is None
    assert driver.terminate_app(SAMPLE) is True
    assert driver.query_app_state(SAMPLE) == 1
    assert driver.query_app_state("no.such.app") == 0
    assert driver.is_app_installed(SAMPLE) is True


def test_files(driver: WebDriver, phone: Phone) -> None:
    content = bytes(range(256)) * 4000
    driver.push_file("/sdcard/Download/x.bin", base64.b64encode(content).decode())
    assert phone.rig.phone.files.read("/sdcard/Download/x.bin") == content
    assert base64.b64decode(driver.pull_file("/sdcard/Download/x.bin")) == content


# -- sessions come to an end --------------------------------------------------------------


def test_a_session_leaves_nothing_running(own: Phone) -> None:
    begun = own.begin()
    assert runs(own)
    assert own.farm.adb.run("-s", own.serial, "shell", "ps -A")[1].count(SERVER) == 1
    begun.driver.quit()
    assert not runs(own)
    assert own.farm.adb.run("-s", own.serial, "shell", "ps -A")[1].count(SERVER) == 0
    assert own.farm.adb.run("forward", "--list")[1].count(own.serial) == 0


def test_another_session_ends_the_one_before(own: Phone) -> None:
    first, second = own.begin().driver, own.begin().driver
    with pytest.raises(InvalidSessionIdException):
        _ = first.page_source
    assert second.page_source


def test_a_server_that_is_stopped_is_told_at_once(own: Phone) -> None:
    driver = own.begin().driver
    run = own.farm.adb.run("-s", own.serial, "shell", f"am force-stop {SERVER}")
    assert run == (0, "")
    assert not runs(own)
    with pytest.raises(WebDriverException, match=r"not running|hang up|ECONNREFUSED|socket"):
        _ = driver.page_source
    assert own.begin().driver.page_source


def test_a_phone_that_is_gone(farm: Farm, tmp_path: Path) -> None:
    with Phone(farm, tmp_path) as phone:
        driver = phone.begin().driver
        phone.adbd.close()
        with pytest.raises(WebDriverException):
            _ = driver.page_source
        with pytest.raises(DeviceLost, match="no session: "):
            phone.begin()


def test_appium_is_killed(tmp_path: Path) -> None:
    with Farm(tmp_path) as farm, Phone(farm, tmp_path / "phone") as phone:
        driver = phone.begin().driver
        assert driver.page_source
        farm.appium.close()
        with pytest.raises(DeviceLost, match="the Appium server has been ended"):
            _ = driver.page_source
        with pytest.raises(DeviceLost, match="the Appium server has been ended"):
            phone.begin()
        # What it had started on the phone ends with it.
        assert eventually(lambda: not runs(phone))


def test_the_adb_server_is_killed(tmp_path: Path) -> None:
    with Farm(tmp_path) as farm, Phone(farm, tmp_path / "phone") as phone:
        driver = phone.begin().driver
        farm.adb.run("kill-server")
        with pytest.raises(WebDriverException):
            _ = driver.page_source
        assert eventually(lambda: not runs(phone))
        farm.adb.revive()
        farm.adb.connect(phone.serial)
        assert phone.begin().driver.page_source


# -- a phone that Appium has not been on yet ----------------------------------------------


def test_appium_brings_its_server_along(farm: Farm, tmp_path: Path) -> None:
    """Its own APKs, by ``adb install``; nothing of it is on the phone before."""
    with Phone(farm, tmp_path, automation_installed=False) as phone:
        with pytest.raises(DeviceLost, match="The instrumentation process cannot"):
            phone.begin(installed=True)
        driver = phone.begin(installed=False).driver
        assert driver.page_source
        listed = farm.adb.run("-s", phone.serial, "shell", "pm list packages")[1].splitlines()
        assert {f"package:{SERVER}", f"package:{SERVER}.test"} <= set(listed)
        driver.quit()
        assert phone.begin(installed=True).driver.page_source
