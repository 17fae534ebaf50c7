from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from appium.webdriver.webdriver import WebDriver as AppiumDriver
from selenium.common.exceptions import (
    InvalidArgumentException,
    UnknownMethodException,
    WebDriverException,
)

from lab.phone.files import MAX_FILE
from lab.phone.node import LAUNCHER
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig, field


@pytest.fixture
def driver(rig: Rig) -> AppiumDriver:
    return rig.driver()


def test_apps_come_and_go(rig: Rig, driver: AppiumDriver) -> None:
    states: list[int] = []

    def note() -> None:
        states.append(driver.query_app_state(SAMPLE))

    note()
    driver.activate_app(SAMPLE)
    note()
    driver.activate_app(BROWSER)
    note()
    assert driver.terminate_app(SAMPLE) is True
    note()
    assert driver.terminate_app(SAMPLE) is False
    assert states == [1, 4, 3, 1]
    assert driver.query_app_state("no.such") == 0
    assert driver.is_app_installed(SAMPLE) is True
    assert driver.is_app_installed("no.such") is False
    assert driver.current_package == BROWSER
    assert driver.current_activity == ".BrowserActivity"


def test_an_app_that_there_is_not_cannot_be_activated(driver: AppiumDriver) -> None:
    with pytest.raises(WebDriverException, match=r"no activity 'no\.such'"):
        driver.activate_app("no.such")


def test_clearing_an_app_ends_it_and_deletes_what_it_stored(rig: Rig, driver: AppiumDriver) -> None:
    driver.activate_app(SAMPLE)
    rig.phone.files.write(f"/data/data/{SAMPLE}/a", b"secret")
    driver.execute_script("mobile: clearApp", {"appId": SAMPLE})
    assert driver.query_app_state(SAMPLE) == 1
    assert not rig.phone.files.host_path(f"/data/data/{SAMPLE}").exists()
    with pytest.raises(WebDriverException, match="cannot clear it"):
        driver.execute_script("mobile: clearApp", {"appId": "no.such"})


def test_intents(rig: Rig, driver: AppiumDriver) -> None:
    driver.execute_script("mobile: deepLink", {"url": "http://nowhere.invalid/a?b=1&c"})
    assert driver.current_package == BROWSER
    assert driver.find_element(*field("Address")).text == "http://nowhere.invalid/a?b=1&c"
    driver.execute_script("mobile: startActivity", {"intent": f"{SAMPLE}/.MainActivity"})
    assert driver.current_package == SAMPLE
    driver.execute_script(
        "mobile: startActivity", {"intent": BROWSER, "uri": "http://elsewhere.invalid/"}
    )
    assert driver.find_element(*field("Address")).text == "http://elsewhere.invalid/"
    with pytest.raises(WebDriverException, match="no app takes"):
        driver.execute_script("mobile: deepLink", {"url": "tel:110"})


def test_keys(rig: Rig, driver: AppiumDriver) -> None:
    driver.activate_app(SAMPLE)
    driver.press_keycode(3)
    assert driver.current_package == LAUNCHER
    driver.activate_app(SAMPLE)
    driver.press_keycode(4)
    assert driver.current_package == LAUNCHER
    with pytest.raises(UnknownMethodException, match="no key 26"):
        driver.press_keycode(26)
    assert driver.is_keyboard_shown() is False


def test_clicks(driver: AppiumDriver) -> None:
    driver.activate_app(SAMPLE)
    switch = driver.find_element("class name", "android.widget.Switch")
    driver.execute_script("mobile: clickGesture", {"elementId": switch.id})
    assert switch.get_attribute("checked") == "true"
    rect = switch.rect
    driver.execute_script("mobile: clickGesture", {"x": rect["x"] + 1, "y": rect["y"] + 1})
    assert switch.get_attribute("checked") == "false"


def test_files(rig: Rig, driver: AppiumDriver) -> None:
    content = bytes(range(256)) * 10
    driver.push_file("/sdcard/a/b.bin", base64.b64encode(content).decode())
    assert base64.b64decode(driver.pull_file("/sdcard/a/b.bin")) == content
    largest = bytes(MAX_FILE)
    driver.push_file("/sdcard/big", base64.b64encode(largest).decode())
    assert rig.phone.files.read("/sdcard/big") == largest


@pytest.mark.parametrize(
    ("path", "payload", "error"),
    [
        ("/a", "not base64!", InvalidArgumentException),
        ("/a", "é", InvalidArgumentException),
        ("/a", base64.b64encode(bytes(MAX_FILE + 1)).decode(), InvalidArgumentException),
        ("relative", "", WebDriverException),
        ("/a\0b", "", WebDriverException),
        ("/" + "a" * 2000, "", WebDriverException),
    ],
)
def test_files_that_cannot_be_pushed(
    driver: AppiumDriver, path: str, payload: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        driver.push_file(path, payload)


def test_a_file_that_there_is_not_cannot_be_pulled(driver: AppiumDriver) -> None:
    with pytest.raises(WebDriverException, match="/none: No such file or directory"):
        driver.pull_file("/none")


def test_nothing_outside_the_phone_is_reached(driver: AppiumDriver) -> None:
    with pytest.raises(WebDriverException, match="No such file"):
        driver.pull_file("/../../../../../../etc/passwd")


def test_the_time_is_the_phones(driver: AppiumDriver) -> None:
    assert driver.device_time.startswith("2026-07-01T12:00:")
    assert driver.device_time.endswith("+00:00")
    with pytest.raises(UnknownMethodException):
        driver.get_device_time("YYYY")


def run(driver: AppiumDriver, **call: object) -> object:
    return driver.execute_script("mobile: shell", call)


def test_the_shell(driver: AppiumDriver) -> None:
    assert run(driver, command="echo", args=["a", "'b  c'"]) == "a b  c\n"
    assert run(driver, command="echo 'a;b'; echo x >&2", includeStderr=True) == {
        "stdout": "a;b\n",
        "stderr": "x\n",
    }
    with pytest.raises(WebDriverException, match=r"exited with code 127; Stderr: '/system/bin/sh"):
        run(driver, command="no-such-command")
    with pytest.raises(InvalidArgumentException, match="'args' must be a list of strings"):
        run(driver, command="echo", args=[1])


@pytest.mark.parametrize(
    "ask",
    [
        lambda driver: driver.execute_script("mobile: fly"),
        lambda driver: driver.execute_script("return 1"),
        lambda driver: driver.execute_script("mobileshell", {"command": "id"}),
        lambda driver: driver.lock(),
    ],
)
def test_what_there_is_not(driver: AppiumDriver, ask: Callable[[AppiumDriver], object]) -> None:
    with pytest.raises(UnknownMethodException, match="'mobile:' has activateApp, clearApp"):
        ask(driver)
