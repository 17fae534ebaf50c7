"""``dumpsys battery`` and ``cmd battery``: what the battery is said to be."""

from __future__ import annotations

from collections.abc import Sequence

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process

_TRUTHS = {"ac": "ac", "usb": "usb", "wireless": "wireless"}
_NUMBERS = {"level": 100, "status": 5, "temp": 1000}


def battery(process: Process, arguments: Sequence[str]) -> int:
    """Show the battery, or let it be said to be another. Raises CommandFailed."""
    power = process.system.power
    given = [argument for argument in arguments if argument != "-f"]
    if not given:
        process.print_lines(_shown(process))
    elif given == ["reset"]:
        power.reset_battery()
    elif given == ["unplug"]:
        power.set_battery(ac=False, usb=False, wireless=False, status=3)
    elif len(given) == 3 and given[0] == "set":
        _set(process, given[1], given[2])
    elif len(given) == 2 and given[0] == "get" and given[1] == "level":
        process.out.line(str(power.battery.level))
    else:
        raise CommandFailed(f"Unknown option: {' '.join(given)[:100]}", EXIT_USAGE)
    return 0


def _set(process: Process, name: str, value: str) -> None:
    most = 1 if name in _TRUTHS else _NUMBERS.get(name)
    if most is None:
        raise CommandFailed(f"Unknown set option: {name[:40]}", EXIT_USAGE)
    if not value.isascii() or not value.isdigit() or len(value) > 4 or int(value) > most:
        raise CommandFailed(f"Bad value: {value[:40]}", EXIT_USAGE)
    power = process.system.power
    if name in _TRUTHS:
        power.set_battery(**{name: value == "1"})
    else:
        power.set_battery(**{"temperature" if name == "temp" else name: int(value)})


def _shown(process: Process) -> list[str]:
    battery = process.system.power.battery
    stopped = ["  (UPDATES STOPPED -- use 'reset' to restart)"] if battery.frozen else []
    return [
        "Current Battery Service state:",
        *stopped,
        f"  AC powered: {str(battery.ac).lower()}",
        f"  USB powered: {str(battery.usb).lower()}",
        f"  Wireless powered: {str(battery.wireless).lower()}",
        "  Max charging current: 500000",
        f"  status: {battery.status}",
        "  health: 2",
        "  present: true",
        f"  level: {battery.level}",
        "  scale: 100",
        "  voltage: 4200",
        f"  temperature: {battery.temperature}",
        "  technology: Li-ion",
    ]
