"""What the device services have in common: how they receive, and what they notify of."""

from __future__ import annotations

import plistlib
import struct
from collections.abc import Mapping

from lab.phone.ios.lockdown.messages import receive
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.wire import Wire

_LENGTH = struct.Struct(">I")

Message = Mapping[str, Plist]


def next_message(wire: Wire) -> Message:
    """Return the next message of a client, however long it takes to send one. Raises
    ProtocolBroken, OSError, EOFError."""
    return receive(wire, limit=wire.limits.service_request, cap=None)


def text(message: Message, key: str) -> str:
    """Return a text of a message, empty where there is none."""
    value = message.get(key)
    return value if isinstance(value, str) else ""


def below(message: Message, key: str) -> Message:
    """Return a dictionary of a message, empty where there is none."""
    value = message.get(key)
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> tuple[str, ...]:
    """Return the texts in a list; nothing for what is no list."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(each for each in value if isinstance(each, str))


def send_data(wire: Wire, content: bytes) -> None:
    """Send a message that is nothing but bytes. Raises OSError."""
    packed = plistlib.dumps(content, fmt=plistlib.FMT_BINARY)
    wire.send(_LENGTH.pack(len(packed)) + packed)
