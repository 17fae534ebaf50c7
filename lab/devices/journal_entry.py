"""What stands in the undo journal's files. Pure: values in, bytes out, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.devices.item import Value

FORMAT = "trustpin-lab-journal/1"
MOST = 4 << 20
"""Bytes of a file of the journal."""

_LONGEST = 200


class Unreadable(ValueError):
    """A file of the journal is none of ours; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose journal it is, and how that device is reached."""

    key: str
    """The device's own serial number."""
    device: str
    """Its name in devices.yaml."""
    address: Mapping[str, Value]
    """How it was reached, as the registry understands it. Holds no secret."""
    model: str
    run_id: str
    """The last run that changed the device."""
    started: str
    """When that run began: UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the device, and what it was before the lab touched it."""

    kind: str
    arguments: Mapping[str, str]
    value: Value

    @property
    def identity(self) -> str:
        """What tells this item from all others."""
        return identity_of(self.kind, self.arguments)

    def __str__(self) -> str:
        return describe(self.kind, self.arguments)


def identity_of(kind: str, arguments: Mapping[str, str]) -> str:
    """Return what tells an item from all others, whatever the order of its arguments."""
    return json.dumps([kind, sorted(arguments.items())])


def describe(kind: str, arguments: Mapping[str, str]) -> str:
    """Say to a person which item is meant."""
    told = ", ".join(f"{name} {value}" for name, value in sorted(arguments.items()))
    return shown(f"{kind} ({told})" if told else kind)


def shown(value: object) -> str:
    """Return a text, or another value as JSON, on one short line that harms no terminal."""
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    line = "".join(c if c.isprintable() else "�" for c in text[:_LONGEST])
    return f"{line}…" if len(text) > _LONGEST else line


def header_bytes(header: Header) -> bytes:
    """Return what is written for a header. Raises Unreadable for what could not be read again."""
    return _written(asdict(header))


def entry_bytes(entry: Entry) -> bytes:
    """Return what is written for an entry. Raises Unreadable for what could not be read again."""
    return _written({"kind": entry.kind, "arguments": dict(entry.arguments), "value": entry.value})


def read_header(content: bytes) -> Header:
    """Return the header that ``header_bytes`` made these bytes of. Raises Unreadable."""
    said = _said(content)
    texts = ("key", "device", "model", "run_id", "started")
    _check_keys(said, {*texts, "address"})
    if not isinstance(said["address"], dict):
        raise Unreadable("'address' is not an object")
    for name in texts:
        if not isinstance(said[name], str):
            raise Unreadable(f"{name!r} is not a text")
    return Header(**said)


def read_entry(content: bytes) -> Entry:
    """Return the entry that ``entry_bytes`` made these bytes of. Raises Unreadable."""
    said = _said(content)
    _check_keys(said, {"kind", "arguments", "value"})
    kind, arguments = said["kind"], said["arguments"]
    if not isinstance(kind, str):
        raise Unreadable("'kind' is not a text")
    if not isinstance(arguments, dict) or not all(isinstance(a, str) for a in arguments.values()):
        raise Unreadable("'arguments' are not an object of texts")
    return Entry(kind, arguments, said["value"])


def _written(content: Mapping[str, Any]) -> bytes:
    try:
        # Indented, for who has to put something back by hand.
        text = json.dumps({"format": FORMAT, **content}, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable(f"cannot be written as JSON: {shown(str(error))}") from None
    if len(text) > MOST:
        raise Unreadable(f"longer than {MOST} bytes")
    return f"{text}\n".encode()


def _said(content: bytes) -> dict[str, Any]:
    if len(content) > MOST:
        raise Unreadable(f"longer than {MOST} bytes")
    try:
        said = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {shown(str(error))}") from None
    if not isinstance(said, dict):
        raise Unreadable("not a JSON object")
    found = said.pop("format", None)
    if found != FORMAT:
        raise Unreadable(f"its format is {shown(found)}, this version of the lab reads {FORMAT}")
    return said


def _check_keys(said: Mapping[str, Any], expected: set[str]) -> None:
    for name in sorted(expected - said.keys()):
        raise Unreadable(f"{name!r} is missing")
    for name in sorted(said.keys() - expected):
        raise Unreadable(f"{shown(name)!r} is not known")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
