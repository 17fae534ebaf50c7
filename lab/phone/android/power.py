"""The phone's battery, and whether its screen is on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

FULL = 100


@dataclass(frozen=True, slots=True)
class Battery:
    """What the battery service tells."""

    level: int = FULL
    """Per cent."""
    ac: bool = False
    usb: bool = True
    """Whether it is charged, and from where."""
    wireless: bool = False
    status: int = 2
    """``BatteryManager.BATTERY_STATUS_...``: 2 is charging, 3 discharging, 5 full."""
    temperature: int = 250
    """Tenths of a degree Celsius."""
    frozen: bool = False
    """Somebody has set a value: the real ones are not told any more."""


class Power:
    """Battery and screen. May be used from any thread: its values are replaced, never changed."""

    def __init__(self) -> None:
        self.battery = Battery()
        self.awake = True
        """Whether the screen is on."""
        self.started = time.monotonic()
        """When the phone was started."""

    def set_battery(self, **values: int | bool) -> None:
        """Let the battery service tell other values than the real ones."""
        self.battery = replace(self.battery, frozen=True, **values)  # type: ignore[arg-type]

    def reset_battery(self) -> None:
        """Let the battery service tell the real values again."""
        self.battery = Battery()

    def restart(self) -> None:
        """Let everything be as it is on a phone that has just started."""
        self.reset_battery()
        self.awake = True
        self.started = time.monotonic()
