"""How elements are named by people who describe an app's screen in YAML, and how they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from selenium.common.exceptions import NoSuchElementException

from lab.apps.android import Element, NotOnScreen, Page, by_text, read, spelt, touch

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement

Found = TypeVar("Found")

MOST_SCROLLS = 12
"""Times that one list is scrolled on to look for something."""


class How(StrEnum):
    """What an element is found by."""

    ID = "id"
    TEXT = "text"
    ACCESSIBILITY_ID = "accessibility_id"
    CLASS = "class"
    XPATH = "xpath"
    UIAUTOMATOR = "uiautomator"


_STRATEGIES = {
    How.ID: "id",
    How.ACCESSIBILITY_ID: "accessibility id",
    How.CLASS: "class name",
    How.XPATH: "xpath",
    How.UIAUTOMATOR: "-android uiautomator",
}


@dataclass(frozen=True, slots=True)
class Named:
    """An element by its name."""

    how: How
    value: str
    index: int = 0
    """Which of several, from top to bottom."""

    def __str__(self) -> str:
        return f"{self.how} {self.value!r}" + (f" number {self.index}" if self.index else "")


def on_page(page: Page, named: Named, package: str) -> Element | None:
    """Return the element on a page; None where it is not there. UiAutomator's own language is
    the device's alone: raises ValueError for that."""
    wanted = named.value
    match named.how:
        case How.UIAUTOMATOR:
            raise ValueError("only the device can find this")
        case How.XPATH:
            found = page.xpath(wanted)
        case How.ID:
            ids = {wanted, f"{package}:id/{wanted}"}
            found = [e for e in page.elements() if e.get("resource-id") in ids]
        case How.TEXT:
            found = [e for e in page.elements() if e.text and spelt(e.text) == spelt(wanted)]
        case How.ACCESSIBILITY_ID:
            found = [e for e in page.elements() if e.get("content-desc") == wanted]
        case How.CLASS:
            found = [e for e in page.elements() if e.get("class") == wanted]
    return found[named.index] if named.index < len(found) else None


def on_device(driver: WebDriver, named: Named) -> WebElement:
    """Let the device find an element, in one command. Raises NoSuchElementException."""
    if named.how is How.TEXT:
        by, value = by_text(named.value)
    else:
        by, value = _STRATEGIES[named.how], named.value
    if named.index == 0:
        return driver.find_element(by, value)
    found: list[WebElement] = driver.find_elements(by, value)
    if named.index >= len(found):
        raise NoSuchElementException(f"there are only {len(found)} of {named}")
    return found[named.index]


def text_of(driver: WebDriver, page: Page, named: Named, package: str) -> str | None:
    """Return what is to be read on an element; None where it is not there."""
    if named.how is not How.UIAUTOMATOR:
        element = on_page(page, named, package)
        return None if element is None else element.label
    try:
        return str(on_device(driver, named).text)
    except NoSuchElementException:
        return None


def tap(driver: WebDriver, page: Page, named: Named, package: str) -> bool:
    """Tap an element, scrolled to where it is further down; False where it is not there.
    Raises NotOnScreen, ScreenUnreadable."""
    if named.how is How.UIAUTOMATOR:
        try:
            on_device(driver, named).click()
        except NoSuchElementException:
            return False
        return True
    element = seek(driver, page, lambda shown: on_page(shown, named, package))
    if element is not None:
        touch(driver, element)
    return element is not None


def seek(driver: WebDriver, page: Page, find: Callable[[Page], Found | None]) -> Found | None:
    """Return what ``find`` finds on a page, or further down in it. Raises ScreenUnreadable."""
    shown: Page | None = page
    for _ in range(MOST_SCROLLS):
        if shown is None:
            break
        found = find(shown)
        if found is not None:
            return found
        shown = further(driver, shown)
    return None


def further(driver: WebDriver, page: Page) -> Page | None:
    """Scroll down, and return what is then to be seen; None where that is nothing new."""
    area = next((e for e in page.elements() if e.get("scrollable") == "true"), None)
    if area is None:
        return None
    try:
        left, top, right, bottom = area.bounds
    except NotOnScreen:
        return None
    box = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    how = {**box, "direction": "down", "percent": 0.8}
    driver.execute_script("mobile: scrollGesture", how)
    shown = read(driver)
    return None if shown.labels == page.labels else shown
