"""Packets of AFC, Apple's file protocol (libimobiledevice, ``src/afc.h``).

A header of 40 bytes, little-endian: magic, the length of everything, the length up to the end of
the arguments, a number that the answer repeats, the operation. Then the arguments, then data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.wire import Wire

MAGIC = b"CFA6LPAA"
HEADER = struct.Struct("<8sQQQQ")
NUMBER = struct.Struct("<Q")


class Operation(IntEnum):
    """What a packet asks for, or answers with."""

    STATUS = 1
    DATA = 2
    READ_FOLDER = 3
    TRUNCATE_PATH = 7
    REMOVE = 8
    MAKE_FOLDER = 9
    FILE_INFO = 10
    DEVICE_INFO = 11
    OPEN = 13
    OPENED = 14
    READ = 15
    WRITE = 16
    SEEK = 17
    TELL = 18
    POSITION = 19
    CLOSE = 20
    SET_SIZE = 21
    RENAME = 24
    LOCK = 27
    SET_TIME = 30
    REMOVE_ALL = 34


class Status(IntEnum):
    """How an operation went."""

    SUCCESS = 0
    UNKNOWN = 1
    NO_RESOURCES = 3
    INVALID_ARGUMENT = 7
    NOT_FOUND = 8
    IS_FOLDER = 9
    DENIED = 10
    NOT_SUPPORTED = 15
    EXISTS = 16
    NO_SPACE = 18
    NOT_EMPTY = 33


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet."""

    number: int
    operation: int
    arguments: bytes
    data: bytes

    def numbers(self, count: int) -> tuple[int, ...]:
        """Return the first ``count`` arguments, 64-bit numbers. Raises ValueError where there are
        fewer."""
        if len(self.arguments) < count * NUMBER.size:
            raise ValueError("too short")
        return struct.unpack_from(f"<{count}Q", self.arguments)

    def path(self, behind: int = 0) -> str:
        """Return the path behind some numbers. Raises ValueError where there is none."""
        name, _, _ = self.arguments[behind * NUMBER.size :].partition(b"\0")
        if not name:
            raise ValueError("no path")
        return name.decode("utf-8")

    def paths(self) -> tuple[str, str]:
        """Return two paths. Raises ValueError where there are not two."""
        first, _, rest = self.arguments.partition(b"\0")
        second, _, _ = rest.partition(b"\0")
        if not first or not second:
            raise ValueError("no two paths")
        return first.decode("utf-8"), second.decode("utf-8")


def receive(wire: Wire) -> Packet:
    """Return the next packet, however long a client takes to send one. Raises ProtocolBroken,
    OSError, EOFError."""
    magic, whole, upto, number, operation = HEADER.unpack(wire.receive(HEADER.size, None))
    if magic != MAGIC:
        raise ProtocolBroken("a header with a wrong magic")
    if not HEADER.size <= upto <= whole:
        raise ProtocolBroken(f"a packet of {whole} bytes, {upto} of them before its data")
    if whole > wire.limits.service_request:
        raise ProtocolBroken(f"a packet of {whole} bytes")
    arguments = wire.receive(upto - HEADER.size, wire.limits.message)
    data = wire.receive(whole - upto, wire.limits.message)
    return Packet(number, operation, arguments, data)


def pack(number: int, operation: Operation, arguments: bytes = b"", data: bytes = b"") -> bytes:
    """Write a packet."""
    upto = HEADER.size + len(arguments)
    return HEADER.pack(MAGIC, upto + len(data), upto, number, operation) + arguments + data
