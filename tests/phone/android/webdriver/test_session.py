from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selenium.common.exceptions import SessionNotCreatedException, WebDriverException

from lab.phone.android.webdriver.session import negotiate
from lab.phone.webdriver.protocol import Code, Failed, Parameters
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig, field

ANDROID = {"platformName": "Android", "appium:automationName": "UiAutomator2"}


def agreed(always: object = None, first: object = None) -> dict[str, object]:
    body = {"alwaysMatch": {} if always is None else always}
    if first is not None:
        body["firstMatch"] = first
    return negotiate(Parameters({"capabilities": body}), "phone-1")


def test_what_matches_is_taken_without_its_prefix() -> None:
    assert agreed(ANDROID) == {"platformName": "Android", "automationName": "UiAutomator2"}
    assert agreed({}, [{"appium:udid": "other"}, {"appium:udid": "phone-1"}]) == {"udid": "phone-1"}
    assert agreed({"platformName": "aNdroid"}, [{}]) == {"platformName": "aNdroid"}


@pytest.mark.parametrize(
    "always",
    [
        {"platformName": "iOS"},
        {"appium:automationName": "XCUITest"},
        {"appium:udid": "phone-2"},
        {"appium:udid": 1},
    ],
)
def test_another_device_is_not_created(always: object) -> None:
    with pytest.raises(Failed, match="this phone is another") as caught:
        agreed(always)
    assert caught.value.code is Code.SESSION_NOT_CREATED


@pytest.mark.parametrize(
    ("always", "first"),
    [([], None), ("x", None), ({}, {}), ({}, []), ({}, [1]), ({"a": 1}, [{"a": 2}])],
)
def test_what_is_not_even_asked_properly(always: object, first: object) -> None:
    with pytest.raises(Failed) as caught:
        agreed(always, first)
    assert caught.value.code is Code.INVALID_ARGUMENT


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["alwaysMatch", "firstMatch", "udid", "platformName"]), inner
            )
        ),
        max_leaves=10,
    )
)
def test_any_capabilities_are_taken_or_refused(capabilities: object) -> None:
    with suppress(Failed):
        negotiate(Parameters({"capabilities": capabilities}), "phone-1")


def test_the_wrong_phone_is_told_to_the_client(rig: Rig) -> None:
    with pytest.raises(SessionNotCreatedException, match="its udid is 'phone-1', not 'phone-2'"):
        rig.driver(udid="phone-2")


def test_the_app_of_the_capabilities_is_started(rig: Rig) -> None:
    driver = rig.driver(appPackage=SAMPLE, appActivity=".MainActivity", noReset=True)
    assert driver.current_package == SAMPLE
    assert driver.current_activity == ".MainActivity"
    driver.find_element(*field("Project ID")).send_keys("kept")
    driver = rig.driver(appPackage=SAMPLE, noReset=True)
    assert driver.find_element(*field("Project ID")).text == "kept"
    driver = rig.driver(appPackage=SAMPLE)
    assert driver.find_element(*field("Project ID")).text == ""
    driver = rig.driver(appPackage=BROWSER, autoLaunch=False)
    assert driver.current_package == SAMPLE


@pytest.mark.parametrize(
    "capabilities",
    [{"appPackage": "no.such"}, {"appPackage": SAMPLE, "appActivity": ".Other", "noReset": True}],
)
def test_an_app_that_there_is_not(rig: Rig, capabilities: dict[str, object]) -> None:
    with pytest.raises(WebDriverException, match="cannot"):
        rig.driver(**capabilities)
    assert rig.send("GET", "/sessions") == (200, [])
