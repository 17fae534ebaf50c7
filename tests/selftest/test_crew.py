"""Processes that carry a plan out beside this one. They are real, the bench in them is not."""

from __future__ import annotations

import os
import signal
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from lab.selftest import crew
from lab.selftest.crew import WorkersLost, work_together
from lab.selftest.findings import REFERENCE, Effect, Tried
from lab.selftest.plan import Plan
from tests.selftest.builders import attack, mutant, tried

pytestmark = pytest.mark.whole

MUTANTS = [mutant("M", "a0"), mutant("Deadly", "a1"), mutant("N", "a2")]
ATTACKS = [attack(f"a{n}") for n in range(3)]


def answers(pipe: Connection, folder: Path, number: int) -> None:
    """Kill with every attack, and die of the mutant that is called so."""
    while (errand := pipe.recv()) is not None:
        for slug in errand.attacks:
            if errand.client == "Deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            pipe.send(tried(errand.client, slug, why=f"{os.getpid()}"))
        pipe.send(None)


def dies(pipe: Connection, folder: Path, number: int) -> None:
    """End as soon as there is something to do."""
    pipe.recv()
    raise SystemExit(7)


def test_two_processes_share_the_work_and_one_that_dies_costs_its_errand_alone(
    tmp_path: Path,
) -> None:
    results: list[Tried] = []
    plan = Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS, cover=False)
    work_together(plan, tmp_path, 2, results.append, serve=answers)
    made = Counter((t.client, t.attack) for t in results)
    due = {("M", "a0"), ("Deadly", "a1"), ("N", "a2"), *((REFERENCE, a.slug) for a in ATTACKS)}
    assert made == Counter(due)
    lost = [t for t in results if t.effect is Effect.UNDECIDED]
    assert [(t.client, t.why) for t in lost] == [
        ("Deadly", "Not known: a process of the self-test ended by itself (exit code -9).")
    ]
    assert not [p for p in psutil.Process().children() if "multiprocessing.spawn" in p.cmdline()]


def test_processes_that_always_die_end_the_self_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "MOST_DEATHS", 1)
    plan = Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS, cover=False)
    with pytest.raises(WorkersLost, match=r"exit code 7"):
        work_together(plan, tmp_path, 1, lambda _: None, serve=dies)
