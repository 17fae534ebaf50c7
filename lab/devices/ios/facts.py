"""Who the iPhone is, as it says itself, and not believed further than it can be shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from lab.devices.ios.apps import AppFacts, AppService
from lab.devices.ios.profiles import ProfileService
from lab.devices.ios.reach import Reach
from lab.devices.journal_entry import shown
from lab.phone.ios.lockdown.plist import Plist

LONGEST = 200
"""Characters of a fact."""


@dataclass(frozen=True, slots=True)
class IosFacts:
    """What an iPhone says of itself. Texts are printable, and of a length that can be shown."""

    udid: str
    name: str
    """What its user calls it."""
    product: str
    """Such as ``iPhone15,4``."""
    version: str
    """Of iOS."""
    build: str
    """Of iOS, such as ``22F76``."""
    serial: str
    supervised: bool
    clock_offset: float
    """Seconds that its clock is ahead of this machine's; 0 where it does not tell."""
    app: AppFacts | None
    """The app under test; None where it is not installed."""


def identify(reach: Reach, bundle_id: str) -> IosFacts:
    """Ask an iPhone who it is. Raises DeviceLost, CommandRefused."""
    asked = time.time()
    values = reach.values()
    answered = time.time()
    told = values.get("TimeIntervalSince1970")
    is_time = isinstance(told, int | float) and not isinstance(told, bool)
    offset = float(told) - (asked + answered) / 2 if is_time else 0.0  # type: ignore[arg-type]
    return IosFacts(
        udid=reach.udid,
        name=_text(values, "DeviceName"),
        product=_text(values, "ProductType"),
        version=_text(values, "ProductVersion"),
        build=_text(values, "BuildVersion"),
        serial=_text(values, "SerialNumber"),
        supervised=ProfileService(reach).supervised(),
        clock_offset=offset,
        app=AppService(reach).find(bundle_id),
    )


def _text(values: Mapping[str, Plist], key: str) -> str:
    found = values.get(key)
    return shown(found)[:LONGEST] if isinstance(found, str) else ""
