from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.phone.ios.wda.predicate import (
    And,
    Comparison,
    Constant,
    Items,
    Key,
    Literal,
    Not,
    Operator,
    Or,
    Predicate,
)
from lab.phone.ios.wda.predicate_parser import MAX_DEPTH, MAX_TEXT, BadPredicate, parse

RESERVED = {
    *("and", "or", "not", "true", "yes", "false", "no", "nil", "null", "any", "some", "all"),
    *("none", "subquery", "truepredicate", "falsepredicate"),
    *(operator.lower() for operator in Operator),
}

words = st.text(string.ascii_letters + "_", min_size=1, max_size=8).filter(
    lambda word: word.lower() not in RESERVED
)
keys = st.lists(words, min_size=1, max_size=3).map(".".join).map(Key)
literals = st.one_of(
    st.text(max_size=12),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
).map(Literal)
lists = st.lists(literals, max_size=4).map(tuple).map(Items)
comparisons = st.one_of(
    st.builds(
        Comparison,
        st.one_of(keys, literals),
        st.sampled_from([o for o in Operator if o is not Operator.BETWEEN]),
        st.one_of(keys, literals),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(Comparison, keys, st.just(Operator.IN), lists, st.booleans(), st.booleans()),
    st.builds(
        Comparison,
        keys,
        st.just(Operator.BETWEEN),
        st.tuples(literals, literals).map(Items),
    ),
)
predicates: st.SearchStrategy[Predicate] = st.recursive(
    st.one_of(comparisons, st.builds(Constant, st.booleans())),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(And),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or),
    ),
    max_leaves=6,
)
PIECES = [
    *("label", "rect.x", '"a"', "'b\\''", "1", "-2.5e3", "TRUE", "nil", "==", "!=", "<=", "=<"),
    *("CONTAINS", "beginswith[cd]", "[c]", "AND", "&&", "OR", "||", "NOT", "!", "(", ")", "{", "}"),
    *(",", "IN", "BETWEEN", "MATCHES", "LIKE", "ANY", "%@", "$x", "\\", '"', "TRUEPREDICATE", "é"),
]


@given(predicates)
@example(Comparison(Key("label"), Operator.EQUAL, Literal("\\\"'\n\r\t")))
@example(Not(Not(Constant(True))))
@settings(max_examples=25)
def test_what_is_printed_is_read_as_the_same(predicate: Predicate) -> None:
    printed = str(predicate)
    if len(printed) <= MAX_TEXT:
        assert parse(printed) == predicate


@given(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
)
@example("")
@example("(" * 2000)
@example("NOT " * 500)
@example("!" * MAX_TEXT)
@example("label == 1e999")
@example("a == {" + "1," * 900)
@settings(max_examples=40)
def test_nothing_but_its_own_error_is_raised(text: str) -> None:
    try:
        predicate = parse(text)
    except BadPredicate:
        return
    assert parse(str(predicate)) == predicate


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("label == 'x'", Comparison(Key("label"), Operator.EQUAL, Literal("x"))),
        ('label="x"', Comparison(Key("label"), Operator.EQUAL, Literal("x"))),
        (
            'name CONTAINS[cd] "é"',
            Comparison(Key("name"), Operator.CONTAINS, Literal("é"), True, True),
        ),
        ("rect.x >= 3", Comparison(Key("rect.x"), Operator.AT_LEAST, Literal(3))),
        (
            "type in {'a', 'b'}",
            Comparison(Key("type"), Operator.IN, Items((Literal("a"), Literal("b")))),
        ),
        (
            "a == 1 OR b == 2 AND c == 3",
            Or(
                (
                    Comparison(Key("a"), Operator.EQUAL, Literal(1)),
                    And(
                        (
                            Comparison(Key("b"), Operator.EQUAL, Literal(2)),
                            Comparison(Key("c"), Operator.EQUAL, Literal(3)),
                        )
                    ),
                )
            ),
        ),
        ("! enabled = YES", Not(Comparison(Key("enabled"), Operator.EQUAL, Literal(True)))),
        (r'label == "a\"\\\n\u0041"', Comparison(Key("label"), Operator.EQUAL, Literal('a"\\\nA'))),
    ],
)
def test_reads(text: str, meant: Predicate) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a value is wanted where the end is"),
        ("label", "an operator is wanted where the end is"),
        ("label == ", "a value is wanted"),
        ("label == 'a' b", "an end is wanted where 'b' is"),
        ("(label == 'a'", r"'\)' is wanted"),
        ("label == 'a", "not understood from"),
        ("ANY label == 'a'", "ANY is not understood"),
        ("a BETWEEN {1}", "two values"),
        ("{1} == a", "a list cannot be compared"),
        ("label == 1e999", "too large"),
        ("x" * (MAX_TEXT + 1), "longer than"),
        ("(" * (MAX_DEPTH + 1) + "a == 1" + ")" * (MAX_DEPTH + 1), "levels deep"),
    ],
)
def test_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadPredicate, match=why):
        parse(text)
