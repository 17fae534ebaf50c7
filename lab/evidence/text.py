"""Words and numbers as a reader sees them: short, and harmless wherever they are shown."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Control characters (but tab and newline), zero-width ones and those that turn the writing
direction: an app's words must not recolour a terminal nor reverse the text around them."""

LINE_BREAKS = re.compile(r"[\t\n]+")

DIGEST_SHOWN = 8
"""Hexadecimal digits of a digest that are enough to tell two chains apart at a glance."""


def visible(text: str) -> str:
    """Return ``text`` with every invisible character written out as ``\\x1b`` or ``\\u202e``."""
    if text.isprintable():
        # As nearly every text: none of those characters is.
        return text
    return INVISIBLE.sub(lambda found: _written_out(found.group()), text)


def one_line(text: str) -> str:
    """Return ``text`` as ``visible`` does, on a single line."""
    return LINE_BREAKS.sub(" ", visible(text)).strip()


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def clipped(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` characters; an ellipsis says that there was more."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def sentence(text: str) -> str:
    """Return ``text`` with a capital first letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def short_digest(digest: str) -> str:
    """Return the beginning of a hexadecimal digest."""
    return digest if len(digest) <= DIGEST_SHOWN else digest[:DIGEST_SHOWN] + "…"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``number`` and the noun in its right form: ``1 attack``, ``3 attacks``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: list[str]) -> str:
    """Return ``parts`` joined as in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as a reader says them: ``40 ms``, ``1.4 s``, ``2 min 05 s``; ``unknown``
    where they are no number of seconds."""
    if not math.isfinite(seconds):
        return "unknown"
    if 0 < seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(at: float | None) -> str:
    """Return epoch seconds as UTC date and time; a dash where there is none or it is absurd."""
    if at is None:
        return "-"
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{at!r} (no date)"
