"""What a program's exit code and its words mean. Pure: no process, no clock."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection, Mapping, Sequence

from lab.devices.models import Refinement
from lab.devices.process import Ended
from lab.model.outcome import Answer, AppOutcome, ErrorKind

MOST_LINES = 20
LONGEST_LINE = 500

_UNLISTED = frozenset({ErrorKind.UNKNOWN})

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def read_exit(
    ended: Ended,
    exits: Mapping[int, frozenset[ErrorKind]],
    errors: Sequence[Refinement],
    secrets: Collection[str] = (),
) -> AppOutcome:
    """Return what the program said. An exit code that ``exits`` does not list is a refusal for
    an unknown reason; one whose kinds are empty is an acceptance. ``secrets`` are blotted out."""
    said = [line.strip() for line in _text(ended.output, secrets).splitlines() if line.strip()]
    log = tuple(line[:LONGEST_LINE] for line in said[:MOST_LINES])
    if ended.code is None or ended.code < 0:
        message = "the program did not end in time and was killed"
        if ended.code is not None:
            message = f"the program was killed by {_signal(-ended.code)}"
        return AppOutcome(
            Answer.SILENT, message=message, log=log, seconds=ended.seconds, commands=1
        )
    code = f"exit {ended.code}"
    kinds, words = narrow(exits.get(ended.code, _UNLISTED), said, errors)
    accepted = not kinds
    return AppOutcome(
        answer=Answer.ACCEPTED if accepted else Answer.REFUSED,
        kinds=kinds,
        code=code,
        message=code if accepted else (words or next(iter(log), code))[:LONGEST_LINE],
        log=log,
        seconds=ended.seconds,
        commands=1,
    )


def narrow(
    kinds: frozenset[ErrorKind], lines: Sequence[str], errors: Sequence[Refinement]
) -> tuple[frozenset[ErrorKind], str]:
    """Return what ``lines`` say more precisely than the exit code, which means ``kinds``, and
    the first line that does so; ``kinds`` and nothing where none does.

    The first of ``errors`` that fits a line tells what that line means. A client that complains
    of several defects means them all. Words only ever narrow the exit code down: the peer has a
    say in them (names in a certificate, a status line), and must not turn one kind of error into
    another.
    """
    usable = [refinement for refinement in errors if refinement.kinds <= kinds]
    meant: dict[str, frozenset[ErrorKind]] = {}
    for line in lines:
        for refinement in usable:
            if refinement.match.search(line):
                meant.setdefault(line, refinement.kinds)
                break
    if not meant:
        return kinds, ""
    return frozenset().union(*meant.values()), next(iter(meant))


def _text(output: bytes, secrets: Collection[str]) -> str:
    text = output.decode("utf-8", "replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return _CONTROL.sub(" ", text)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
