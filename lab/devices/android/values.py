"""Reads what an item of the undo journal wrote: values that somebody may have edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from lab.devices.item import Value


def mapping(value: Value) -> Mapping[str, Value]:
    """Return an object. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("the value is not an object")
    return value


def texts(value: Value) -> list[str]:
    """Return a list of texts. Raises ValueError."""
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(_is_text(each) for each in value)
    ):
        raise ValueError("the value is not a list of texts")
    return [each for each in value if _is_text(each)]


def text(value: Value) -> str:
    """Return a text. Raises ValueError."""
    if not _is_text(value):
        raise ValueError("the value is not a text")
    return value


def text_or_none(value: Value) -> str | None:
    """Return a text or None. Raises ValueError."""
    return None if value is None else text(value)


def number(value: Value) -> float:
    """Return a number. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("the value is not a number")
    return float(value)


def argument(arguments: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Return an item's arguments, which are exactly these. Raises ValueError."""
    if set(arguments) != set(names):
        wanted = ", ".join(names) or "nothing"
        raise ValueError(
            f"the item's arguments are {', '.join(arguments) or 'nothing'}, not {wanted}"
        )
    return tuple(arguments[name] for name in names)


def _is_text(value: Value) -> TypeGuard[str]:
    return isinstance(value, str)
