"""Messages of lockdownd and of the device services: a length, big-endian, and a property list."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode
from lab.phone.ios.lockdown.wire import Wire

_LENGTH = struct.Struct(">I")


class ProtocolBroken(Exception):
    """The peer does not speak this protocol, or says too much; the connection is closed."""


def receive(wire: Wire, *, limit: int, cap: float | None) -> dict[str, Plist]:
    """Return the next message, whose first bytes have come within ``cap`` seconds. Raises
    ProtocolBroken, OSError, EOFError."""
    (length,) = _LENGTH.unpack(wire.receive(_LENGTH.size, cap))
    if length > limit:
        raise ProtocolBroken(f"a message of {length} bytes, more than {limit}")
    try:
        return decode(wire.receive(length, wire.limits.message))
    except BadPlist as error:
        raise ProtocolBroken(str(error)) from None


def send(wire: Wire, message: Mapping[str, Plist]) -> None:
    """Send a message. Raises OSError."""
    content = encode(message)
    wire.send(_LENGTH.pack(len(content)) + content)
