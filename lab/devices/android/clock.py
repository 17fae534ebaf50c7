"""The phone's clock."""

from __future__ import annotations

import time
from collections.abc import Mapping

from lab.devices.android.facts import measure_clock
from lab.devices.android.link import CommandRefused
from lab.devices.android.root import RootShell
from lab.devices.android.system_settings import setting_command, setting_of
from lab.devices.android.values import mapping, number, text_or_none
from lab.devices.item import Value

AUTO_TIME = "auto_time"
"""Global setting: ``1`` where the phone takes the time from the network."""
ITSELF = "1"
CLOSE = 2.0
"""Seconds by which two offsets may differ and be the same."""


class ClockItem:
    """How far the clock is ahead of this machine's, and whether the phone sets it itself."""

    kind = "clock"

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        command = f"settings get global {AUTO_TIME}"
        auto = setting_of(command, self._shell.link.run(command))
        return {"auto_time": auto, "offset": round(measure_clock(self._shell.link).offset, 3)}

    def put_back(self, value: Value) -> None:
        auto, before = _parts(value)
        now = measure_clock(self._shell.link)
        if abs(now.offset - before) > CLOSE / 2 + now.uncertainty:
            _set(self._shell, before)
        self._shell.link.shell(setting_command("global", AUTO_TIME, auto))

    def same(self, before: Value, now: Value) -> bool:
        (auto_before, offset_before), (auto_now, offset_now) = _parts(before), _parts(now)
        # A phone that sets its clock itself may have put it right meanwhile.
        right = (offset_before, 0.0) if auto_before == ITSELF else (offset_before,)
        close = any(abs(offset - offset_now) <= CLOSE for offset in right)
        return auto_before == auto_now and close


def set_clock(shell: RootShell, offset: float) -> None:
    """Move the clock so many seconds ahead of this machine's, and keep the phone from setting it
    itself. Raises DeviceLost, CommandRefused."""
    shell.link.shell(setting_command("global", AUTO_TIME, "0"))
    _set(shell, offset)


def _set(shell: RootShell, offset: float) -> None:
    moment = time.time() + offset
    if moment < 0:
        raise CommandRefused("the phone's clock cannot be set to a time before 1970")
    # Old phones know whole seconds only.
    shell.shell(f"date @{moment:.3f} || date @{moment:.0f}")
    now = measure_clock(shell.link)
    if abs(now.offset - offset) > CLOSE + now.uncertainty:
        raise CommandRefused(
            f"the phone's clock was to be {offset:+.0f} seconds ahead, but is {now.offset:+.0f}: "
            "it sets its clock itself"
        )


def _parts(value: Value) -> tuple[str | None, float]:
    parts = mapping(value)
    return text_or_none(parts.get("auto_time")), number(parts.get("offset"))
