"""Text from devices and networks as every format for machines may hold it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from lab.evidence.text import LINE_BREAKS, clipped, visible

_NO_TEXT = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What ``visible`` leaves and XML 1.0 forbids (section 2.2, Char)."""

LONGEST = 2000
"""Characters of one text from outside; the evidence record has all of it."""


def plain(text: str) -> str:
    """Return ``text`` with each character that is no text written out as ``\\x1b``: what is left
    is valid in XML 1.0, in JSON and in UTF-8. Tabs and newlines stay."""
    if text.isprintable():
        return text
    return _NO_TEXT.sub(lambda found: f"\\u{ord(found.group()):04x}", visible(text))


def plain_line(text: str, limit: int = LONGEST) -> str:
    """Return ``text`` as ``plain`` does, on one line of at most ``limit`` characters."""
    return clipped(LINE_BREAKS.sub(" ", plain(text)).strip(), limit)


def utc(at: float | None) -> datetime | None:
    """Return epoch seconds as a moment, in whole milliseconds; None where they are none."""
    if at is None or not math.isfinite(at):
        return None
    try:
        told = datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return told.replace(microsecond=told.microsecond // 1000 * 1000)


def zulu(at: float | None) -> str | None:
    """Return epoch seconds in ISO 8601 with a ``Z``, as SARIF (section 3.9) asks for."""
    told = utc(at)
    return None if told is None else told.isoformat(timespec="milliseconds")[:-6] + "Z"


def finite(seconds: float) -> float:
    """Return ``seconds``; 0 where they are no number that has a length."""
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
