"""What the page objects of an iPhone's apps have in common: reading and working the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lxml import etree
from selenium.common.exceptions import NoSuchElementException, WebDriverException

from lab.apps.android import MAX_SHOWN, NotOnScreen, ScreenUnreadable, said, spelt
from lab.model.device import DeviceLost

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement

_TYPE = "XCUIElementType"
ALERT = f"{_TYPE}Alert"
APPLICATION = f"{_TYPE}Application"
BUTTON = f"{_TYPE}Button"
CELL = f"{_TYPE}Cell"
LINK = f"{_TYPE}Link"
NAVIGATION_BAR = f"{_TYPE}NavigationBar"
STATIC_TEXT = f"{_TYPE}StaticText"
SWITCH = f"{_TYPE}Switch"
TEXT_FIELDS = tuple(f"{_TYPE}{kind}" for kind in ("TextField", "SecureTextField", "TextView"))
WEB_VIEW = f"{_TYPE}WebView"

TAPPABLE = (BUTTON, LINK, CELL, SWITCH, STATIC_TEXT)
"""What is tapped by what is to be read on it, the likeliest first."""

_GONE = re.compile(r"ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|Could not proxy", re.IGNORECASE)
"""How Appium's driver says that WebDriverAgent does not answer."""


class Element:
    """One element of a page, as it was when the page was read."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def get(self, attribute: str) -> str:
        """Return an attribute by WebDriverAgent's name for it; empty where there is none."""
        return self._element.get(attribute) or ""

    @property
    def type(self) -> str:
        """Such as ``XCUIElementTypeButton``."""
        return self.get("type")

    @property
    def label(self) -> str:
        """What is to be read: the label, else the value."""
        return self.get("label") or self.get("value")

    @property
    def is_on(self) -> bool:
        """Whether it is a switch that is on."""
        return self.get("value") in ("1", "true")

    @property
    def centre(self) -> tuple[int, int]:
        """The middle, in points. Raises NotOnScreen where the element has no place."""
        try:
            x, y, width, height = (int(self.get(n)) for n in ("x", "y", "width", "height"))
        except ValueError:
            raise NotOnScreen(f"{self.label!r} has no place on the screen") from None
        return x + width // 2, y + height // 2

    def below(self) -> Iterator[Element]:
        """Yield everything inside, from top to bottom."""
        return map(Element, self._element.iterdescendants(etree.Element))


class Page:
    """What the screen showed at one moment."""

    def __init__(self, source: str) -> None:
        """Read a page source. Raises ScreenUnreadable."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            self._root = etree.fromstring(source.encode("utf-8", "replace"), parser)
        except etree.XMLSyntaxError as error:
            raise ScreenUnreadable(str(error)) from None

    def elements(self, *types: str) -> Iterator[Element]:
        """Yield all elements, or those of some types, from top to bottom."""
        for element in map(Element, self._root.iter(etree.Element)):
            if not types or element.type in types:
                yield element

    def find(self, *labels: str, types: tuple[str, ...] = TAPPABLE) -> Element | None:
        """Return an element that reads like one of ``labels``, the first of these that is there,
        whatever the case and the form of its apostrophes. Of several, the one whose type comes
        first in ``types``."""
        for label in labels:
            for kind in types:
                for element in self.elements(kind):
                    if spelt(label) in (spelt(element.label), spelt(element.get("name"))):
                        return element
        return None

    @property
    def bundle_id(self) -> str:
        """The app in front; empty where WebDriverAgent does not tell."""
        return next((e.get("bundleId") for e in self.elements(APPLICATION)), "")

    @property
    def title(self) -> str:
        """The title of the page; empty where it has none."""
        return next((e.get("name") for e in self.elements(NAVIGATION_BAR)), "")

    @property
    def alert(self) -> Element | None:
        """The alert over the page."""
        return next(self.elements(ALERT), None)

    def trouble(self, bundle_id: str) -> str | None:
        """Say why the app called ``bundle_id`` cannot be worked. None where it is in front."""
        if self.bundle_id in ("", bundle_id):
            return None
        return f"{bundle_id} is not in front, but {self.bundle_id}, which shows: {self.summary()}"

    def summary(self) -> str:
        """Return what is to be read on the screen, for a message."""
        labels = (" ".join(e.label.split()) for e in self.elements() if e.label.strip())
        # A row and the text in it read alike.
        shown = " | ".join(dict.fromkeys(labels)) or "nothing"
        return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"


def read(driver: WebDriver) -> Page:
    """Return what is on the screen, once the device finds it idle. Raises ScreenUnreadable,
    DeviceLost."""
    try:
        return Page(driver.page_source)
    except WebDriverException as error:
        raise _lost(error) or error from None


@contextmanager
def attended(driver: WebDriver) -> Iterator[None]:
    """See to it that a dead WebDriverAgent shows as DeviceLost in this block.

    Appium's driver keeps to itself why it finds nothing: whatever stops it is NoSuchElement. So
    the screen is read before that is believed.
    """
    try:
        yield
    except NoSuchElementException:
        read(driver)
        raise
    except WebDriverException as error:
        raise _lost(error) or error from None


def press(driver: WebDriver, *labels: str, types: tuple[str, ...] = TAPPABLE) -> Page:
    """Tap what reads like one of ``labels``, and return the page that had it. Raises NotOnScreen,
    ScreenUnreadable, DeviceLost."""
    page = read(driver)
    element = page.find(*labels, types=types)
    if element is None:
        raise NotOnScreen(f"there is no {' or '.join(map(repr, labels))}: {page.summary()}")
    tap(driver, element)
    return page


def tap(driver: WebDriver, element: Element) -> None:
    """Tap an element of a page: where it was, or where it is out of sight by its name, as the
    device then brings it into view. Raises NotOnScreen where it has neither, DeviceLost."""
    with attended(driver):
        if element.get("visible") == "true":
            x, y = element.centre
            driver.execute_script("mobile: tap", {"x": x, "y": y})
        else:
            found(driver, element).click()


def found(driver: WebDriver, element: Element) -> WebElement:
    """Return an element of a page as something to work with. Raises NoSuchElementException,
    NotOnScreen, DeviceLost."""
    known = [(name, element.get(name)) for name in ("type", "name", "label") if element.get(name)]
    if len(known) < 2:
        raise NotOnScreen(f"a {element.type} of the screen has no name")
    wanted = " AND ".join(f"{name} == {quoted(value)}" for name, value in known)
    with attended(driver):
        return driver.find_element("-ios predicate string", wanted)


def enter(driver: WebDriver, field: WebElement, text: str) -> None:
    """Put ``text`` into a field instead of what it holds. Raises DeviceLost."""
    with attended(driver):
        field.clear()
        field.send_keys(text)


def quoted(text: str) -> str:
    """Return ``text`` as a predicate string has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _lost(error: WebDriverException) -> DeviceLost | None:
    words = said(error)
    if _GONE.search(words):
        return DeviceLost(f"WebDriverAgent does not answer: {words}")
    return None
