"""DTX: messages between Apple's developer tools and a phone, on several channels of a connection.

Not documented by Apple; what appium-ios-remotexpc and pymobiledevice3 speak, who found it out. All
numbers are little-endian. A message is a selector with its arguments, or what one came to.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from lab.phone.ios.remote.archive import BadArchive, Value, archive, unarchive

HEADER = struct.Struct("<IIHHIIIiI")
"""Magic, size of the header, fragment, fragments, length of what follows, identifier,
conversation, channel, whether a reply is expected."""
MAGIC = 0x1F3D5B79
MAX_FRAGMENTS = 1000

_PAYLOAD = struct.Struct("<IIQ")
_AUXILIARY = struct.Struct("<QQ")
_AUXILIARY_MAGIC = 0x1F0
_KINDS, _COMPRESSED, _EXPECTS_REPLY = 0xFF, 0xFF000, 0x1000
_EMPTY_KEY, _OBJECT, _INT32, _INT64 = 0xA, 2, 3, 6
_WORD = struct.Struct("<I")
_LONG = struct.Struct("<q")


class BadDtx(Exception):
    """It is no message of the protocol."""


class Kind(IntEnum):
    """What a message is."""

    DONE = 0
    """A reply without a value."""
    CALL = 2
    REPLY = 3
    FAILED = 4
    """A reply that the call could not be carried out."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The header of one piece of a message. Where there are several, the first one is nothing but
    a header."""

    index: int
    count: int
    length: int
    """Bytes that follow it."""
    identifier: int
    conversation: int
    """0 for a call, 1 for the reply to one."""
    channel: int
    expects_reply: bool

    @property
    def has_body(self) -> bool:
        """Whether the bytes follow it at once."""
        return self.count == 1 or self.index > 0

    @property
    def is_last(self) -> bool:
        """Whether the message is whole with it."""
        return self.index == self.count - 1


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    kind: Kind
    value: Value = None
    """The selector of a call; what a reply says."""
    arguments: tuple[Value, ...] = ()
    identifier: int = 0
    conversation: int = 0
    channel: int = 0
    expects_reply: bool = False

    def answered(self, kind: Kind, value: Value = None) -> Message:
        """Return a reply to this message."""
        return Message(kind, value, (), self.identifier, self.conversation + 1, self.channel)


def read_header(content: bytes, limit: int) -> Fragment:
    """Read a header. Raises BadDtx for what is none, or promises more than ``limit`` bytes."""
    magic, size, index, count, length, identifier, conversation, channel, expects = HEADER.unpack(
        content
    )
    if magic != MAGIC or size != HEADER.size:
        raise BadDtx("bytes that are no DTX header")
    if not 0 <= index < count <= MAX_FRAGMENTS:
        raise BadDtx(f"fragment {index} of {count}")
    if length > limit:
        raise BadDtx(f"a message of {length} bytes, more than {limit}")
    return Fragment(index, count, length, identifier, conversation, channel, bool(expects))


def read_body(header: Fragment, body: bytes) -> Message:
    """Read what follows the header, or the headers, of a message. Raises BadDtx."""
    if len(body) < _PAYLOAD.size:
        raise BadDtx("a message without a payload")
    flags, auxiliary, total = _PAYLOAD.unpack_from(body)
    inside = body[_PAYLOAD.size :]
    if flags & _COMPRESSED & ~_EXPECTS_REPLY:
        raise BadDtx("a message that is compressed")
    if not auxiliary <= total == len(inside):
        raise BadDtx(f"a message of {len(inside)} bytes that says {total}")
    try:
        kind = Kind(flags & _KINDS)
        value = unarchive(inside[auxiliary:]) if total > auxiliary else None
        arguments = _read_arguments(inside[:auxiliary])
    except ValueError:
        raise BadDtx(f"a message of kind {flags & _KINDS}") from None
    except BadArchive as error:
        raise BadDtx(str(error)) from None
    return Message(
        kind,
        value,
        arguments,
        header.identifier,
        header.conversation,
        header.channel,
        header.expects_reply,
    )


def packed(message: Message) -> bytes:
    """Write a message, in one piece."""
    auxiliary = _arguments(message.arguments)
    # A method without a name is none, a reply may be without a value.
    inside = b"" if message.value is None else archive(message.value)
    flags = message.kind | (_EXPECTS_REPLY if message.expects_reply else 0)
    body = _PAYLOAD.pack(flags, len(auxiliary), len(auxiliary) + len(inside)) + auxiliary + inside
    header = HEADER.pack(
        MAGIC,
        HEADER.size,
        0,
        1,
        len(body),
        message.identifier,
        message.conversation,
        message.channel,
        message.expects_reply,
    )
    return header + body


def _arguments(arguments: Sequence[Value]) -> bytes:
    if not arguments:
        return b""
    items = b"".join(map(_argument, arguments))
    return _AUXILIARY.pack(_AUXILIARY_MAGIC, len(items)) + items


def _argument(value: Value) -> bytes:
    # A number goes as it is: the code of a channel does. All else is archived.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32:
        return _WORD.pack(_EMPTY_KEY) + _WORD.pack(_INT32) + _WORD.pack(value)
    content = archive(value)
    return _WORD.pack(_EMPTY_KEY) + _WORD.pack(_OBJECT) + _WORD.pack(len(content)) + content


def _read_arguments(content: bytes) -> tuple[Value, ...]:
    """Read the arguments. Raises BadDtx, BadArchive."""
    if not content:
        return ()
    if len(content) < _AUXILIARY.size:
        raise BadDtx("arguments that break off")
    magic, size = _AUXILIARY.unpack_from(content)
    # The upper bytes of the magic are the room that its writer had, whatever that was.
    if magic & 0xFF != _AUXILIARY_MAGIC & 0xFF or size != len(content) - _AUXILIARY.size:
        raise BadDtx("arguments that are none")
    found: list[Value] = []
    at = _AUXILIARY.size
    try:
        while at < len(content):
            key, kind = struct.unpack_from("<II", content, at)
            if key != _EMPTY_KEY:
                raise BadDtx("an argument with a name")
            at += 8
            if kind == _INT32:
                found.append(_WORD.unpack_from(content, at)[0])
                at += _WORD.size
            elif kind == _INT64:
                found.append(_LONG.unpack_from(content, at)[0])
                at += _LONG.size
            elif kind == _OBJECT:
                (length,) = _WORD.unpack_from(content, at)
                at += _WORD.size
                if at + length > len(content):
                    raise BadDtx("an argument that breaks off")
                found.append(unarchive(content[at : at + length]) if length else None)
                at += length
            else:
                raise BadDtx(f"an argument of type {kind}")
    except struct.error:
        raise BadDtx("arguments that break off") from None
    return tuple(found)
