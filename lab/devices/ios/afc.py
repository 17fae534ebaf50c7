"""Apple File Conduit's client, as far as it takes to put a file on an iPhone.

A packet is 40 bytes (magic, length of all, length up to the end of its own fields, number,
operation; little-endian), the operation's fields, and data.
"""

from __future__ import annotations

import itertools
import struct

from lab.devices.android.link import CommandRefused
from lab.devices.ios.reach import Reach
from lab.devices.ios.service import Service
from lab.model.device import DeviceLost

SERVICE = "com.apple.afc"
PART = 256 * 1024
"""Bytes that are written at once."""
MAX_ANSWER = 64 * 1024

_HEADER = struct.Struct("<8s4Q")
_MAGIC = b"CFA6LPAA"
_STATUS, _MAKE_FOLDER, _OPEN, _OPENED, _WRITE, _CLOSE = 1, 9, 13, 14, 16, 20
_REPLACE = 3
"""Open for writing; what was there is gone."""
_number = itertools.count(1)


def push(reach: Reach, path: str, content: bytes) -> None:
    """Write a file below the phone's media folder, and the folder that it is in. Raises
    DeviceLost, CommandRefused."""
    with reach.service(SERVICE) as service:
        folder = path.rpartition("/")[0]
        if folder:
            _done(service, _MAKE_FOLDER, folder.encode() + b"\0")
        operation, answer = _ask(
            service, _OPEN, struct.pack("<Q", _REPLACE) + path.encode() + b"\0"
        )
        if operation != _OPENED or len(answer) < 8:
            raise CommandRefused(f"the iPhone does not open {path}: {_words(operation, answer)}")
        handle = answer[:8]
        for start in range(0, len(content), PART):
            _done(service, _WRITE, handle, content[start : start + PART])
        _done(service, _CLOSE, handle)


def _done(service: Service, operation: int, fields: bytes, data: bytes = b"") -> None:
    answered, answer = _ask(service, operation, fields, data)
    if answered != _STATUS or answer[:8] != bytes(8):
        raise CommandRefused(
            f"the iPhone refuses operation {operation}: {_words(answered, answer)}"
        )


def _ask(service: Service, operation: int, fields: bytes, data: bytes = b"") -> tuple[int, bytes]:
    """Return the operation of the answer, and what it holds."""
    own = _HEADER.size + len(fields)
    header = _HEADER.pack(_MAGIC, own + len(data), own, next(_number), operation)
    service.write(header + fields + data)
    magic, length, _, _, answered = _HEADER.unpack(service.read(_HEADER.size))
    if magic != _MAGIC or not _HEADER.size <= length <= MAX_ANSWER:
        raise DeviceLost("the iPhone's com.apple.afc does not answer in its own protocol")
    return answered, service.read(length - _HEADER.size)


def _words(operation: int, answer: bytes) -> str:
    status = int.from_bytes(answer[:8], "little") if operation == _STATUS else -operation
    return {8: "not found", 10: "permission denied", 18: "no space"}.get(status, f"error {status}")
