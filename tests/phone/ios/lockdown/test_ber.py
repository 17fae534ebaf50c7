from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.ber import MAX_DEPTH, to_der

FEW = settings(max_examples=25, deadline=None)

Tree = bytes | list["Tree"]


def trees() -> st.SearchStrategy[Tree]:
    leaves: st.SearchStrategy[Tree] = st.binary(max_size=200)
    return st.recursive(leaves, lambda below: st.lists(below, max_size=4), max_leaves=10)


def der(tree: Tree) -> bytes:
    inside = tree if isinstance(tree, bytes) else b"".join(der(each) for each in tree)
    size = len(inside)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    if 0x80 <= size < 0x100:
        length = bytes([0x81, size])
    return (b"\x04" if isinstance(tree, bytes) else b"\x30") + length + inside


def ber(tree: Tree) -> bytes:
    """Write it with unknown lengths, and octets in pieces of three."""
    if isinstance(tree, list):
        return b"\x30\x80" + b"".join(ber(each) for each in tree) + b"\0\0"
    pieces = [tree[at : at + 3] for at in range(0, len(tree), 3)]
    inside = b"".join(bytes([4, len(piece)]) + piece for piece in pieces)
    return b"\x24\x80" + inside + b"\0\0"


@FEW
@given(tree=trees())
def test_both_forms_are_the_same(tree: Tree) -> None:
    assert to_der(ber(tree)) == to_der(der(tree)) == der(tree)


@FEW
@given(tree=trees(), rest=st.binary(max_size=5))
def test_what_is_behind_is_left_out(tree: Tree, rest: bytes) -> None:
    assert to_der(der(tree) + rest) == der(tree)


@FEW
@given(content=st.binary(max_size=100))
def test_nonsense_is_refused_or_a_value(content: bytes) -> None:
    try:
        assert to_der(to_der(content)) == to_der(content)
    except ValueError:
        return


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x82\x01",
        b"\x04\x80\0\0",
        b"\x04\x05abc",
        b"\x04\xff" + b"\xff" * 127,
        b"\x30\x02\x04\x05abcde",
        b"\x24\x80\x02\x01\x01\0\0",
        b"\x1f\xff\xff",
        b"\x30\x80" * (MAX_DEPTH + 1) + b"\0\0" * (MAX_DEPTH + 1),
    ],
)
def test_it_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        to_der(content)
