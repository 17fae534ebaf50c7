"""What the page objects of Android apps have in common: reading and working the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement
    from selenium.common.exceptions import WebDriverException

TEXT = "android.widget.TextView"
EDIT = "android.widget.EditText"


class ScreenUnreadable(Exception):
    """The page source is not a document."""


class NotOnScreen(Exception):
    """The screen does not show what it has to; the message says what is missing."""


class Page:
    """What the screen showed at one moment."""

    def __init__(self, source: str) -> None:
        """Read a page source. Raises ScreenUnreadable."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            self._root = etree.fromstring(source.encode("utf-8", "replace"), parser)
        except etree.XMLSyntaxError as error:
            raise ScreenUnreadable(str(error)) from None

    def shows(self, text: str) -> bool:
        """Tell whether an element has exactly this text."""
        return any(element.get("text") == text for element in self._root.iter())

    def texts(self, class_name: str = TEXT) -> list[str]:
        """Return the texts of all elements of a class, from top to bottom."""
        found = (e for e in self._root.iter() if e.get("class") == class_name)
        return [element.get("text") or "" for element in found]

    def after(self, heading: str, beginning: str) -> str:
        """Return the first text below ``heading`` that begins like this; empty for none."""
        below = False
        for element in self._root.iter():
            text = element.get("text") or ""
            if below and text.startswith(beginning):
                return text
            below = below or text == heading
        return ""


def read(driver: WebDriver) -> Page:
    """Return what is on the screen, once the device finds it idle. Raises ScreenUnreadable."""
    return Page(driver.page_source)


def said(error: WebDriverException) -> str:
    """Return what the device said about an error, without the client's advice."""
    return (error.msg or type(error).__name__).partition("; For documentation")[0]


def by_text(text: str) -> tuple[str, str]:
    """Return the locator of the element that has exactly this text."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return "-android uiautomator", f'new UiSelector().text("{quoted}")'


def replace_text(driver: WebDriver, field: WebElement, text: str) -> None:
    """Put ``text`` into a field instead of what it holds, in one command."""
    driver.execute_script("mobile: replaceElementValue", {"elementId": field.id, "text": text})
