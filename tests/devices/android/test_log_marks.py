"""Marks that the lab leaves in a phone's log."""

from __future__ import annotations

import re

import pytest

from lab.devices.android.link import CommandRefused
from lab.devices.android.logcat import MARK, mark_log, read_log_after, seconds
from tests.devices.android.scripted import ScriptedLink

LINE = "11-30 10:00:00.{ms} 100 100 I {tag}: {text}\n"


def phone(after: str, *, keeps_mark: bool = True) -> ScriptedLink:
    """A phone with one line before the mark and one after it, all of the same second."""
    words: list[str] = []

    def answer(command: str) -> str:
        if command.startswith("date"):
            words.append(command.split()[-1])
            return "11-30 10:00:00.000\n"
        mark = LINE.format(ms="020", tag=MARK, text=words[-1]) if keeps_mark else ""
        before = LINE.format(ms="010", tag="TrustPin", text="before") if keeps_mark else ""
        return before + mark + LINE.format(ms="030", tag="TrustPin", text=after)

    return ScriptedLink(answer)


def test_lines_of_the_same_second_are_parted() -> None:
    link = phone("after")
    assert [line.message for line in read_log_after(link, mark_log(link))] == ["after"]


def test_where_the_mark_is_gone_all_is_later() -> None:
    link = phone("after", keeps_mark=False)
    assert [line.message for line in read_log_after(link, mark_log(link))] == ["after"]


def test_each_mark_is_another_one() -> None:
    link = phone("after")
    assert len({mark_log(link) for _ in range(5)}) == 5
    assert all(re.fullmatch(rf".*; log -t {MARK} [0-9a-f]{{16}}", said) for said in link.said)


def test_a_phone_without_a_date_is_refused() -> None:
    with pytest.raises(CommandRefused):
        mark_log(ScriptedLink(lambda command: "sh: date: not found\n"))


def test_times_are_seconds_apart() -> None:
    assert seconds("12-01 00:00:00.250") - seconds("11-30 23:59:59.000") == pytest.approx(1.25)
    assert seconds("03-01 00:00:00.000") - seconds("02-29 00:00:00.000") == 86_400
