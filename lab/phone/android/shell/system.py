"""Commands about the phone itself: date, id, whoami, and those that are told of elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lab.phone.android.shell import device, dumps, keys, logs, processes, properties, services
from lab.phone.android.shell.process import Command, CommandFailed, Process, options

MAX_FORMAT = 200
"""Characters of date's format."""

_POSIX_DATE = re.compile(
    r"(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)"
    r"(?P<year>\d\d(?:\d\d)?)?(?:\.(?P<second>\d\d))?",
    re.ASCII,
)
_EPOCH = re.compile(r"@(\d{1,12}(?:\.\d{1,9})?)", re.ASCII)


def _date(process: Process) -> int:
    _, rest = options(process, "u")
    if len(rest) > 1:
        raise CommandFailed("date: Max 1 argument")
    shown = "+%a %b %e %H:%M:%S %Z %Y"
    if rest and rest[0].startswith("+"):
        shown = rest[0]
    elif rest:
        try:
            process.phone.set_clock(_moment(rest[0], process.phone.now()))
        except ValueError:
            raise CommandFailed(f"date: bad date '{rest[0][:40]}'") from None
    if len(shown) > MAX_FORMAT:
        raise CommandFailed("date: the format is too long")
    now = datetime.fromtimestamp(process.phone.now(), UTC)
    try:
        process.out.line(now.strftime(shown[1:]))
    except ValueError:
        raise CommandFailed(f"date: bad format '{shown[:40]}'") from None
    return 0


def _moment(text: str, now: float) -> float:
    """Read ``@EPOCH`` or ``MMDDhhmm[[CC]YY][.ss]``, in UTC. Raises ValueError."""
    if (match := _EPOCH.fullmatch(text)) is not None:
        return float(match[1])
    match = _POSIX_DATE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year = match["year"] or str(datetime.fromtimestamp(now, UTC).year)
    if len(year) == 2:
        # POSIX, date: 69 to 99 are of the twentieth century.
        year = f"{19 if int(year) >= 69 else 20}{year}"
    month, day, hour, minute, second = (
        int(match[part] or 0) for part in ("month", "day", "hour", "minute", "second")
    )
    return datetime(int(year), month, day, hour, minute, second, tzinfo=UTC).timestamp()


def _id(process: Process) -> int:
    found, _ = options(process, "u")
    process.out.line("0" if "u" in found else "uid=0(root) gid=0(root) groups=0(root)")
    return 0


def _whoami(process: Process) -> int:
    process.out.line("root")
    return 0


COMMANDS: dict[str, Command] = {
    **device.COMMANDS,
    **dumps.COMMANDS,
    **keys.COMMANDS,
    **logs.COMMANDS,
    **processes.COMMANDS,
    **properties.COMMANDS,
    **services.COMMANDS,
    "date": _date,
    "id": _id,
    "whoami": _whoami,
}
