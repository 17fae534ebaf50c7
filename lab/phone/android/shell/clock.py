"""``date``: the phone's clock, read and set."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lab.phone.android.shell.process import Command, CommandFailed, Process

MAX_FORMAT = 200
"""Characters of date's format."""
_PLAIN = "+%a %b %e %H:%M:%S %Z %Y"

_POSIX_DATE = re.compile(
    r"(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)"
    r"(?P<year>\d\d(?:\d\d)?)?(?:\.(?P<second>\d\d))?",
    re.ASCII,
)
_EPOCH = re.compile(r"@(\d{1,12}(?:\.\d{1,9})?)", re.ASCII)
_TEXTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")


def _date(process: Process) -> int:
    shown, told, sets = _arguments(process)
    moment = process.phone.now()
    if told is not None:
        try:
            moment = _moment(told, moment)
        except ValueError:
            raise CommandFailed(f"date: bad date '{told[:40]}'") from None
    if sets:
        if not process.identity.root:
            raise CommandFailed("date: cannot set date: Operation not permitted")
        try:
            process.phone.set_clock(moment)
        except ValueError:
            raise CommandFailed(f"date: bad date '{(told or '')[:40]}'") from None
        moment = process.phone.now()
    if len(shown) > MAX_FORMAT:
        raise CommandFailed("date: the format is too long")
    try:
        at = datetime.fromtimestamp(moment, UTC)
        process.out.line(at.strftime(_expanded(shown[1:], moment)))
    except (ValueError, OverflowError, OSError):
        raise CommandFailed(f"date: bad format '{shown[:40]}'") from None
    return 0


def _arguments(process: Process) -> tuple[str, str | None, bool]:
    """Return the format, the moment that was given, and whether it is to be set. Raises
    CommandFailed."""
    rest: list[str] = []
    shown, told, sets = _PLAIN, None, False
    waiting = list(process.arguments)
    while waiting:
        word = waiting.pop(0)
        option, _, value = word.partition("=")
        if option in ("--set", "--date") and value:
            told, sets = value, sets or option == "--set"
        elif word in ("-s", "-d", "--set", "--date"):
            if not waiting:
                raise CommandFailed(f"date: Missing argument to {word}")
            told, sets = waiting.pop(0), sets or word in ("-s", "--set")
        elif word in ("-u", "--utc"):
            # The phone's time zone is UTC anyway.
            continue
        elif word.startswith("+"):
            shown = word
        elif word.startswith("-") and len(word) > 1:
            raise CommandFailed(f"date: Unknown option '{word.lstrip('-')[:20]}'")
        else:
            rest.append(word)
    if len(rest) > 1:
        raise CommandFailed("date: Max 1 argument")
    if rest:
        told, sets = rest[0], True
    return shown, told, sets


def _expanded(text: str, moment: float) -> str:
    """Write out what ``strftime`` does not know: toybox's ``%N`` and ``%s``."""
    whole, fraction = divmod(round(moment * 1e9), 10**9)
    known = {"%N": f"{fraction:09}", "%s": str(whole), "%%": "%%"}
    return re.sub(r"%.", lambda match: known.get(match[0], match[0]), text)


def _moment(text: str, now: float) -> float:
    """Read ``@EPOCH``, ``MMDDhhmm[[CC]YY][.ss]`` or ``YYYY-MM-DD hh:mm[:ss]``, in UTC. Raises
    ValueError."""
    if (match := _EPOCH.fullmatch(text)) is not None:
        return float(match[1])
    match = _POSIX_DATE.fullmatch(text)
    if match is None:
        return _written_out(text)
    year = match["year"] or str(datetime.fromtimestamp(now, UTC).year)
    if len(year) == 2:
        # POSIX, date: 69 to 99 are of the twentieth century.
        year = f"{19 if int(year) >= 69 else 20}{year}"
    month, day, hour, minute, second = (
        int(match[part] or 0) for part in ("month", "day", "hour", "minute", "second")
    )
    return datetime(int(year), month, day, hour, minute, second, tzinfo=UTC).timestamp()


def _written_out(text: str) -> float:
    if not text.isascii():
        raise ValueError(text)
    for form in _TEXTS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    raise ValueError(text)


COMMANDS: dict[str, Command] = {"date": _date}
