from __future__ import annotations

import contextlib
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.android.shell.syntax import Incomplete, SyntaxFailed, parse
from lab.phone.android.shell.tree import (
    Condition,
    Direction,
    For,
    Group,
    If,
    Literal,
    Loop,
    Node,
    Pipeline,
    Simple,
    Substitution,
    Variable,
    Word,
)


def words(line: str) -> list[list[list[str]]]:
    """Return the words of each command of each pipeline."""
    return [
        [[text(word) for word in simple(command).words] for command in pipeline.commands]
        for pipeline in parse(line)
    ]


def simple(node: Node) -> Simple:
    assert isinstance(node, Simple)
    return node


def text(word: Word) -> str:
    assert word.literal is not None
    return word.literal


def only(line: str) -> Node:
    """Return the one command of a line."""
    (pipeline,) = parse(line)
    (command,) = pipeline.commands
    return command


def names(script: tuple[Pipeline, ...]) -> list[str]:
    """Return the first words of simple commands."""
    return [text(simple(pipeline.commands[0]).words[0]) for pipeline in script]


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
        ("b a=1 {x} } if ~ ! % ^", [[["b", "a=1", "{x}", "}", "if", "~", "!", "%", "^"]]]),
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
    redirections = simple(only(line)).redirections
    assert [(r.descriptor, r.direction, text(r.target)) for r in redirections] == expected


def test_a_digit_belongs_to_the_word_that_it_ends() -> None:
    command = simple(only("echo a2>b"))
    assert [text(word) for word in command.words] == ["echo", "a2"]
    assert command.redirections[0].descriptor == 1


def test_what_is_quoted_is_told_from_what_is_not() -> None:
    (word,) = simple(only("/a/'[x]'*\\?")).words
    assert word.parts == (
        Literal("/a/"),
        Literal("[x]", quoted=True),
        Literal("*"),
        Literal("?", quoted=True),
    )


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("$A", Variable("A")),
        ("${A}", Variable("A")),
        ("$?", Variable("?")),
        ("$#", Variable("#")),
        ("$@", Variable("@")),
        ("$1", Variable("1")),
        ("${#}", Variable("#")),
        ("${#A}", Variable("A", operator="length")),
        ("${A:-b c}", Variable("A", operator=":-", word=Word((Literal("b c"),)))),
        ("${A-}", Variable("A", operator="-", word=Word())),
        ("${A%%*/}", Variable("A", operator="%%", word=Word((Literal("*/"),)))),
        ("${A#'}'}", Variable("A", operator="#", word=Word((Literal("}", quoted=True),)))),
        ("${A:-$B}", Variable("A", operator=":-", word=Word((Variable("B"),)))),
    ],
)
def test_variables(line: str, part: Variable) -> None:
    assert simple(only(line)).words == (Word((part,)),)


def test_variables_in_quotes() -> None:
    (word,) = simple(only('"a $B ${C:-it\'s}"')).words
    assert word.parts == (
        Literal("", quoted=True),
        Literal("a ", quoted=True),
        Variable("B", quoted=True),
        Literal(" ", quoted=True),
        Variable("C", quoted=True, operator=":-", word=Word((Literal("it's", quoted=True),))),
    )


def test_assignments() -> None:
    command = simple(only("A=1 B='x y' C= echo D=2"))
    assert [(name, text(word)) for name, word in command.assignments] == [
        ("A", "1"),
        ("B", "x y"),
        ("C", ""),
    ]
    assert [text(word) for word in command.words] == ["echo", "D=2"]
    assert simple(only("A-B=1")).assignments == ()


@pytest.mark.parametrize("line", ["echo $(a; b | c)", "echo `a; b | c`", 'echo "$(a; b | c)"'])
def test_substitutions(line: str) -> None:
    part = simple(only(line)).words[1].parts[-1]
    assert isinstance(part, Substitution)
    assert part.quoted == ('"' in line)
    assert names(part.script) == ["a", "b"]


def test_substitutions_within_substitutions() -> None:
    for line in ('$(a "$(b ")" \')\' )")', r"`a \`b\``"):
        part = simple(only(line)).words[0].parts[0]
        assert isinstance(part, Substitution)
        inner = simple(part.script[0].commands[0]).words[1].parts[-1]
        assert isinstance(inner, Substitution)
        assert names(inner.script) == ["b"]


def test_groups() -> None:
    for line, subshell in (("{ a; b; } 2> c", False), ("(a; b) 2> c", True), ("(a;b)2>c", True)):
        group = only(line)
        assert isinstance(group, Group)
        assert (group.subshell, names(group.body)) == (subshell, ["a", "b"])
        assert [r.descriptor for r in group.redirections] == [2]


def test_if() -> None:
    for line in (
        "if a; then b; elif c; then d; else e; fi",
        "if a\nthen\n b\nelif c\nthen d\nelse e\nfi",
    ):
        found = only(line)
        assert isinstance(found, If)
        assert [(names(c), names(b)) for c, b in found.branches] == [(["a"], ["b"]), (["c"], ["d"])]
        assert names(found.otherwise) == ["e"]


def test_loops() -> None:
    for line, until in (("while a; do b; c; done", False), ("until a\ndo b\nc\ndone", True)):
        loop = only(line)
        assert isinstance(loop, Loop)
        assert (loop.until, names(loop.condition), names(loop.body)) == (until, ["a"], ["b", "c"])


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("for x in a 'b c'; do d; done", ["a", "b c"]),
        ("for x in a 'b c'\ndo\nd\ndone", ["a", "b c"]),
        ("for x in; do d; done", []),
        ("for x; do d; done", None),
        ("for x\ndo d; done", None),
    ],
)
def test_for(line: str, values: list[str] | None) -> None:
    loop = only(line)
    assert isinstance(loop, For)
    assert (loop.name, names(loop.body)) == ("x", ["d"])
    found = None if loop.words is None else [text(word) for word in loop.words]
    assert found == values


def test_negation() -> None:
    assert [p.negated for p in parse("! a | b; c && ! d")] == [True, False, True]


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
        ("(a", "syntax error: unexpected EOF"),
        ("()", "syntax error: unexpected ')'"),
        ("a)", "syntax error: unexpected ')'"),
        ("a (b)", "syntax error: unexpected '('"),
        ("{ a", "syntax error: unexpected EOF"),
        ("{ a }", "syntax error: unexpected EOF"),
        ("a; }", "syntax error: unexpected '}'"),
        ("! ! a", "syntax error: unexpected '!'"),
        ("!", "syntax error: unexpected EOF"),
        ("if a; fi", "syntax error: unexpected 'fi'"),
        ("if; then a; fi", "syntax error: unexpected ';'"),
        ("if a; then; fi", "syntax error: unexpected ';'"),
        ("if a; then b", "syntax error: unexpected EOF"),
        ("fi", "syntax error: unexpected 'fi'"),
        ("while a; done", "syntax error: unexpected 'done'"),
        ("for in a; do b; done", "syntax error: unexpected 'a'"),
        ("for 1 in a; do b; done", "syntax error: unexpected '1'"),
        ("for x in a; b; done", "syntax error: unexpected 'b'"),
        ("(a) b", "syntax error: unexpected 'b'"),
        ("case a in b) c;; esac", "case: this phone's shell does not know that"),
        ("f() { a; }", "this phone's shell has no functions"),
        ("a >", "syntax error: unexpected EOF"),
        ("a > ;", "syntax error: unexpected ';'"),
        ("a > > b", "syntax error: unexpected '>'"),
        ("a << b", "syntax error: unexpected '<<'"),
        ("a 5> b", "5: bad file descriptor"),
        ("a 2< b", "2: bad file descriptor"),
        ("a >&7", "7: bad file descriptor"),
        ("a >&$B", ": bad file descriptor"),
        ("'a", "no closing quote"),
        ('"a', "no closing quote"),
        ('"a\\', "no closing quote"),
        ("`a", "no closing quote"),
        ("$(a", "syntax error: unexpected EOF"),
        ("$(a;;)", "syntax error: unexpected ';;'"),
        ("${A", "no closing '}'"),
        ("${A:-b", "no closing '}'"),
        ("${}", "${}: bad substitution"),
        ("${A/b/c}", "${A/b/c}: bad substitution"),
        ("$((1+1))", "$((: this phone's shell does not calculate"),
        ("$!", "$!: this phone's shell does not know that"),
        ("(" * 30 + "a" + ")" * 30, "syntax error: nested too deep"),
        ("$(" * 30 + "a" + ")" * 30, "syntax error: nested too deep"),
        ("a " + "${A:-" * 30 + "}" * 30, "syntax error: nested too deep"),
        ("if a; then " * 30 + "b" + "; fi" * 30, "syntax error: nested too deep"),
        ("a\0b", "syntax error: unexpected NUL character"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, message: str) -> None:
    with pytest.raises(SyntaxFailed) as caught:
        parse(line)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("'a", True),
        ("a &&", True),
        ("if a", True),
        ("$(a", True),
        ("${A", True),
        ("a)", False),
        ("a & b", False),
    ],
)
def test_whether_more_lines_may_help(line: str, more: bool) -> None:
    with pytest.raises(SyntaxFailed) as caught:
        parse(line)
    assert isinstance(caught.value, Incomplete) == more


@settings(deadline=None)
@given(st.lists(st.text(st.characters(blacklist_characters="\0")), min_size=1))
def test_whatever_is_quoted_comes_through(arguments: list[str]) -> None:
    # As arguments: at the place of a command "else" would be another thing.
    assert words(shlex.join(["x", *arguments])) == [[["x", *arguments]]]


@settings(deadline=None)
@given(st.text(st.characters(blacklist_characters="\0"), min_size=1))
def test_double_quotes_keep_everything_but_their_own_signs(text: str) -> None:
    escaped = "".join(f"\\{sign}" if sign in '"\\$`' else sign for sign in text)
    assert words(f'"{escaped}"') == [[[text]]]


PIECES = [
    *("a", "b", "A=", "1", " ", " ", " ", "\n", ";", "; ", ";;", "&", "&&", "||", "|", "(", ")"),
    *("{ ", " }", "if ", "then ", "elif ", "else ", "fi", "for ", "in ", "while ", "do ", "done"),
    *(
        "$",
        "${",
        "}",
        "${A:-",
        "$(",
        "`",
        "'",
        '"',
        "\\",
        "#",
        "*",
        "?",
        "[",
        "<",
        ">",
        ">>",
        "2>&1",
    ),
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
    | st.text(max_size=40)
    | st.text(alphabet="ab 12'\"\\;&|<>()$`*?[#{}\n\t", max_size=40)
)
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        parse(line)
    except SyntaxFailed as error:
        assert str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("piece", ["$(", "`", "${A:-", '"', "(", "{ ", "if ", "\\`", "$(`", "! "])
def test_long_lines_take_no_longer_than_they_are(piece: str) -> None:
    for line in (piece * 20_000, piece * 20_000 + "a"):
        with contextlib.suppress(SyntaxFailed):
            parse(line)
