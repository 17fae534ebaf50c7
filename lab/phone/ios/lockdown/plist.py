"""Property lists from outside: bounded, and nothing but what a plist can hold."""

from __future__ import annotations

import plistlib
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.parsers.expat import ExpatError

Plist = bool | int | float | str | bytes | datetime | Sequence["Plist"] | Mapping[str, "Plist"]
"""What a property list can hold."""

MAX_DEPTH = 32
MAX_VALUES = 20_000
"""Values of one list; what is shared counts as often as it is reached."""

_SINGLE = (bool, int, float, str, bytes, datetime)
_BROKEN = (
    # What plistlib raises on nonsense, as it looks for few mistakes itself.
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
    ExpatError,
)


class BadPlist(Exception):
    """It is no property list, or one that is deeper or larger than any real one."""


def decode(content: bytes) -> dict[str, Plist]:
    """Read a property list, XML or binary, whose top is a dictionary. Raises BadPlist."""
    read = load(content)
    if not isinstance(read, dict):
        raise BadPlist("a property list that is no dictionary")
    _measure(read)
    return read


def load(content: bytes) -> object:
    """Read a property list, whatever is in it and however much. Raises BadPlist."""
    try:
        # go-ios sends profiles with an empty line before the XML.
        return plistlib.loads(content.lstrip(b" \t\r\n"))
    except _BROKEN as error:
        raise BadPlist(f"no property list: {type(error).__name__}") from None


def encode(value: Mapping[str, Plist], *, binary: bool = False) -> bytes:
    """Write a property list, as XML unless ``binary`` or where XML cannot hold it."""
    if not binary:
        try:
            return plistlib.dumps(dict(value))
        except ValueError:
            # Control characters, which are none in XML.
            pass
    return plistlib.dumps(dict(value), fmt=plistlib.FMT_BINARY)


def _measure(top: object) -> None:
    """Raise BadPlist for what is too deep, too large or not of strings as keys. A binary list can
    hold itself: it is too deep then."""
    waiting, count = [(top, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise BadPlist("a property list whose keys are no strings")
            below: list[object] = list(value.values())
        elif isinstance(value, list):
            below = value
        elif isinstance(value, _SINGLE):
            if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
                raise BadPlist("a number that is too large")
            continue
        else:
            raise BadPlist(f"a property list with a {type(value).__name__}")
        if depth == MAX_DEPTH or count + len(waiting) + len(below) > MAX_VALUES:
            raise BadPlist("a property list that is too deep or too large")
        waiting += [(each, depth + 1) for each in below]
