"""The phone's screen: what is on it, whether it is on, whether it is locked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from lab.devices.android.facts import POWER_QUESTION, WINDOW_QUESTION, is_awake, is_locked
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import ask
from lab.devices.android.system_settings import SettingItem

PNG = b"\x89PNG\r\n\x1a\n"
LARGEST = 64 << 20
"""Bytes of a screenshot."""
STAY_ON = "stay_on_while_plugged_in"
"""Global setting: on which kinds of power the screen does not go dark."""
ALL_POWER = "15"
"""Mains, USB, wireless and a dock (android.os.BatteryManager)."""


@dataclass(frozen=True, slots=True)
class ScreenState:
    """Whether somebody could use the phone now."""

    awake: bool
    locked: bool


def screenshot(link: AdbLink) -> bytes:
    """Return a PNG of the screen. Raises DeviceLost, and CommandRefused where there is none:
    an app may forbid it."""
    path = f"/data/local/tmp/trustpin-lab-{secrets.token_hex(8)}.png"
    try:
        link.shell(f"screencap -p {path}")
        picture = link.pull(path, limit=LARGEST)
    finally:
        _remove(link, path)
    if not picture.startswith(PNG):
        raise CommandRefused("the phone's screenshot is no PNG")
    return picture


def read_screen(link: AdbLink) -> ScreenState:
    """Return whether the screen is on and locked. Raises DeviceLost, CommandRefused."""
    answers = ask(link, {"window": WINDOW_QUESTION, "power": POWER_QUESTION})
    return ScreenState(is_awake(answers["power"]), is_locked(answers["window"]))


def wake(link: AdbLink) -> ScreenState:
    """Turn the screen on, and open a lock that needs no secret. Raises DeviceLost,
    CommandRefused."""
    link.shell("input keyevent KEYCODE_WAKEUP")
    link.run("wm dismiss-keyguard")
    return read_screen(link)


def stay_on_item(link: AdbLink) -> SettingItem:
    """Return the item that ``stay_on`` changes."""
    return SettingItem(link, "global", STAY_ON)


def stay_on(link: AdbLink) -> None:
    """Keep the screen on while there is power. Raises DeviceLost, CommandRefused."""
    link.shell(f"settings put global {STAY_ON} {ALL_POWER}")


def _remove(link: AdbLink, path: str) -> None:
    link.run(f"rm -f {path}")
