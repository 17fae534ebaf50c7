"""Exit codes by marks: nothing in a command's output can stand in for one."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.android.link import CommandRefused, Ran
from lab.devices.android.marks import LONGEST_LINE, Marked, ask, holds, succeeded, told_of
from tests.devices.android.scripted import ScriptedLink, answering


def _sh(line: str) -> bytes:
    done = subprocess.run(
        ["sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout


def test_a_shell_tells_what_each_command_came_to() -> None:
    marked = Marked(["echo a", "exit 3", "false # a comment", "printf 'no end'", "exec echo gone"])
    assert marked.read(_sh(marked.line)) == [
        ("a\n", 0),
        ("", 3),
        ("", 1),
        ("no end", 0),
        ("gone\n", 0),
    ]


def test_what_one_command_sets_is_nothing_to_the_next() -> None:
    marked = Marked(["cd /usr; A=1", 'pwd; echo "A=$A"'])
    ran = marked.read(_sh(f"cd /\n{marked.line}"))
    assert ran[1].output == "/\nA=\n"


@given(st.lists(st.tuples(st.binary(max_size=200), st.integers(0, 255)), min_size=1, max_size=5))
def test_any_output_is_read_as_it_is(answers: list[tuple[bytes, int]]) -> None:
    marked = Marked(["x"] * len(answers))
    other = Marked(["x"] * len(answers))
    output = b"".join(
        content
        + other.word.encode()
        + b".%d.0\n" % number
        + marked.word.encode()
        + b".%d.%d\n" % (number, code)
        for number, (content, code) in enumerate(answers)
    )
    ran = marked.read(output)
    assert [each.code for each in ran] == [code for _, code in answers]
    for each, (content, _) in zip(ran, answers, strict=True):
        assert each.output.startswith(content.decode("utf-8", "replace")[:-3])


@given(st.binary(max_size=500))
def test_any_output_without_marks_is_refused(output: bytes) -> None:
    with pytest.raises(CommandRefused, match="did not say how it ended") as caught:
        Marked(["x"]).read(output)
    assert str(caught.value).isprintable()


def test_marks_out_of_order_are_refused() -> None:
    marked = Marked(["a", "b"])
    word = marked.word.encode()
    with pytest.raises(CommandRefused):
        marked.read(word + b".1.0\n" + word + b".0.0\n")


def test_no_questions_are_no_round_trip() -> None:
    link = ScriptedLink(answering({}))
    assert ask(link, {}) == {}
    assert link.trips == 0


@pytest.mark.parametrize("command", ["a\0b", "x" * LONGEST_LINE, "漢" * (LONGEST_LINE // 2)])
def test_what_no_phone_would_be_given_whole_is_refused(command: str) -> None:
    with pytest.raises(CommandRefused, match="too long, or with a NUL"):
        Marked([command])


def test_yes_no_and_neither() -> None:
    assert holds("[ -e x ]", Ran("", 0))
    assert not holds("[ -e x ]", Ran("", 1))
    for code in (2, 127, 255):
        with pytest.raises(CommandRefused, match=f"exit code {code}: why"):
            holds("[ -e x ]", Ran("why\n", code))


def test_success_is_its_output() -> None:
    assert succeeded("x", Ran("a\n", 0)) == "a\n"
    with pytest.raises(CommandRefused, match=r"command 'x y' ended with exit code 1: and it said"):
        succeeded("x\n  y", Ran("", 1))


def test_several_commands_are_called_by_the_first() -> None:
    assert told_of(Marked(["getprop", "id -u"]).line) == "command 'getprop'"
