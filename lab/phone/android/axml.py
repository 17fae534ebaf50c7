"""Android's binary XML, in which an APK holds its manifest: read with bounds.

Source: AOSP, frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h. All integers are
little-endian; a chunk begins with u16 type, u16 size of its header, u32 size of it all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_ELEMENTS = 50_000
MAX_ATTRIBUTES = 1_000
"""Of one element."""
MAX_STRINGS = 100_000
MAX_STRING = 64 * 1024
"""Bytes of one string."""
MAX_DEPTH = 200
NOTHING = 0xFFFFFFFF
"""An index into the strings that means none."""

XML, STRINGS, RESOURCE_IDS = 0x0003, 0x0001, 0x0180
START, END = 0x0102, 0x0103
CHUNK = struct.Struct("<HHI")
POOL = struct.Struct("<IIIII")
"""Strings, styles, flags, where the strings start, where the styles start."""
ELEMENT = struct.Struct("<IIHHHHHH")
"""Namespace, name, start, size and count of the attributes, id, class, style."""
ATTRIBUTE = struct.Struct("<IIIHBBI")
"""Namespace, name, text, then size, 0, type and data of the value."""
NODE_HEADER = 16
UTF8 = 0x100
"""The flag of strings in UTF-8; else they are in UTF-16."""

TEXT, DECIMAL, HEXADECIMAL, TRUTH = 0x03, 0x10, 0x11, 0x12
"""Types of values that can be told without the resources."""

ATTRIBUTES = {
    0x01010001: "label",
    0x01010003: "name",
    0x01010021: "targetPackage",
    0x0101020C: "minSdkVersion",
    0x0101021B: "versionCode",
    0x0101021C: "versionName",
    0x01010270: "targetSdkVersion",
    0x01010576: "versionCodeMajor",
}
"""Attributes that are known by their resource, whatever an obfuscator calls them."""

Value = str | int | bool


class BadXml(Exception):
    """The content is no binary XML; the message says what is wrong with it."""


@dataclass(slots=True)
class Element:
    """One element. Attributes whose values are resources are left out."""

    name: str
    attributes: dict[str, Value] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Element]:
        """Yield the elements that ``path`` leads to from here."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def text(self, attribute: str) -> str:
        """Return an attribute that is a text, empty where it is none."""
        value = self.attributes.get(attribute)
        return value if isinstance(value, str) else ""

    def number(self, attribute: str) -> int:
        """Return an attribute that is a number, 0 where it is none."""
        value = self.attributes.get(attribute)
        return value if isinstance(value, int) else 0


def read(content: bytes) -> Element:
    """Return the root element. Raises BadXml, nothing else."""
    try:
        return _Reader(content).read()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise BadXml("it ends too early, or points outside of itself") from error


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._strings: _Strings | None = None
        self._resources: tuple[int, ...] = ()
        self._elements = 0
        self._root: Element | None = None
        self._open: list[Element] = []

    def read(self) -> Element:
        kind, header, size = CHUNK.unpack_from(self._content)
        if kind != XML or header < CHUNK.size or size > len(self._content):
            raise BadXml("it does not begin as binary XML does")
        at = header
        while at < size:
            kind, header, length = CHUNK.unpack_from(self._content, at)
            if not CHUNK.size <= header <= length or length > size - at:
                raise BadXml(f"the chunk at {at} has no possible length")
            self._chunk(kind, header, self._content[at : at + length])
            at += length
        if self._root is None:
            raise BadXml("it has no element")
        return self._root

    def _chunk(self, kind: int, header: int, chunk: memoryview) -> None:
        if kind == STRINGS and self._strings is None:
            self._strings = _Strings(header, chunk)
        elif kind == RESOURCE_IDS:
            count = min((len(chunk) - header) // 4, MAX_STRINGS)
            self._resources = struct.unpack_from(f"<{count}I", chunk, header)
        elif kind == START:
            self._start(header, chunk)
        elif kind == END and self._open:
            self._open.pop()

    def _start(self, header: int, chunk: memoryview) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._open) == MAX_DEPTH:
            raise BadXml("it has too many elements")
        _, name, start, size, count, *_ = ELEMENT.unpack_from(chunk, header)
        if size < ATTRIBUTE.size or count > MAX_ATTRIBUTES:
            raise BadXml("an element has no possible attributes")
        element = Element(self._string(name))
        for number in range(count):
            self._attribute(element, chunk, header + start + number * size)
        if self._open:
            self._open[-1].children.append(element)
        elif self._root is None:
            self._root = element
        self._open.append(element)

    def _attribute(self, element: Element, chunk: memoryview, at: int) -> None:
        _, name, _, _, _, kind, data = ATTRIBUTE.unpack_from(chunk, at)
        known = None
        if name < len(self._resources):
            known = ATTRIBUTES.get(self._resources[name])
        key = known or self._string(name)
        if kind == TEXT:
            element.attributes[key] = self._string(data)
        elif kind in (DECIMAL, HEXADECIMAL):
            element.attributes[key] = data
        elif kind == TRUTH:
            element.attributes[key] = data != 0

    def _string(self, index: int) -> str:
        if index == NOTHING:
            return ""
        if self._strings is None:
            raise BadXml("its strings come too late")
        return self._strings[index]


class _Strings:
    """The pool of strings. Each is read when it is asked for: offsets may all lead to one long
    string."""

    def __init__(self, header: int, chunk: memoryview) -> None:
        count, _, flags, start, _ = POOL.unpack_from(chunk, CHUNK.size)
        if count > MAX_STRINGS or start > len(chunk):
            raise BadXml("it has too many strings")
        self._offsets = struct.unpack_from(f"<{count}I", chunk, header)
        self._content = chunk[start:]
        self._read = self._utf8 if flags & UTF8 else self._utf16
        self._known: dict[int, str] = {}
        # Strings that do not overlap cannot be longer than that together.
        self._left = len(self._content)

    def __getitem__(self, index: int) -> str:
        offset = self._offsets[index]
        if offset not in self._known:
            self._known[offset] = self._read(offset)
        return self._known[offset]

    def _utf8(self, at: int) -> str:
        # The length in characters comes first, which nobody needs.
        _, at = self._length8(at)
        length, at = self._length8(at)
        return self._part(at, length).decode("utf-8", "replace")

    def _utf16(self, at: int) -> str:
        (length,) = struct.unpack_from("<H", self._content, at)
        at += 2
        if length & 0x8000:
            (low,) = struct.unpack_from("<H", self._content, at)
            length = (length & 0x7FFF) << 16 | low
            at += 2
        return self._part(at, 2 * length).decode("utf-16-le", "replace")

    def _length8(self, at: int) -> tuple[int, int]:
        length = self._content[at]
        if length & 0x80:
            return (length & 0x7F) << 8 | self._content[at + 1], at + 2
        return length, at + 1

    def _part(self, at: int, length: int) -> bytes:
        self._left -= length
        if length > MAX_STRING or self._left < 0:
            raise BadXml("a string is too long")
        part = bytes(self._content[at : at + length])
        if len(part) < length:
            raise IndexError(at)
        return part
