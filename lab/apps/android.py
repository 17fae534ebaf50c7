"""What the page objects of Android apps have in common: reading and working the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from lxml import etree

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement
    from selenium.common.exceptions import WebDriverException

TEXT = "android.widget.TextView"
EDIT = "android.widget.EditText"

MAX_SHOWN = 300
"""Characters of what a message quotes from the screen."""

_BOUNDS = re.compile(r"\[(-?\d{1,6}),(-?\d{1,6})\]\[(-?\d{1,6}),(-?\d{1,6})\]\Z")
_APOSTROPHES = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{MODIFIER LETTER APOSTROPHE}": "'",
        "\N{NO-BREAK SPACE}": " ",
    }
)
_FAULT = re.compile(r".{1,100} (?:isn't responding|keeps stopping|has stopped|keeps closing)\Z")
"""How the system says that an app is not well (AOSP: anr_title, aerr_application)."""


class ScreenUnreadable(Exception):
    """The page source is not a document."""


class NotOnScreen(Exception):
    """The screen does not show what it has to; the message says what is missing."""


class Element:
    """One element of a page, as it was when the page was read."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def get(self, attribute: str) -> str:
        """Return an attribute by UiAutomator2's name for it; empty where there is none."""
        return self._element.get(attribute) or ""

    @property
    def text(self) -> str:
        """The text."""
        return self.get("text")

    @property
    def label(self) -> str:
        """What is to be read: the text, else the description."""
        return self.text or self.get("content-desc")

    @property
    def clickable(self) -> Element:
        """The element that takes the touch: this one, or the nearest around it that says so."""
        at: etree._Element | None = self._element
        while at is not None:
            if at.get("clickable") == "true":
                return Element(at)
            at = at.getparent()
        return self

    @property
    def takes_touches(self) -> bool:
        """Whether it, or something around it, can be tapped."""
        return self.clickable.get("clickable") == "true"

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels. Raises NotOnScreen where there are none."""
        match = _BOUNDS.match(self.get("bounds"))
        if match is None:
            raise NotOnScreen(f"{self.label!r} has no place on the screen")
        left, top, right, bottom = map(int, match.groups())
        return left, top, right, bottom

    @property
    def centre(self) -> tuple[int, int]:
        """The middle, in pixels. Raises NotOnScreen where the element has no place."""
        left, top, right, bottom = self.bounds
        return (left + right) // 2, (top + bottom) // 2

    def below(self) -> Iterator[Element]:
        """Yield everything inside, from top to bottom."""
        return map(Element, self._element.iterdescendants(etree.Element))


class Page:
    """What the screen showed at one moment."""

    def __init__(self, source: str) -> None:
        """Read a page source. Raises ScreenUnreadable."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            self._root = etree.fromstring(source.encode("utf-8", "replace"), parser)
        except etree.XMLSyntaxError as error:
            raise ScreenUnreadable(str(error)) from None

    def elements(self) -> Iterator[Element]:
        """Yield all elements, from top to bottom."""
        return map(Element, self._root.iter(etree.Element))

    def shows(self, text: str) -> bool:
        """Tell whether an element has exactly this text."""
        return any(element.text == text for element in self.elements())

    def find(self, *labels: str, tappable: bool = False) -> Element | None:
        """Return an element that reads like one of ``labels``, the first of these that is there,
        whatever the case and the form of its apostrophes. ``tappable`` wants one that can be
        tapped: the title of a page often reads like what led there."""
        there: dict[str, Element] = {}
        for element in self.elements():
            if element.label and (element.takes_touches or not tappable):
                there.setdefault(spelt(element.label), element)
        return next((there[spelt(label)] for label in labels if spelt(label) in there), None)

    def xpath(self, expression: str) -> list[Element]:
        """Return the elements that an XPath expression selects; none for one that is wrong."""
        try:
            found = self._root.xpath(expression)
        except etree.XPathError:
            return []
        selected = found if isinstance(found, list) else []
        return [Element(item) for item in selected if isinstance(item, etree._Element)]

    def texts(self, class_name: str = TEXT) -> list[str]:
        """Return the texts of all elements of a class, from top to bottom."""
        return [e.text for e in self.elements() if e.get("class") == class_name]

    def after(self, heading: str, beginning: str) -> str:
        """Return the first text below ``heading`` that begins like this; empty for none."""
        below = False
        for element in self.elements():
            if below and element.text.startswith(beginning):
                return element.text
            below = below or element.text == heading
        return ""

    @property
    def packages(self) -> list[str]:
        """The packages whose elements are on the screen, the first one first."""
        return list(dict.fromkeys(e.get("package") for e in self.elements() if e.get("package")))

    @property
    def fault(self) -> str | None:
        """What the system says of an app that is not well; None where it says nothing."""
        texts = (element.text for element in self.elements())
        said = next((text for text in texts if _FAULT.match(spelt(text, case=True))), None)
        return None if said is None else f"the phone says {said!r}"

    def trouble(self, package: str) -> str | None:
        """Say why the app called ``package`` cannot be worked: the system says that it is not
        well, or something else is in front. None where it is in front."""
        if package in self.packages or not self.packages:
            return None
        absent = f"{package} is not in front, but {self.packages[0]}, which shows: {self.summary()}"
        return self.fault or absent

    @property
    def labels(self) -> list[str]:
        """What is to be read, from top to bottom."""
        return [" ".join(e.label.split()) for e in self.elements() if e.label.strip()]

    def summary(self) -> str:
        """Return what is to be read on the screen, for a message."""
        shown = " | ".join(self.labels) or "nothing"
        return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"


def spelt(text: str, *, case: bool = False) -> str:
    """Return ``text`` with plain apostrophes and spaces, and without capitals unless ``case``."""
    plain = text.translate(_APOSTROPHES).strip()
    return plain if case else plain.casefold()


def read(driver: WebDriver) -> Page:
    """Return what is on the screen, once the device finds it idle. Raises ScreenUnreadable."""
    return Page(driver.page_source)


def said(error: WebDriverException) -> str:
    """Return what the device said about an error, without the client's advice."""
    return (error.msg or type(error).__name__).partition("; For documentation")[0]


def shell_safe(url: str) -> str:
    """Return a URL without any sign that means something to a shell: Appium's driver hands a deep
    link to the phone's shell, and protects ``&`` alone."""
    return quote(url, safe="%:/?#[]@!&*+,=~-._")


def by_text(text: str) -> tuple[str, str]:
    """Return the locator of the element that has exactly this text."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return "-android uiautomator", f'new UiSelector().text("{quoted}")'


def replace_text(driver: WebDriver, field: WebElement, text: str) -> None:
    """Put ``text`` into a field instead of what it holds, in one command."""
    driver.execute_script("mobile: replaceElementValue", {"elementId": field.id, "text": text})


def touch(driver: WebDriver, element: Element) -> None:
    """Tap where an element of a page was, in one command. Raises NotOnScreen."""
    x, y = element.clickable.centre
    driver.execute_script("mobile: clickGesture", {"x": x, "y": y})


def reason(driver: WebDriver, package: str, otherwise: str) -> str:
    """Say why an app could not be worked: what the screen tells, else ``otherwise``."""
    try:
        return read(driver).trouble(package) or otherwise
    except ScreenUnreadable:
        return otherwise
