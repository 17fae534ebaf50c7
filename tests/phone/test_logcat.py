from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.logcat import MAX_LINES, MAX_MESSAGE, LogBuffer

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
    log.write(NOON, "t", "INFO", "\n" * 10 * MAX_MESSAGE)
    assert len(log.lines()) <= MAX_LINES


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
