"""Writes Android's binary XML: the manifests of the apps that the phone comes with."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lab.phone.android.axml import (
    ATTRIBUTE,
    ATTRIBUTES,
    CHUNK,
    DECIMAL,
    ELEMENT,
    END,
    NODE_HEADER,
    NOTHING,
    POOL,
    RESOURCE_IDS,
    START,
    STRINGS,
    TEXT,
    TRUTH,
    XML,
    Element,
    Value,
)

ANDROID = "http://schemas.android.com/apk/res/android"
"""Namespace of the attributes that are resources."""
_START_NAMESPACE, _END_NAMESPACE = 0x0100, 0x0101
_RESOURCES = {name: resource for resource, name in ATTRIBUTES.items()}
_VALUE_SIZE = 8
_TRUE = 0xFFFFFFFF
_END = struct.Struct("<II")


def write(root: Element) -> bytes:
    """Return the binary XML of an element. The attributes that ``ATTRIBUTES`` names are in
    Android's namespace, others in none."""
    return _Writer(root).write(root)


class _Writer:
    def __init__(self, root: Element) -> None:
        elements = list(_walk(root))
        used = {name for element in elements for name in element.attributes}
        # The map of resources goes by position, so those that have one come first.
        self._resources = sorted(used & _RESOURCES.keys(), key=_RESOURCES.__getitem__)
        texts = [ANDROID, "android"]
        for element in elements:
            texts.append(element.name)
            texts += element.attributes
            texts += (value for value in element.attributes.values() if isinstance(value, str))
        rest = dict.fromkeys(text for text in texts if text not in self._resources)
        self._index = {text: number for number, text in enumerate([*self._resources, *rest])}

    def write(self, root: Element) -> bytes:
        namespace = _END.pack(self._index["android"], self._index[ANDROID])
        body = b"".join(
            (
                self._pool(),
                _chunk(RESOURCE_IDS, b"", b"".join(map(self._resource, self._resources))),
                _node(_START_NAMESPACE, namespace),
                *self._element(root),
                _node(_END_NAMESPACE, namespace),
            )
        )
        return _chunk(XML, b"", body)

    def _pool(self) -> bytes:
        content, offsets = bytearray(), []
        for text in self._index:
            encoded = text.encode("utf-16-le", "replace")
            offsets.append(len(content))
            content += _length(len(encoded) // 2) + encoded + b"\0\0"
        content += bytes(-len(content) % 4)
        start = CHUNK.size + POOL.size + 4 * len(offsets)
        header = POOL.pack(len(offsets), 0, 0, start, 0)
        return _chunk(STRINGS, header, struct.pack(f"<{len(offsets)}I", *offsets) + content)

    def _resource(self, name: str) -> bytes:
        return struct.pack("<I", _RESOURCES[name])

    def _element(self, element: Element) -> Iterator[bytes]:
        name = self._index[element.name]
        # In the order of their resources, as Android looks for them.
        ordered = sorted(element.attributes, key=self._index.__getitem__)
        attributes = b"".join(self._attribute(key, element.attributes[key]) for key in ordered)
        head = (NOTHING, name, ELEMENT.size, ATTRIBUTE.size, len(ordered), 0, 0, 0)
        yield _node(START, ELEMENT.pack(*head) + attributes)
        for child in element.children:
            yield from self._element(child)
        yield _node(END, _END.pack(NOTHING, name))

    def _attribute(self, key: str, value: Value) -> bytes:
        namespace = self._index[ANDROID] if key in _RESOURCES else NOTHING
        text, kind, data = NOTHING, DECIMAL, 0
        if isinstance(value, str):
            text = data = self._index[value]
            kind = TEXT
        elif isinstance(value, bool):
            kind, data = TRUTH, _TRUE if value else 0
        else:
            data = value & 0xFFFFFFFF
        return ATTRIBUTE.pack(namespace, self._index[key], text, _VALUE_SIZE, 0, kind, data)


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from _walk(child)


def _length(characters: int) -> bytes:
    if characters < 0x8000:
        return struct.pack("<H", characters)
    return struct.pack("<HH", 0x8000 | characters >> 16, characters & 0xFFFF)


def _chunk(kind: int, header: bytes, content: bytes) -> bytes:
    size = CHUNK.size + len(header)
    return CHUNK.pack(kind, size, size + len(content)) + header + content


def _node(kind: int, content: bytes) -> bytes:
    """Return a chunk of the tree: its header has a line number and no comment."""
    header = struct.pack("<II", 0, NOTHING)
    assert CHUNK.size + len(header) == NODE_HEADER
    return _chunk(kind, header, content)
