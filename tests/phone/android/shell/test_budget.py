from __future__ import annotations

import threading

import pytest

from lab.phone.android.shell import budget
from lab.phone.android.shell.budget import MAX_EXPANDED, MAX_NESTED, Budget
from lab.phone.android.shell.flow import Exhausted, HungUp
from lab.phone.android.shell.streams import CommandFailed


@pytest.fixture
def hung_up() -> threading.Event:
    return threading.Event()


@pytest.fixture
def counted(hung_up: threading.Event) -> Budget:
    return Budget(hung_up)


def test_so_many_commands_and_no_more(counted: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_STEPS", 3)
    for _ in range(3):
        counted.step()
    with pytest.raises(Exhausted) as ended:
        counted.step()
    assert (ended.value.code, ended.value.reason) == (1, "more than 3 commands")


def test_no_command_once_nobody_waits(counted: Budget, hung_up: threading.Event) -> None:
    counted.step()
    hung_up.set()
    with pytest.raises(HungUp) as ended:
        counted.step()
    assert ended.value.code == 129


def test_so_many_characters_and_no_more(counted: Budget) -> None:
    counted.spend(MAX_EXPANDED)
    counted.spend(0)
    with pytest.raises(Exhausted, match="1"):
        counted.spend(1)


def test_what_is_left_may_be_entered_again(counted: Budget) -> None:
    def deeper(left: int) -> None:
        with counted.nested():
            if left > 1:
                deeper(left - 1)

    for _ in range(2):
        deeper(MAX_NESTED)
        with pytest.raises(CommandFailed, match="nested too deep"):
            deeper(MAX_NESTED + 1)
