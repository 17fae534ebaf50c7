"""Keeps adb-shell from waiting for ever, reading without end, and believing every message."""

from __future__ import annotations

import struct
import time
from typing import Protocol

from adb_shell.transport.base_transport import BaseTransport

LONGEST_MESSAGE = 1024 * 1024
"""Bytes of a message's payload: what adb-shell announces that it takes."""
WORDS = frozenset((b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"SYNC"))

_HEADER = struct.Struct("<4s4II")
_FULL = 0xFFFFFFFF


class Broken(Exception):
    """The connection ended, or what came over it is not the adb protocol."""


class Silent(Exception):
    """The phone did not answer in time."""


class Excess(Exception):
    """The phone sent more than is taken; the message says how much that is."""


class Pipe(Protocol):
    """Carries bytes to a phone and back. Methods raise OSError (TimeoutError where nothing moved
    within ``cap`` seconds) and Broken."""

    def open(self, cap: float) -> None:
        """Reach the phone."""

    def read(self, most: int, cap: float) -> bytes:
        """Return what has come, from 1 to ``most`` bytes; none where the phone hung up."""

    def write(self, content: bytes, cap: float) -> None:
        """Send all of ``content``."""

    def close(self) -> None:
        """Hang up. May be repeated."""


class GuardedTransport(BaseTransport):  # type: ignore[misc]
    """The transport that adb-shell is given. What it asks for is bounded by ``allow``, not by the
    time limits that it names: those begin anew with every packet, so that a phone which keeps
    talking is never late.

    Methods raise Broken, Silent, Excess, and OSError where the phone cannot be reached.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._until = 0.0
        self._left = 0
        self._payload = 0
        self._cap = 0.0

    def allow(self, cap: float, most: int) -> None:
        """From now on everything together may take ``cap`` seconds and bring ``most`` bytes."""
        self._cap = cap
        self._until = time.monotonic() + cap
        self._left = most

    def connect(self, transport_timeout_s: float | None) -> None:
        """Reach the phone (of BaseTransport)."""
        self._payload = 0
        try:
            self._pipe.open(self._time())
        except TimeoutError:
            raise self._silent() from None

    def close(self) -> None:
        """Hang up (of BaseTransport)."""
        self._pipe.close()

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """Return exactly so many bytes (of BaseTransport, which allows fewer)."""
        content = bytearray()
        while len(content) < numbytes:
            try:
                chunk = self._pipe.read(numbytes - len(content), self._time())
            except TimeoutError:
                raise self._silent() from None
            if not chunk:
                raise Broken("it ended the connection")
            content += chunk
            self._left -= len(chunk)
            if self._left < 0:
                raise Excess("the phone's answer has no end")
        # adb-shell reads a header, then its payload if it has one.
        if self._payload:
            self._payload = 0
        else:
            self._payload = _payload_of(bytes(content))
        return bytes(content)

    def bulk_write(self, data: bytes | bytearray, transport_timeout_s: float | None) -> int:
        """Send everything (of BaseTransport, which allows less; adb-shell does not look)."""
        try:
            self._pipe.write(bytes(data), self._time())
        except TimeoutError:
            raise self._silent() from None
        return len(data)

    def _time(self) -> float:
        """Return how many seconds are left. Raises Silent where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._silent()
        return left

    def _silent(self) -> Silent:
        return Silent(f"it did not answer within {self._cap:g} seconds")


def _payload_of(header: bytes) -> int:
    """Return how many bytes follow a header. Raises Broken for what is none."""
    if len(header) != _HEADER.size:
        raise Broken("it does not speak the adb protocol")
    word, _, _, length, _, magic = _HEADER.unpack(header)
    if word not in WORDS or int.from_bytes(word, "little") ^ _FULL != magic:
        raise Broken("it does not speak the adb protocol: what came is no message")
    if length > LONGEST_MESSAGE:
        raise Broken(f"it does not keep to the adb protocol: a message of {length} bytes")
    return int(length)
