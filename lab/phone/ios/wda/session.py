"""A session with WebDriverAgent: what one client agreed on, and what it may refer to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.wda.locators import find
from lab.phone.webdriver import face
from lab.phone.webdriver.elements import Elements
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong

IDLE_CAP = 10.0
"""Seconds to wait for the app to be idle: WebDriverAgent's ``waitForIdleTimeout``."""
MAX_WAIT = 60.0
"""Seconds that a client can make any command wait."""
MAX_SETTINGS = 100

_PREFIX = "appium:"
_KNOWN = {"platformname": "ios", "automationname": "xcuitest"}


class Session:
    """One session. The phone holds one at a time."""

    def __init__(
        self, phone: ScreenedPhone, screen: IPhoneScreen, wanted: Mapping[str, Any]
    ) -> None:
        self.id = secrets.token_hex(16)
        self.elements = Elements(screen, find)
        self.implicit_wait = 0.0
        self.settings: dict[str, Any] = {"waitForIdleTimeout": IDLE_CAP}
        identity = phone.identity
        self.capabilities: dict[str, Any] = {
            **wanted,
            "platformName": "iOS",
            "automationName": "XCUITest",
            "device": "iphone",
            "deviceName": identity.name,
            "udid": identity.udid,
            "sdkVersion": identity.version,
            "platformVersion": identity.version,
            "CFBundleIdentifier": wanted.get("bundleId"),
        }

    @property
    def idle_cap(self) -> float:
        """Seconds to wait for the app to be idle."""
        return seconds(Parameters(self.settings), "waitForIdleTimeout")

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Take settings. Raises Failed for a wait that is no number of seconds."""
        if "waitForIdleTimeout" in changes:
            seconds(Parameters(changes), "waitForIdleTimeout")
        if len(self.settings | dict(changes)) > MAX_SETTINGS:
            raise Failed(Code.INVALID_ARGUMENT, f"more than {MAX_SETTINGS} settings")
        self.settings.update(changes)

    def change_timeouts(self, changes: Parameters) -> None:
        """Take timeouts (WebDriver section 9.4), as Appium's driver would. Raises Failed."""
        if "implicit" in changes.values:
            value = changes.number("implicit")
            if not 0 <= value <= MAX_WAIT * 1000:
                raise wrong("implicit", f"milliseconds from 0 to {MAX_WAIT * 1000:.0f}")
            self.implicit_wait = value / 1000


InSession = face.InSession[Session]
Route = face.Route[Session]


def seconds(values: Parameters, name: str, default: float | None = None) -> float:
    """Return a duration in seconds. Raises Failed."""
    value = values.number(name, default)
    if not 0 <= value <= MAX_WAIT:
        raise wrong(name, f"a number of seconds from 0 to {MAX_WAIT:.0f}")
    return value


def agree(body: Parameters, udid: str) -> dict[str, Any]:
    """Return the capabilities of a new session, without Appium's prefix (WebDriver section 7.2).

    Raises Failed where the client wants another device.
    """
    if not isinstance(body.values.get("capabilities"), dict):
        raise Failed(
            Code.SESSION_NOT_CREATED, "'capabilities' is mandatory to create a new session"
        )
    offered = Parameters(body.mapping("capabilities"))
    always = offered.mapping("alwaysMatch", {})
    firsts = offered.sequence("firstMatch", [{}]) or [{}]
    first = firsts[0]
    if not isinstance(first, dict):
        raise wrong("firstMatch", "a list of objects")
    wanted = {key.removeprefix(_PREFIX): value for key, value in (always | first).items()}
    for key, value in wanted.items():
        expected = _KNOWN.get(key.lower())
        if expected is not None and str(value).lower() != expected:
            raise Failed(Code.SESSION_NOT_CREATED, f"this phone is another: {key} is not {value!r}")
    asked = wanted.get("udid")
    if asked not in (None, udid):
        raise Failed(Code.SESSION_NOT_CREATED, f"this phone's udid is {udid!r}, not {asked!r}")
    return wanted
