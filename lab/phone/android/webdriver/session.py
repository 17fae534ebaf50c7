"""A session: what one client agreed with the phone, and what it may refer to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.locators import find
from lab.phone.node import HEIGHT, WIDTH
from lab.phone.webdriver import face
from lab.phone.webdriver.elements import Elements
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong

IDLE_CAP = 10.0
"""Seconds to wait for the screen to be idle: UiAutomator2's ``waitForIdleTimeout``."""
MAX_WAIT = 60.0
"""Seconds that a client can make any command wait."""

_PREFIX = "appium:"
_KNOWN = {"platformname": "android", "automationname": "uiautomator2"}


class Session:
    """One session. A dialect has one at a time."""

    def __init__(self, system: AndroidSystem, wanted: Mapping[str, Any]) -> None:
        self.id = secrets.token_hex(16)
        self.elements = Elements(system.screen, find)
        self.implicit_wait = 0.0
        self.settings: dict[str, Any] = {"waitForIdleTimeout": int(IDLE_CAP * 1000)}
        self.capabilities: dict[str, Any] = {
            **wanted,
            "platformName": "Android",
            "automationName": "UiAutomator2",
            "deviceName": system.phone.name,
            "udid": system.phone.name,
            "deviceScreenSize": f"{WIDTH}x{HEIGHT}",
        }

    @property
    def idle_cap(self) -> float:
        """Seconds to wait for the screen to be idle."""
        return Parameters(self.settings).number("waitForIdleTimeout") / 1000

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Take Appium settings. Raises Failed for a wait that is no number of milliseconds."""
        if "waitForIdleTimeout" in changes:
            milliseconds(Parameters(changes), "waitForIdleTimeout")
        if len(self.settings | dict(changes)) > 100:
            raise Failed(Code.INVALID_ARGUMENT, "more than 100 settings")
        self.settings.update(changes)

    def change_timeouts(self, changes: Parameters) -> None:
        """Take timeouts (WebDriver section 9.4). Raises Failed."""
        for name in ("pageLoad", "script"):
            if changes.values.get(name) is not None:
                # Kept by clients that know browsers; there is nothing here to apply it to.
                changes.number(name)
        if "implicit" in changes.values:
            self.implicit_wait = milliseconds(changes, "implicit")


InSession = face.InSession[Session]
Route = face.Route[Session]


def milliseconds(values: Parameters, name: str) -> float:
    """Return a duration in seconds that is given in milliseconds. Raises Failed."""
    value = values.number(name)
    if not 0 <= value <= MAX_WAIT * 1000:
        raise wrong(name, f"a number of milliseconds from 0 to {MAX_WAIT * 1000:.0f}")
    return value / 1000


def negotiate(body: Parameters, name: str) -> dict[str, Any]:
    """Return the capabilities of a new session, without Appium's prefix (section 7.2).

    ``name`` is the phone's. Raises Failed where the client wants another device.
    """
    offered = Parameters(body.mapping("capabilities"))
    always = offered.mapping("alwaysMatch", {})
    firsts = offered.sequence("firstMatch", [{}])
    if not firsts:
        raise wrong("firstMatch", "a list of at least one object")
    reasons: list[str] = []
    for first in firsts:
        if not isinstance(first, dict):
            raise wrong("firstMatch", "a list of objects")
        if twice := set(always) & set(first):
            raise Failed(Code.INVALID_ARGUMENT, f"given twice: {', '.join(sorted(twice))}")
        wanted = {key.removeprefix(_PREFIX): value for key, value in (always | first).items()}
        reason = _mismatch(wanted, name)
        if reason is None:
            return wanted
        reasons.append(reason)
    raise Failed(Code.SESSION_NOT_CREATED, f"this phone is another: {'; '.join(reasons)}")


def _mismatch(wanted: Mapping[str, Any], name: str) -> str | None:
    for key, value in wanted.items():
        expected = _KNOWN.get(key.lower())
        if expected is not None and str(value).lower() != expected:
            return f"{key} is not {value!r}"
    udid = wanted.get("udid")
    return f"its udid is {name!r}, not {udid!r}" if udid not in (None, name) else None
