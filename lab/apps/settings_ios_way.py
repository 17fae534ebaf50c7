"""How the iPhone's Settings are read and walked through; their words are iOS 18's in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.apps.android import NotOnScreen, spelt
from lab.apps.ios import (
    BUTTON,
    CELL,
    STATIC_TEXT,
    TEXT_FIELDS,
    Element,
    Page,
    attended,
    enter,
    found,
    read,
    tap,
)

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

BUNDLE_ID = "com.apple.Preferences"
GENERAL, ABOUT, WIFI = "General", "About", "Wi-Fi"
MANAGEMENT = ("VPN & Device Management", "VPN and Device Management", "Profiles")
TRUST = "Certificate Trust Settings"
DOWNLOADED = "Profile Downloaded"
INSTALL, DONE, CONTINUE = "Install", "Done", "Continue"
REMOVE_PROFILE, REMOVE = "Remove Profile", "Remove"
MY_NETWORKS = "my networks"
OTHER_HEADINGS = ("other networks", "networks", "public networks")
FORGET_NETWORK, FORGET = "Forget This Network", "Forget"
JOIN_NETWORK = "Join This Network"
CONFIGURE_PROXY = "Configure Proxy"
OFF, MANUAL, AUTOMATIC, SAVE = "Off", "Manual", "Automatic", "Save"
MORE_INFO = "More Info"
CONNECTED, CHECKMARK = "connected", "checkmark"
MOST_STEPS = 12
"""Screens of one installation."""
RETURN = "\n"


class SettingsWay:
    """Finds the way to what is wanted. Methods raise NotOnScreen, ScreenUnreadable, DeviceLost."""

    def __init__(self, driver: WebDriver, passcode: str = "") -> None:
        self._driver = driver
        self._passcode = passcode

    def _open(self) -> Page:
        """Open Settings at its first page."""
        with attended(self._driver):
            self._driver.terminate_app(BUNDLE_ID)
            self._driver.activate_app(BUNDLE_ID)
        page = read(self._driver)
        trouble = page.trouble(BUNDLE_ID)
        if trouble is not None:
            raise NotOnScreen(trouble)
        return page

    def _walk(self, *steps: str | tuple[str, ...]) -> Page:
        page = self._open()
        for step in steps:
            tap(self._driver, self._needed(page, *((step,) if isinstance(step, str) else step)))
            page = read(self._driver)
        return page

    def _management(self) -> Page:
        return self._walk(GENERAL, MANAGEMENT)

    def _trust(self) -> Page:
        return self._walk(GENERAL, ABOUT, TRUST)

    def _wifi(self) -> Page:
        return self._walk(WIFI)

    def _details(self, ssid: str) -> Page:
        page = self._wifi()
        row = named([row for row, _ in self._networks(page)], ssid)
        if row is None:
            raise NotOnScreen(f"the network {ssid!r} is not listed: {page.summary()}")
        more = named(list(row.below()), MORE_INFO)
        if more is None:
            raise NotOnScreen(f"the network {ssid!r} has no {MORE_INFO!r}: {page.summary()}")
        tap(self._driver, more)
        return read(self._driver)

    def _proxy_page(self, ssid: str) -> Page:
        tap(self._driver, self._needed(self._details(ssid), CONFIGURE_PROXY))
        page = read(self._driver)
        if page.find(MANUAL, types=(CELL, BUTTON)) is None:
            raise NotOnScreen(f"the proxy of {ssid!r} cannot be changed: {page.summary()}")
        return page

    def _networks(self, page: Page) -> list[tuple[Element, bool]]:
        """Return the rows of networks, and whether each is one that the phone knows."""
        found: list[tuple[Element, bool]] = []
        known: bool | None = None
        for element in page.elements(STATIC_TEXT, CELL):
            words = spelt(element.label)
            if element.type == STATIC_TEXT and words == MY_NETWORKS:
                known = True
            elif element.type == STATIC_TEXT and words in OTHER_HEADINGS:
                known = False
            elif element.type == CELL and (known is not None or is_joined(element)):
                found.append((element, known is True or is_joined(element)))
        return found

    def _rows_under(self, page: Page, heading: str) -> list[Element]:
        """Return the rows below a heading, up to the next one."""
        rows: list[Element] = []
        under = False
        inside: set[str] = set()
        for element in page.elements(STATIC_TEXT, CELL):
            if element.type == CELL:
                inside = {below.label for below in element.below()}
                if under:
                    rows.append(element)
            elif spelt(element.label) == heading:
                under = True
            elif element.label not in inside:
                under = False
        return rows

    def _needed(self, page: Page, *labels: str, types: tuple[str, ...] = (CELL, BUTTON)) -> Element:
        element = page.find(*labels, types=types) or page.find(*labels)
        if element is None:
            wanted = " or ".join(map(repr, labels))
            raise NotOnScreen(f"Settings shows no {wanted}, but: {page.summary()}")
        return element

    def _answer(self, page: Page, label: str) -> Element | None:
        """Return a button: the alert's, where there is one."""
        if page.alert is None:
            return page.find(label, types=(BUTTON,))
        buttons = [e for e in page.alert.below() if e.type == BUTTON]
        return named(buttons, label)

    def _fill(self, page: Page, label: str, text: str) -> None:
        field = named(list(page.elements(*TEXT_FIELDS)), label)
        if field is None:
            raise NotOnScreen(f"there is no field {label!r}: {page.summary()}")
        enter(self._driver, found(self._driver, field), text + RETURN)

    def _text_of(self, page: Page, label: str) -> str:
        field = named(list(page.elements(*TEXT_FIELDS)), label)
        return "" if field is None else field.get("value")

    def _enters_passcode(self, page: Page) -> bool:
        """Enter the passcode where it is asked for, and tell whether it was."""
        if not any(spelt(e.label) == "enter your passcode" for e in page.elements()):
            return False
        if not self._passcode:
            raise NotOnScreen("the phone asks for its passcode; give it as 'unlock_pin'")
        self._driver.execute_script("mobile: keys", {"keys": list(self._passcode)})
        return True

    def _mind_refusals(self, page: Page) -> None:
        if page.alert is not None and self._answer(page, "OK") is not None:
            said = [each.label for each in page.alert.below() if each.type == STATIC_TEXT]
            raise NotOnScreen(f"the phone refuses: {': '.join(said)}")


def named(elements: list[Element], name: str) -> Element | None:
    """Return the element that reads like ``name``."""
    wanted = spelt(name)
    return next((each for each in elements if spelt(each.label) == wanted), None)


def is_joined(row: Element) -> bool:
    """Tell whether a network's row is that of the one that is joined."""
    return any(spelt(each.label) == CONNECTED for each in row.below()) or is_chosen(row)


def is_chosen(row: Element) -> bool:
    """Tell whether a row is marked."""
    return any(spelt(each.get("name")) == CHECKMARK for each in row.below())
