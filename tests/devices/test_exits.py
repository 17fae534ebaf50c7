from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.exits import LONGEST_LINE, MOST_LINES, read_exit
from lab.devices.models import Refinement
from lab.devices.process import Ended
from lab.model.outcome import Answer, AppOutcome, ErrorKind

EXITS = {
    0: frozenset[ErrorKind](),
    5: frozenset({ErrorKind.CHAIN, ErrorKind.TIME}),
    9: frozenset({ErrorKind.PIN}),
}
ERRORS = tuple(
    Refinement.model_validate({"match": match, "kinds": [kind]})
    for match, kind in (("expired", "time"), ("ertificate", "chain"), ("pin", "pin"))
)


def read(code: int | None, said: bytes = b"", *secrets: str) -> AppOutcome:
    return read_exit(Ended(code, said, 1.5), EXITS, ERRORS, secrets)


def test_accepted() -> None:
    outcome = read(0, b"warning: certificate expired\n")
    assert outcome.answer is Answer.ACCEPTED
    assert outcome.kinds == frozenset()
    assert outcome.code == outcome.message == "exit 0"
    assert outcome.log == ("warning: certificate expired",)
    assert (outcome.seconds, outcome.commands) == (1.5, 1)


@pytest.mark.parametrize(
    ("code", "said", "kinds", "message"),
    [
        (5, b"", {ErrorKind.CHAIN, ErrorKind.TIME}, "exit 5"),
        (5, b"\nodd\nthing", {ErrorKind.CHAIN, ErrorKind.TIME}, "odd"),
        (5, b"hello\n the Certificate expired \nbye", {ErrorKind.TIME}, "the Certificate expired"),
        (5, b"hello\ncertificate bad", {ErrorKind.CHAIN}, "certificate bad"),
        (5, b"a certificate\nexpired", {ErrorKind.CHAIN, ErrorKind.TIME}, "a certificate"),
        (9, b"expired", {ErrorKind.PIN}, "expired"),
        (9, b"x\npin", {ErrorKind.PIN}, "pin"),
        (77, b"pin expired", {ErrorKind.UNKNOWN}, "pin expired"),
    ],
)
def test_words_only_narrow_the_exit_code_down(
    code: int, said: bytes, kinds: set[ErrorKind], message: str
) -> None:
    outcome = read(code, said)
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == kinds
    assert (outcome.code, outcome.message) == (f"exit {code}", message)


@pytest.mark.parametrize(
    ("code", "message"),
    [(None, "in time"), (-11, "SIGSEGV"), (-6, "SIGABRT"), (-99, "signal 99")],
)
def test_no_exit_code_is_silence(code: int | None, message: str) -> None:
    outcome = read(code, b"expired")
    assert outcome.answer is Answer.SILENT
    assert outcome.kinds == frozenset()
    assert outcome.code is None
    assert message in outcome.message
    assert outcome.log == ("expired",)


def test_secrets_are_blotted_out_the_longest_first() -> None:
    outcome = read(5, b"key hunter22 hunter2", "hunter2", "hunter22", "")
    assert outcome.log == ("key *** ***",)
    assert outcome.message == "key *** ***"


@given(st.binary(), st.integers(-64, 255) | st.none())
def test_whatever_is_said_the_account_is_short_and_printable(said: bytes, code: int | None) -> None:
    outcome = read(code, said * 100)
    assert len(outcome.log) <= MOST_LINES
    assert all(len(line) <= LONGEST_LINE for line in (*outcome.log, outcome.message))
    assert "\x1b" not in "".join(outcome.log) + outcome.message
    assert "\n" not in "".join(outcome.log) + outcome.message
