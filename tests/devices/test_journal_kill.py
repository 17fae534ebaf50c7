"""Runs, and what undoes them, killed at random moments: the device is what it was before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.devices.journal import pending
from tests.devices.folder_device import furnish, state_of
from tests.killing import Nursery, moments_of

pytestmark = pytest.mark.whole

MOMENTS = 50
LATEST = 0.05
"""Seconds after which a process is killed at the latest, to begin with."""
SLOWEST = 2.0
"""Seconds that they can become where this machine is busy."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery("tests.devices.folder_device") as running:
        yield running


class Moments:
    """Random moments that hit: the time within which they lie follows the machine's pace."""

    def __init__(self, chance: random.Random, haste: float) -> None:
        """``haste``: by how much a late moment hastens those that follow."""
        self._chance = chance
        self._haste = haste
        self._latest = LATEST

    def next(self) -> float:
        return self._chance.uniform(0, self._latest)

    def was_early(self) -> None:
        self._latest = min(self._latest * 1.5, SLOWEST)

    def was_late(self) -> None:
        self._latest *= self._haste


class Bench:
    """A device with its journal, and processes that are killed."""

    def __init__(self, nursery: Nursery, root: Path, chance: random.Random) -> None:
        self._nursery, self._root, self._chance = nursery, root, chance
        self._work, self._undo = Moments(chance, 0.9), Moments(chance, 0.7)
        for name in ("journals", "leases"):
            (root / name).mkdir(parents=True)
        self.device = root / "device"
        furnish(self.device, chance)

    @property
    def pending(self) -> int:
        return sum(found.changes for found in pending(self._root / "journals"))

    def kill_work(self) -> None:
        """Kill a run, which would go on for ever."""
        end = self._nursery.run(
            "work",
            after=self._work.next(),
            root=str(self._root),
            seed=self._chance.randrange(1 << 32),
        )
        assert end.killed
        if self.pending:
            self._work.was_late()
        else:
            self._work.was_early()

    def kill_undo(self) -> bool:
        """Kill what puts everything back. Returns whether that was before its end."""
        whole = self.pending
        end = self._nursery.run("restore_all", after=self._undo.next(), root=str(self._root))
        assert end.killed or end.code == 0
        if not end.killed:
            self._undo.was_late()
        elif self.pending == whole:
            self._undo.was_early()
        return end.killed

    def restore(self) -> None:
        end = self._nursery.run("restore_all", root=str(self._root))
        assert end.code == 0


def test_a_run_killed_at_random_moments_is_undone(nursery: Nursery, tmp_path: Path) -> None:
    bench = Bench(nursery, tmp_path / "bench", moments_of("runs"))
    before = state_of(bench.device)
    changed = 0
    for _ in range(MOMENTS):
        bench.kill_work()
        changed += state_of(bench.device) != before
        bench.restore()
        assert state_of(bench.device) == before
        assert bench.pending == 0
    # Or nothing would have been shown.
    assert changed >= MOMENTS // 5


def test_an_undo_killed_at_random_moments_is_taken_up_again(
    nursery: Nursery, tmp_path: Path
) -> None:
    bench = Bench(nursery, tmp_path / "bench", moments_of("undo"))
    before = state_of(bench.device)
    killed = amid = 0
    for _ in range(MOMENTS):
        bench.kill_work()
        whole = bench.pending
        for _ in range(3):
            killed += bench.kill_undo()
            amid += 0 < bench.pending < whole
        bench.restore()
        assert state_of(bench.device) == before
        assert bench.pending == 0
    assert killed >= MOMENTS // 5
    assert amid > 0
