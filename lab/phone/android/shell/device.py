"""Commands about the machine: uname, uptime."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from lab.phone.android.shell.process import Process, options


def _uname(process: Process) -> int:
    found, _ = options(process, "asnrvmo")
    version = process.system.version
    told = {
        "s": "Linux",
        "n": "localhost",
        "r": version.kernel,
        "v": "#1 SMP PREEMPT",
        "m": "aarch64",
        "o": "Toybox",
    }
    wanted = told if "a" in found else found or ("s",)
    process.out.line(" ".join(told[letter] for letter in told if letter in wanted))
    return 0


def _uptime(process: Process) -> int:
    found, _ = options(process, "ps")
    now = process.phone.now()
    began = process.system.power.started
    if "s" in found:
        process.out.line(f"{datetime.fromtimestamp(now - _up(began), UTC):%Y-%m-%d %H:%M:%S}")
        return 0
    days, rest = divmod(int(_up(began)), 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    for_days = f"{days} day{'s' if days > 1 else ''}, " if days else ""
    for_hours = f"{hours:2}:{minutes:02}" if hours else f"{minutes} min"
    process.out.line(
        f" {datetime.fromtimestamp(now, UTC):%H:%M:%S} up {for_days}{for_hours},  0 users,"
        "  load average: 0.00, 0.00, 0.00"
    )
    return 0


def _up(began: float) -> float:
    return max(0.0, time.monotonic() - began)


COMMANDS = {"uname": _uname, "uptime": _uptime}
