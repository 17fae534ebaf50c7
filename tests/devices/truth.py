"""What curl and wget say themselves, against what the judge says of them.

Each program is started through a script that notes its exit code and its words as the system saw
them. They are read here by the programs' own documentation, without anything of the lab's.

``python -m tests.devices.truth`` compares every case that applies, and exits with 1 where the two
disagree.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.devices.command import NoUsablePin
from lab.devices.settings import CommandSettings, load
from lab.devices.template import Template
from lab.judge import judge
from lab.model.attack import Subject
from lab.model.outcome import Answer
from lab.model.serving import Arming
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Verdict
from lab.trial.bench import Bench
from lab.trial.case import Case, cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from tests.devices.conftest import with_examples

PROGRAMS = ("curl", "wget")

SPY = """#!/bin/sh
# Start the program, note how it ended, and end alike.
words=$(mktemp "{folder}/words.XXXXXX")
"$@" 2>"$words"
code=$?
cat "$words" >&2
echo "$code $words" >>"{folder}/ends"
exit $code
"""

SAID = {
    # man curl: EXIT CODES
    "curl": {
        0: {"accepted"},
        5: {"network"},
        6: {"network"},
        7: {"network"},
        16: {"network"},
        18: {"network"},
        22: {"http", "network"},
        28: {"network"},
        35: {"tls", "network", "chain"},
        52: {"network"},
        55: {"network"},
        56: {"network"},
        60: {"chain", "name", "time"},
        90: {"pin"},
        92: {"network"},
        97: {"network"},
    },
    # man wget: EXIT STATUS; 5 is "SSL verification failure"
    "wget": {
        0: {"accepted"},
        4: {"network", "tls"},
        5: {"chain", "name", "time", "pin"},
        8: {"http"},
    },
}

WORDS = {
    "chain": r"not trusted|known issuer|not a CA|certificate problem: (?!.*(expired|not yet))",
    "pin": r"pinned (public key|pubkey)|public key does not match",
    "time": r"expired|not yet (activated|valid)",
    "name": r"hostname|host name|subject name|alternative name",
}
"""What narrows an exit code down that stands for several reasons."""


@dataclass(frozen=True)
class End:
    """How one run of the program ended."""

    code: int
    words: str


@dataclass(frozen=True)
class Compared:
    """One case on one program."""

    program: str
    case: Case
    ends: tuple[End, ...]
    """Of the runs under attack."""
    trial: Trial
    judgement: Judgement

    def __str__(self) -> str:
        ends = "; ".join(f"exit {end.code} {end.words.strip()!r}" for end in self.ends)
        said = f"{self.judgement.verdict}: {self.judgement.headline}"
        return f"{self.program} {self.case.adversary} {self.case.id}: {ends}: {said}"


def due(program: str, case: Case, ends: Iterable[End]) -> Verdict:
    """Return the verdict that the program's own exit codes and words call for."""
    expected = case.entry.expectation()
    verdicts = []
    for end in ends:
        reasons = SAID[program][end.code]
        narrowed = {n for n in reasons & WORDS.keys() if re.search(WORDS[n], end.words, re.I)}
        if expected.answer is Answer.ACCEPTED:
            right = reasons == {"accepted"}
        else:
            right = bool((narrowed or reasons) & {str(kind) for kind in expected.kinds})
        verdicts.append(Verdict.PASS if right else Verdict.FAIL)
    return Verdict.FAIL if Verdict.FAIL in verdicts or not verdicts else Verdict.PASS


class Watched(Seat):
    """Notes how often the program had been run when the attack was armed, and when it ended."""

    spy: Path
    label = ""
    before = after = 0

    def arm(self, wanted: Arming) -> int:
        number = super().arm(wanted)
        if wanted.label == self.label:
            # The control is armed with the same again.
            self.before = self.before or len(ends_of(self.spy)) + 1
        elif self.before and not self.after:
            self.after = len(ends_of(self.spy))
        return number


def ends_of(spy: Path) -> list[End]:
    """Return how each run ended so far."""
    noted = spy.parent / "ends"
    if not noted.exists():
        return []
    lines = (line.split(" ", 1) for line in noted.read_text().splitlines())
    return [End(int(code), Path(words).read_text(errors="replace")) for code, words in lines]


@contextmanager
def seated(bench: Bench, program: str, folder: Path, index: int) -> Iterator[Watched]:
    """Yield the seat of ``program`` as devices.yaml and its examples have it, spied on."""
    folder.mkdir()
    spy = folder / "spy"
    spy.write_text(SPY.format(folder=folder))
    spy.chmod(0o755)
    file = folder / "devices.yaml"
    file.write_text(with_examples())
    settings = load(file).device(program)
    assert isinstance(settings, CommandSettings)
    argv = (Template.parse(str(spy), frozenset()), *settings.argv)
    with bench.device(settings.model_copy(update={"argv": argv}), index) as device:
        seat = Watched(bench, device, lambda png: None)
        seat.spy = spy
        yield seat


def compared(seat: Watched, program: str, case: Case) -> Compared | None:
    """Try ``case`` and compare; None where it does not apply to the program."""
    if case.unmet(seat.device) is not None:
        return None
    seat.label, seat.before, seat.after = case.id, 0, 0
    try:
        trial = conduct(seat, case)
    except NoUsablePin:
        return None
    ends = ends_of(seat.spy)[seat.before - 1 : seat.after]
    if not ends and trial.attack.outcome.code is None:
        # The lab looks names up for it: where that fails, it has nothing to say.
        return None
    return Compared(program, case, tuple(ends), trial, judge(trial))


def disagreement(result: Compared) -> str:
    """Say where the lab and the program disagree; empty where they do not."""
    says = due(result.program, result.case, result.ends)
    codes = {f"exit {end.code}" for end in result.ends}
    if result.trial.attack.outcome.code not in codes:
        return f"the lab read {result.trial.attack.outcome.code!r}; {result}"
    if says is not result.judgement.verdict:
        return f"{says} is due; {result}"
    return ""


def applicable() -> list[Case]:
    """Return every case of an attack on the client under test itself."""
    return [case for case in cases() if case.entry.subject is Subject.APP]


def main() -> int:
    """Compare every case on every program that there is; return the exit code."""
    wrong = count = 0
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder) / "bench") as bench:
        for index, program in enumerate(p for p in PROGRAMS if shutil.which(p)):
            with seated(bench, program, Path(folder) / program, index) as seat:
                for case in applicable():
                    result = compared(seat, program, case)
                    if result is None:
                        continue
                    count += 1
                    told = disagreement(result)
                    if told:
                        wrong += 1
                        sys.stdout.write(f"{told}\n")
    sys.stdout.write(f"{count} cases compared, {wrong} disagreements\n")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
