from __future__ import annotations

import plistlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.ios.remote.archive import (
    MAX_DEPTH,
    BadArchive,
    Failure,
    Value,
    archive,
    unarchive,
)

SINGLE: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: text != "$null")
    | st.binary(max_size=20)
    | st.builds(Failure, st.just("domain"), st.integers(0, 99), st.just("words"))
)
VALUES = st.recursive(
    SINGLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
UID = plistlib.UID


def written(*objects: object, top: object = UID(1)) -> bytes:
    whole = {
        "$version": 100000,
        "$archiver": "NSKeyedArchiver",
        "$top": {"root": top},
        "$objects": ["$null", *objects],
    }
    return plistlib.dumps(whole, fmt=plistlib.FMT_BINARY)


def kind(name: str) -> dict[str, object]:
    return {"$classname": name, "$classes": [name, "NSObject"]}


@settings(max_examples=40)
@given(value=VALUES)
def test_what_was_written_is_read(value: Value) -> None:
    assert unarchive(archive(value)) == value


@pytest.mark.parametrize(
    ("objects", "value"),
    [
        (("text",), "text"),
        (({"NS.string": "text", "$class": UID(2)}, kind("NSMutableString")), "text"),
        (({"NS.data": b"x", "$class": UID(2)}, kind("NSMutableData")), b"x"),
        (({"NS.data": UID(3), "$class": UID(2)}, kind("NSData"), b"x"), b"x"),
        (({"$class": UID(2)}, kind("NSNull")), None),
        (({"NS.objects": [UID(3), UID(3)], "$class": UID(2)}, kind("NSSet"), 7), [7, 7]),
        (
            (
                {"NSDomain": UID(3), "NSCode": 4, "$class": UID(2)},
                kind("NSError"),
                "domain",
            ),
            Failure("domain", 4, ""),
        ),
    ],
)
def test_other_writers_are_read(objects: tuple[object, ...], value: Value) -> None:
    assert unarchive(written(*objects)) == value


LIST, DICTIONARY = kind("NSArray"), kind("NSDictionary")
HOSTILE = {
    "nothing": b"",
    "no property list": b"bplist00" + bytes(40),
    "XML that is none": b"<plist><dict>",
    "no archive": plistlib.dumps({"$objects": []}),
    "another archiver": written("x").replace(b"NSKeyedArchiver", b"NSOtherArchiver"),
    "no place at the top": written("x", top=1),
    "a place that there is not": written("x", top=UID(9)),
    "a date": written(plistlib.loads(b"<plist><date>2026-12-01T00:00:00Z</date></plist>")),
    "an object without a class": written({"NS.objects": []}),
    "a class that is none": written({"NS.objects": [], "$class": UID(2)}, "NSArray"),
    "another class": written({"NS.objects": [], "$class": UID(2)}, kind("NSInvocation")),
    "a list that holds itself": written({"NS.objects": [UID(1)], "$class": UID(2)}, LIST),
    "a list that doubles": written(
        {"NS.objects": [UID(3)] * 30, "$class": UID(2)},
        LIST,
        *({"NS.objects": [UID(at + 4)] * 30, "$class": UID(2)} for at in range(5)),
        "x",
    ),
    "numbers for places": written({"NS.objects": [2], "$class": UID(2)}, LIST),
    "a key too few": written(
        {"NS.keys": [], "NS.objects": [UID(3)], "$class": UID(2)}, DICTIONARY, "x"
    ),
    "a number for a key": written(
        {"NS.keys": [UID(3)], "NS.objects": [UID(3)], "$class": UID(2)}, DICTIONARY, 5
    ),
    "an empty wrapping": written({"$class": UID(2)}, kind("NSData")),
    "an error without a code": written(
        {"NSDomain": UID(2), "$class": UID(3)}, "d", kind("NSError")
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(BadArchive):
        unarchive(content)


def test_depth_is_bounded() -> None:
    value: Value = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert unarchive(archive(value)) == value
    with pytest.raises(BadArchive, match="too deep"):
        unarchive(archive([value]))


@settings(max_examples=40)
@given(content=st.binary(max_size=200))
def test_bytes_are_refused_or_read(content: bytes) -> None:
    for noise in (content, b"bplist00" + content, archive({"a": [1, b"x"]})[:-20] + content):
        try:
            unarchive(noise)
        except BadArchive:
            continue
