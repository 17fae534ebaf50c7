from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.phone.ios.wda.class_chain import (
    ANY,
    MAX_LINKS,
    MAX_TEXT,
    BadChain,
    Chain,
    Condition,
    Link,
    parse_chain,
)
from lab.phone.ios.wda.predicate import Comparison, Key, Literal, Operator
from tests.phone.ios.wda.test_predicate_parser import predicates

links = st.builds(
    Link,
    st.sampled_from([ANY, "XCUIElementTypeButton", "Any"]),
    st.booleans(),
    st.lists(st.builds(Condition, predicates, st.booleans()), max_size=2).map(tuple),
    st.one_of(st.none(), st.integers(1, 99), st.integers(-99, -1)),
)
chains = st.lists(links, min_size=1, max_size=3).map(tuple).map(Chain)
PIECES = ["**/", "*", "/", "XCUIElementTypeCell", "[1]", "[-1]", "[0]", "[`label == 'a'`]", "["]
PIECES += ["[$name == 'b'$]", "`", "$", "]", "``", "$$", "[`label == '``'`]", "é", "1"]


@given(chains)
@settings(max_examples=25)
def test_what_is_printed_is_read_as_the_same(chain: Chain) -> None:
    printed = str(chain)
    if len(printed) <= MAX_TEXT:
        assert parse_chain(printed) == chain


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=10).map("".join)))
@example("")
@example("**/" * 1000)
@example("*/" * 60 + "*")
@example("*[`" + "``" * 1900)
@settings(max_examples=40)
def test_nothing_but_its_own_error_is_raised(text: str) -> None:
    try:
        chain = parse_chain(text)
    except BadChain:
        return
    assert parse_chain(str(chain)) == chain


def test_reads() -> None:
    label = Comparison(Key("label"), Operator.EQUAL, Literal("a`b"))
    assert parse_chain(
        "**/XCUIElementTypeCell[$label == 'a`b'$][-1]/*[`label == 'a``b'`]"
    ) == Chain(
        (
            Link("XCUIElementTypeCell", True, (Condition(label, inside=True),), -1),
            Link(ANY, conditions=(Condition(label),)),
        )
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not understood"),
        ("**/", "not understood"),
        ("a//b", "not understood from '/b'"),
        ("a[0]", "counted from 1"),
        ("a[1][2]", r"not understood from '\[2\]'"),
        ("a[1][`label == 'x'`]", r"not understood from .\[`label"),
        ("a[`label`]", "in a predicate: an operator"),
        ("a[`label == 'x'", "not understood"),
        ("a/" * MAX_LINKS + "a", "steps"),
        ("a" * (MAX_TEXT + 1), "longer than"),
    ],
)
def test_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadChain, match=why):
        parse_chain(text)
