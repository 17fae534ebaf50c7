"""The phone's log, from one moment on."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.devices.android.link import COMMAND_CAP, AdbLink, CommandRefused

MOST_LINES = 20_000
LONGEST_LINE = 4096
MARK = "TrustPinLab"
"""Tag of the lines that the lab writes itself."""

_MOMENT = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", re.ASCII)
_LINE = re.compile(
    r"(?P<at>\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\s+(?P<pid>\d{1,9})\s+(?P<tid>\d{1,9})\s"
    r"(?P<level>[VDIWEFS])\s(?P<tag>.*?)\s*: (?P<message>.*)",
    re.ASCII,
)
_TAG = re.compile(r"[^\s:*]{1,100}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log."""

    at: str
    """When, in the phone's own time and time zone: ``MM-DD hh:mm:ss.mmm``."""
    pid: int
    level: str
    """V, D, I, W, E or F."""
    tag: str
    message: str


def seconds(at: str) -> float:
    """Return a line's ``at`` as seconds. A log does not tell the year: only differences mean
    anything."""
    # A leap year, or the 29th of February would be no day.
    return datetime.strptime(f"2000-{at}+0000", "%Y-%m-%d %H:%M:%S.%f%z").timestamp()


def log_moment(link: AdbLink) -> str:
    """Return the phone's now, for ``read_log`` later. The phone itself writes it down: its time
    zone is its own affair. Raises DeviceLost, CommandRefused."""
    told = link.shell("date '+%m-%d %H:%M:%S.000'").strip()
    if not _MOMENT.fullmatch(told):
        raise CommandRefused("the phone's date cannot be read")
    return told


def mark_log(link: AdbLink) -> str:
    """Write a line of the lab's own into the log, for ``read_log_after``: times alone, which the
    phone tells in whole seconds, would not part what was before from what came after. Raises
    DeviceLost, CommandRefused."""
    word = secrets.token_hex(8)
    told = link.shell(f"date '+%m-%d %H:%M:%S.000'; log -t {MARK} {word}").strip()
    if not _MOMENT.fullmatch(told):
        raise CommandRefused("the phone's date cannot be read")
    return f"{told} {word}"


def read_log_after(link: AdbLink, mark: str) -> tuple[LogLine, ...]:
    """Return what was logged since a ``mark_log``. Raises DeviceLost, CommandRefused."""
    moment, _, word = mark.rpartition(" ")
    lines = read_log(link, moment)
    marks = [n for n, line in enumerate(lines) if (line.tag, line.message) == (MARK, word)]
    # Where so much was logged that the mark is gone, all that is left came after it.
    return lines[marks[-1] + 1 :] if marks else lines


def read_log(
    link: AdbLink,
    since: str,
    tags: Sequence[str] = (),
    *,
    limit: int = MOST_LINES,
    cap: float = COMMAND_CAP,
) -> tuple[LogLine, ...]:
    """Return what was logged since a ``log_moment``, the last ``limit`` lines of it; of ``tags``
    alone where there are some. Raises DeviceLost, CommandRefused, and ValueError for a moment
    and tags that are none."""
    if not _MOMENT.fullmatch(since):
        raise ValueError(f"{since!r} is no moment of a log")
    if not all(map(_TAG.fullmatch, tags)):
        raise ValueError(f"no tags: {tags!r}")
    words = ["logcat", "-d", "-v", "threadtime", "-T", since]
    words += [*(f"{tag}:V" for tag in tags), "*:S"] if tags else []
    told = link.shell(f"{shlex.join(words)} | tail -n {min(limit, MOST_LINES)}", cap=cap)
    return tuple(filter(None, map(log_line, told.splitlines())))


def log_line(text: str) -> LogLine | None:
    """Read a line of the format ``threadtime``; None for what is none, such as a heading."""
    match = _LINE.match(text[:LONGEST_LINE])
    if match is None:
        return None
    return LogLine(
        match["at"], int(match["pid"]), match["level"], match["tag"], match["message"].rstrip("\r")
    )
