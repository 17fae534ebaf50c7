from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.android.shell.syntax import Condition, Direction, SyntaxFailed, parse


def words(line: str) -> list[list[list[str]]]:
    """Return the words of each command of each pipeline."""
    return [
        [[word.text for word in command.words] for command in pipeline.commands]
        for pipeline in parse(line)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        (" \t\n ", []),
        ("# only a remark", []),
        ("a b  c", [[["a", "b", "c"]]]),
        ("a;b", [[["a"]], [["b"]]]),
        ("a ; b ;", [[["a"]], [["b"]]]),
        ("a\n\nb # remark\nc", [[["a"]], [["b"]], [["c"]]]),
        ("a|b | c", [[["a"], ["b"], ["c"]]]),
        ("a |\n b", [[["a"], ["b"]]]),
        ("a && b || c", [[["a"]], [["b"]], [["c"]]]),
        ("a &&\n\n b", [[["a"]], [["b"]]]),
        ("'a b' \"c d\" e\\ f", [[["a b", "c d", "e f"]]]),
        ("a'b'\"c\"d", [[["abcd"]]]),
        ("'' \"\"", [[["", ""]]]),
        ("'a;b|c&&d>e#f'", [[["a;b|c&&d>e#f"]]]),
        (r'"a\"b\\c\$d\`e\xf"', [[['a"b\\c$d`e\\xf']]]),
        ("a\\\nb 'c\\\nd' \"e\\\nf\"", [[["ab", "c\\\nd", "ef"]]]),
        ("a#b", [[["a#b"]]]),
        ("a=1 {x} ~ ! % ^", [[["a=1", "{x}", "~", "!", "%", "^"]]]),
        ("'$HOME' cost$ \"5$\"", [[["$HOME", "cost$", "5$"]]]),
        ("a\\", [[["a\\"]]]),
        ("größe\u00a0x", [[["größe\u00a0x"]]]),
    ],
)
def test_words(line: str, expected: list[list[list[str]]]) -> None:
    assert words(line) == expected


def test_conditions() -> None:
    assert [p.condition for p in parse("a && b || c ; d")] == [
        Condition.ALWAYS,
        Condition.IF_SUCCEEDED,
        Condition.IF_FAILED,
        Condition.ALWAYS,
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a > b", [(1, Direction.WRITE, "b")]),
        ("a>>b", [(1, Direction.APPEND, "b")]),
        ("a 2>&1 < c", [(2, Direction.SAME_AS, "1"), (0, Direction.READ, "c")]),
        (">a", [(1, Direction.WRITE, "a")]),
        ("a 2> 'b c'", [(2, Direction.WRITE, "b c")]),
        ("a >&2", [(1, Direction.SAME_AS, "2")]),
    ],
)
def test_redirections(line: str, expected: list[tuple[int, Direction, str]]) -> None:
    (pipeline,) = parse(line)
    (command,) = pipeline.commands
    found = [(r.descriptor, r.direction, r.target.text) for r in command.redirections]
    assert found == expected


def test_a_digit_belongs_to_the_word_that_it_ends() -> None:
    (pipeline,) = parse("echo a2>b")
    assert [word.text for word in pipeline.commands[0].words] == ["echo", "a2"]
    assert pipeline.commands[0].redirections[0].descriptor == 1


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("/a/*.0", "/a/*.0"),
        ("'/a/*'", None),
        ("/a/'*'", None),
        ("\\*", None),
        ("/a/'[x]'*", "/a/[[]x]*"),
        ('?"?"', "?[?]"),
    ],
)
def test_patterns(line: str, pattern: str | None) -> None:
    (pipeline,) = parse(line)
    assert pipeline.commands[0].words[0].pattern == pattern


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (";", "syntax error: unexpected ';'"),
        ("a ;; b", "syntax error: unexpected ';;'"),
        ("a ; ; b", "syntax error: unexpected ';'"),
        ("| a", "syntax error: unexpected '|'"),
        ("a |", "syntax error: unexpected EOF"),
        ("a | ; b", "syntax error: unexpected ';'"),
        ("a &&", "syntax error: unexpected EOF"),
        ("&& a", "syntax error: unexpected '&&'"),
        ("a && || b", "syntax error: unexpected '||'"),
        ("a &", "syntax error: unexpected '&'"),
        ("(a)", "syntax error: unexpected '('"),
        ("a)", "syntax error: unexpected ')'"),
        ("a >", "syntax error: unexpected EOF"),
        ("a > ;", "syntax error: unexpected ';'"),
        ("a > > b", "syntax error: unexpected '>'"),
        ("a << b", "syntax error: unexpected '<<'"),
        ("a 5> b", "5: bad file descriptor"),
        ("a 2< b", "2: bad file descriptor"),
        ("a >&7", "7: bad file descriptor"),
        ("'a", "no closing quote"),
        ('"a', "no closing quote"),
        ('"a\\', "no closing quote"),
        ("$HOME", "$H: this phone's shell has no variables"),
        ('"${A}"', "${: this phone's shell has no variables"),
        ("$?", "$?: this phone's shell has no variables"),
        ("`id`", "`: this phone's shell has no variables"),
        ("a\0b", "syntax error: unexpected NUL character"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, message: str) -> None:
    with pytest.raises(SyntaxFailed) as caught:
        parse(line)
    assert str(caught.value) == message


@given(st.lists(st.text(st.characters(blacklist_characters="\0")), min_size=1))
def test_whatever_is_quoted_comes_through(arguments: list[str]) -> None:
    assert words(shlex.join(arguments)) == [[arguments]]


@given(st.text(st.characters(blacklist_characters="\0"), min_size=1))
def test_double_quotes_keep_everything_but_their_own_signs(text: str) -> None:
    escaped = "".join(f"\\{sign}" if sign in '"\\$`' else sign for sign in text)
    assert words(f'"{escaped}"') == [[[text]]]


@given(st.text(alphabet="ab 12'\"\\;&|<>()$`*?[#\n\t", max_size=40) | st.text(max_size=40))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        parse(line)
    except SyntaxFailed as error:
        assert str(error)  # noqa: PT017 - both ends are right
