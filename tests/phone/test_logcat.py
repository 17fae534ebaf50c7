from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.logcat import MAX_LINES, MAX_MESSAGE, MAX_PARTS, LogBuffer
from tests.patience import CAP

NOON = 1_767_268_800.0
"""1 January 2026, 12:00:00 GMT."""


def test_threadtime() -> None:
    log = LogBuffer()
    log.write(NOON + 0.0426, "Pin", "WARN", "no match")
    log.write(NOON, "VeryLongTag", "error", "x")
    assert [line.threadtime() for line in log.lines()] == [
        "01-01 12:00:00.042  1000  1000 W Pin     : no match",
        "01-01 12:00:00.000  1000  1000 E VeryLongTag: x",
    ]


@pytest.mark.parametrize(
    ("level", "letter"),
    [("VERBOSE", "V"), ("debug", "D"), ("INFO", "I"), ("Warn", "W"), ("ERROR", "E"), ("?", "I")],
)
def test_levels(level: str, letter: str) -> None:
    log = LogBuffer()
    log.write(NOON, "t", level, "x")
    assert log.lines()[0].letter == letter


@given(message=st.text())
def test_no_message_can_pass_for_another(message: str) -> None:
    log = LogBuffer()
    log.write(NOON, "app", "INFO", message)
    lines = log.lines()
    assert lines
    assert all(line.tag == "app" for line in lines)
    assert all(len(line.threadtime().splitlines()) == 1 for line in lines)
    assert [line.message for line in lines] == (message.splitlines() or [""])


def test_long_messages_are_cut() -> None:
    log = LogBuffer()
    log.write(NOON, "t", "INFO", "x" * 10 * MAX_MESSAGE)
    assert [len(line.message) for line in log.lines()] == [MAX_MESSAGE]


def test_no_message_pushes_everything_out() -> None:
    log = LogBuffer()
    log.write(NOON, "t", "INFO", "first")
    log.write(NOON, "t", "INFO", "\n" * 10 * MAX_MESSAGE)
    messages = [line.message for line in log.lines()]
    assert messages[0] == "first"
    assert len(messages) == 1 + MAX_PARTS + 1
    assert messages[-1] == f"... {4 * MAX_MESSAGE - MAX_PARTS} more lines"


def test_lines_since() -> None:
    log = LogBuffer()
    assert log.since(0, 0) == (0, ())
    log.write(NOON, "t", "INFO", "one\ntwo", 41)
    written, lines = log.since(0, 0)
    assert (written, [line.message for line in lines]) == (2, ["one", "two"])
    assert {line.pid for line in lines} == {41}
    assert log.since(2, 0) == (2, ())
    log.write(NOON, "t", "INFO", "three")
    assert [line.message for line in log.since(2, 0)[1]] == ["three"]
    assert [line.message for line in log.since(1, 0)[1]] == ["two", "three"]
    log.clear()
    assert log.since(0, 0) == (3, ())
    log.write(NOON, "t", "INFO", "four")
    assert [line.message for line in log.since(0, 0)[1]] == ["four"]
    for number in range(MAX_LINES + 5):
        log.write(NOON, "t", "INFO", str(number))
    written, lines = log.since(3, 0)
    assert (written, len(lines)) == (4 + MAX_LINES + 5, MAX_LINES)


def test_waiting_for_lines() -> None:
    log = LogBuffer()
    found: list[str] = []

    def read() -> None:
        found.extend(line.message for line in log.since(0, 60)[1])

    reader = threading.Thread(target=read)
    reader.start()
    log.write(NOON, "t", "INFO", "here")
    reader.join(CAP)
    assert found == ["here"]


def test_lines_of_some_tags() -> None:
    log = LogBuffer()
    for tag in ("a", "b", "c"):
        log.write(NOON, tag, "INFO", tag)
    assert [line.tag for line in log.lines(("a", "c"))] == ["a", "c"]
    assert log.lines(("none",)) == ()
    log.clear()
    assert log.lines() == ()


def test_the_oldest_lines_go_first() -> None:
    log = LogBuffer()
    for number in range(MAX_LINES + 5):
        log.write(NOON, "t", "INFO", str(number))
    messages = [line.message for line in log.lines()]
    assert messages == [str(number) for number in range(5, MAX_LINES + 5)]


def test_many_writers_and_a_reader() -> None:
    log = LogBuffer()

    def write() -> None:
        for _ in range(200):
            log.write(NOON, "t", "INFO", "one\ntwo")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        log.lines()
    assert [line.message for line in log.lines()] == ["one", "two"] * 800
