from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from selenium.common.exceptions import (
    InvalidElementStateException,
    NoSuchElementException,
    StaleElementReferenceException,
)

from lab.phone.android.webdriver.locators import find
from lab.phone.webdriver.elements import W3C_KEY, Elements
from lab.phone.webdriver.protocol import Failed
from tests.patience import CAP, not_waiting
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig, button, field, set_up
from tests.phone.scripted import Gate, ScriptedSdk


def test_the_same_node_has_the_same_id_whoever_looks_for_it(rig: Rig) -> None:
    driver = rig.app()
    by_path = driver.find_element(*button("Test Connection"))
    by_class = driver.find_elements("class name", "android.widget.Button")[1]
    assert by_path == by_class
    assert by_path.id.startswith("00000000-0000-")


def test_an_element_is_stale_while_its_app_is_not_in_front(rig: Rig) -> None:
    driver = rig.app()
    element = driver.find_element(*button("Test Connection"))
    driver.activate_app(BROWSER)
    with pytest.raises(StaleElementReferenceException):
        element.click()
    driver.activate_app(SAMPLE)
    assert element.text == "Test Connection"


def test_an_element_of_a_process_that_ended_is_stale_for_ever(rig: Rig) -> None:
    driver = rig.app()
    element = driver.find_element(*button("Test Connection"))
    driver.terminate_app(SAMPLE)
    with pytest.raises(StaleElementReferenceException):
        _ = element.text
    driver.activate_app(SAMPLE)
    with pytest.raises(StaleElementReferenceException):
        _ = element.text
    assert driver.find_element(*button("Test Connection")) != element


def test_an_element_that_the_app_took_away_is_stale(rig: Rig) -> None:
    driver = rig.driver()
    driver.execute_script("mobile: deepLink", {"url": "http://nowhere.invalid/"})
    assert driver.page_source
    heading = driver.find_element("xpath", '//*[starts-with(@text, "This site")]')
    rig.screen.foreground.back()  # type: ignore[union-attr]
    with pytest.raises(StaleElementReferenceException):
        _ = heading.text


def test_an_element_that_never_was(rig: Rig) -> None:
    driver = rig.app()
    other = driver.create_web_element("00000000-0000-0099-ffff-000000000000")
    with pytest.raises(NoSuchElementException):
        other.click()


def test_what_is_inside_an_element(rig: Rig) -> None:
    driver = rig.app()
    card = driver.find_element("xpath", '//*[@text="Log Output"]/..')
    assert [e.text for e in card.find_elements("class name", "android.widget.Button")] == [
        "Clear Log"
    ]
    assert card.find_element("xpath", ".//android.widget.Button").text == "Clear Log"
    with pytest.raises(NoSuchElementException):
        card.find_element(*button("Test Connection"))


def test_waiting_for_an_element_ends_when_it_appears(tmp_path: Path) -> None:
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(get=gate)) as rig:
        driver = rig.app()
        set_up(driver)
        driver.implicitly_wait(CAP)
        driver.find_element(*button("Test Connection")).click()
        assert gate.entered.wait(CAP)
        threading.Timer(0.2, gate.opened.set).start()
        with not_waiting():
            driver.find_element("xpath", '//*[@text="TrustPin configured"]')


def test_waiting_for_an_element_that_does_not_come_has_its_end(rig: Rig) -> None:
    driver = rig.app()
    driver.implicitly_wait(0.3)
    began = time.monotonic()
    with pytest.raises(NoSuchElementException, match="nothing on the screen is xpath"):
        driver.find_element(*button("Nowhere"))
    assert driver.find_elements(*button("Nowhere")) == []
    assert time.monotonic() - began >= 0.6


def test_waiting_sleeps_until_something_changes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    wait_change = rig.screen.wait_change

    def counted(since: int, cap: float) -> int:
        waits.append(cap)
        return wait_change(since, cap)

    monkeypatch.setattr(rig.screen, "wait_change", counted)
    assert Elements(rig.screen, find).find("id", "none", wait=0.2) == []
    assert len(waits) == 1


def test_text_is_entered_replaced_and_cleared(rig: Rig) -> None:
    driver = rig.app()
    element = driver.find_element(*field("Organization ID"))
    element.send_keys("Zürich ", "日本")
    element.send_keys("!")
    assert element.text == "Zürich 日本!"
    driver.execute_script("mobile: replaceElementValue", {"elementId": element.id, "text": "new"})
    assert element.text == "new"
    element.clear()
    assert element.text == ""
    assert element.get_attribute("hint") == "Organization ID"


def test_what_takes_no_text_says_so(rig: Rig) -> None:
    driver = rig.app()
    with pytest.raises(InvalidElementStateException, match="it is no text field"):
        driver.find_element(*button("Test Connection")).send_keys("a")
    organization = driver.find_element(*field("Organization ID"))
    set_up(driver)
    with pytest.raises(InvalidElementStateException, match="it is disabled"):
        organization.send_keys("a")
    with pytest.raises(InvalidElementStateException):
        organization.clear()


def test_a_session_remembers_so_many_elements_and_no_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.phone.webdriver.elements.MAX_KNOWN", 3)
    rig.screen.launch(SAMPLE)
    elements = Elements(rig.screen, find)
    with pytest.raises(Failed, match="more than 3 elements"):
        elements.find("xpath", "//*")


def test_references_are_given_the_old_way_and_the_new(rig: Rig) -> None:
    driver = rig.app()
    path = f"/session/{driver.session_id}/element"
    status, value = rig.send("POST", path, {"using": "xpath", "value": "//*"})
    assert status == 200
    assert value[W3C_KEY] == value["ELEMENT"]
