from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.android import axml
from lab.phone.android.axml import ATTRIBUTES, BadXml, Element, read
from lab.phone.android.axml_writer import write
from tests.patience import not_waiting

TEXTS = st.text(max_size=30)
NAMES = st.sampled_from([*ATTRIBUTES.values(), "package", "other"])
VALUES = TEXTS | st.integers(0, 2**31 - 1) | st.booleans()
ELEMENTS = st.recursive(
    st.builds(Element, TEXTS, st.dictionaries(NAMES, VALUES, max_size=4)),
    lambda inner: st.builds(
        Element, TEXTS, st.dictionaries(NAMES, VALUES, max_size=2), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@given(ELEMENTS)
def test_what_is_written_is_read(element: Element) -> None:
    assert read(write(element)) == element


@pytest.mark.parametrize("length", [0, 1, 127, 128, 0x7FFF, 0x8000, 30_000])
def test_strings_of_any_length(length: int) -> None:
    element = Element("x" * length)
    assert read(write(element)) == element


def utf8_pool(*texts: str) -> bytes:
    """Return a pool of strings in UTF-8, as aapt2 writes it."""
    content, offsets = b"", []
    for text in texts:
        encoded = text.encode()
        offsets.append(len(content))
        for length in (len(text), len(encoded)):
            content += (
                bytes([length]) if length < 0x80 else bytes([0x80 | length >> 8, length & 255])
            )
        content += encoded + b"\0"
    head = axml.POOL.pack(len(texts), 0, axml.UTF8, 28 + 4 * len(texts), 0)
    table = struct.pack(f"<{len(texts)}I", *offsets)
    size = 28 + len(table) + len(content)
    return axml.CHUNK.pack(axml.STRINGS, 28, size) + head + table + content


def document(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return axml.CHUNK.pack(axml.XML, 8, 8 + len(body)) + body


def start(name: int, *attributes: tuple[int, int, int]) -> bytes:
    """Return the start of an element; an attribute is its name, type and data."""
    packed = b"".join(
        axml.ATTRIBUTE.pack(axml.NOTHING, key, axml.NOTHING, 8, 0, kind, data)
        for key, kind, data in attributes
    )
    extended = axml.ELEMENT.pack(axml.NOTHING, name, 20, 20, len(attributes), 0, 0, 0)
    size = 16 + len(extended) + len(packed)
    return axml.CHUNK.pack(axml.START, 16, size) + bytes(8) + extended + packed


def test_strings_in_utf8() -> None:
    long = "ü" * 100
    found = read(document(utf8_pool("a", "b", long), start(0, (1, axml.TEXT, 2))))
    assert found == Element("a", {"b": long})


def test_attributes_are_known_by_their_resources() -> None:
    ids = struct.pack("<II", 0, 0x01010003)
    resources = axml.CHUNK.pack(axml.RESOURCE_IDS, 8, 16) + ids
    obfuscated = utf8_pool("a", "", ".Main")
    found = read(document(obfuscated, resources, start(0, (1, axml.TEXT, 2))))
    assert found == Element("a", {"name": ".Main"})


def test_values_that_are_resources_are_left_out() -> None:
    assert read(document(utf8_pool("a", "b"), start(0, (1, 0x01, 0x7F010000)))) == Element("a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends too early"),
        (b"PK\3\4 not at all", "does not begin"),
        (axml.CHUNK.pack(axml.XML, 8, 100), "does not begin"),
        (document(), "has no element"),
        (document(axml.CHUNK.pack(1, 8, 0)), "no possible length"),
        (document(axml.CHUNK.pack(1, 8, 4000)), "no possible length"),
        (document(axml.CHUNK.pack(1, 4000, 8)), "no possible length"),
        (document(start(0)), "strings come too late"),
        (document(utf8_pool("a"), start(7)), "points outside"),
        (document(utf8_pool("a"), start(0, (0, axml.TEXT, 9))), "points outside"),
        (document(utf8_pool("a"), axml.CHUNK.pack(axml.START, 16, 20) + bytes(12)), "too early"),
        (document(axml.CHUNK.pack(1, 28, 28) + axml.POOL.pack(2**30, 0, 0, 28, 0)), "too many"),
        (document(utf8_pool("a"), *[start(0)] * 300), "too many elements"),
    ],
)
def test_what_is_none(content: bytes, message: str) -> None:
    with pytest.raises(BadXml, match=message):
        read(content)


def test_strings_may_not_overlap_for_ever() -> None:
    """Many offsets into one long string would take far more memory than the content has."""
    count, text = 20, b"\x81" * 2000  # At any offset: a length of 0x181, then that many bytes.
    head = axml.POOL.pack(count, 0, axml.UTF8, 28 + 4 * count, 0)
    offsets = struct.pack(f"<{count}I", *range(count))
    pool = axml.CHUNK.pack(axml.STRINGS, 28, 28 + 4 * count + len(text)) + head + offsets + text
    few = [start(each) for each in range(5)]
    assert len(read(document(pool, *few)).name) == 0x181
    with pytest.raises(BadXml, match="a string is too long"):
        read(document(pool, *map(start, range(count))))


def mutated(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    made = bytearray(content)
    for at, value in changes:
        made[at % len(made)] = value
    return bytes(made)


SAMPLE = write(
    Element(
        "manifest",
        {"package": "a.b", "versionCode": 3, "versionName": "1"},
        [Element("application", {}, [Element("activity", {"name": ".A"})])],
    )
)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_nothing_but_a_complaint_comes_of_damage(changes: list[tuple[int, int]]) -> None:
    with suppress(BadXml), not_waiting():
        read(mutated(SAMPLE, changes))


@given(st.binary(max_size=300))
def test_nothing_but_a_complaint_comes_of_noise(noise: bytes) -> None:
    with suppress(BadXml):
        read(document(noise))
