"""Who carries a plan out: this process alone, or several beside it, each with a bench and a phone
of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from lab.model.verdict import Verdict
from lab.mutants import mutants
from lab.selftest.findings import Effect, Tried
from lab.selftest.plan import Errand, Plan

if TYPE_CHECKING:
    from lab.selftest.stage import Stage

END_CAP = 10.0
"""Seconds that a process has to put its phone away."""
MOST_DEATHS = 3
"""Processes that may end by themselves before the self-test gives up."""

Watch = Callable[[Tried], None]
Serve = Callable[[Connection, Path, int], None]

_DONE = None
"""What a process sends behind the last result of an errand, and is sent to make it end."""


class WorkersLost(Exception):
    """Processes of the self-test ended by themselves, again and again."""


def work_alone(plan: Plan, stage: Stage, watch: Watch) -> None:
    """Carry out ``plan`` in this process. ``watch`` is told of each result."""
    while (errand := plan.next()) is not None:
        for tried in stage.perform(errand):
            plan.take(tried)
            watch(tried)
        plan.done(errand)


def serve(pipe: Connection, folder: Path, number: int) -> None:
    """Be one of the processes: take errands from ``pipe`` and answer with results, until told to
    end or until nobody is there any more."""
    # Here, not above: nobody else needs the bench and all that it is made of.
    from lab.selftest.stage import Stage, attacks_on_the_app

    # Ctrl-C goes to all processes of a terminal; who started this one says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    by_name = {mutant.name: mutant for mutant in mutants()}
    with (
        suppress(EOFError, OSError),
        Stage(folder, by_name, attacks_on_the_app(), worker=number) as stage,
    ):
        while (errand := pipe.recv()) is not _DONE:
            for tried in stage.perform(errand):
                pipe.send(tried)
            pipe.send(_DONE)


def work_together(
    plan: Plan, directory: Path, count: int, watch: Watch, *, serve: Serve = serve
) -> None:
    """Carry out ``plan`` in ``count`` processes that do what ``serve`` does. Raises
    WorkersLost."""
    crew = _Crew(directory, serve)
    try:
        while True:
            while len(crew.busy) < count and (errand := plan.next()) is not None:
                crew.send(errand)
            if not crew.busy:
                return
            for worker, tried in crew.heard():
                if tried is not None:
                    plan.take(tried)
                    watch(tried)
                elif worker.errand is not None:
                    plan.done(worker.errand)
                    worker.errand = None
    finally:
        crew.dismiss()


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    errand: Errand | None = None


class _Crew:
    """The processes, each started when there is something to do for it."""

    def __init__(self, directory: Path, serve: Serve) -> None:
        self._directory = directory
        self._serve = serve
        # Not fork: the bench has threads, and so may whoever started the self-test.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._started = 0
        self._deaths = 0

    @property
    def busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.errand is not None]

    def send(self, errand: Errand) -> None:
        """Give an errand to a process that has none."""
        idle = next((worker for worker in self._workers if worker.errand is None), None)
        worker = idle or self._start()
        worker.errand = errand
        # Where it has ended meanwhile, that is heard of.
        with suppress(OSError):
            worker.pipe.send(errand)

    def heard(self) -> Iterator[tuple[_Worker, Tried | None]]:
        """Wait until there is news and yield it; None: the errand has ended. Raises WorkersLost."""
        by_pipe = {worker.pipe: worker for worker in self.busy}
        for pipe in wait(list(by_pipe)):
            assert isinstance(pipe, Connection)
            worker = by_pipe[pipe]
            try:
                yield worker, pipe.recv()
            except (EOFError, OSError):
                yield from self._lost(worker)

    def _lost(self, worker: _Worker) -> Iterator[tuple[_Worker, Tried | None]]:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(END_CAP)
        how = f"a process of the self-test ended by itself (exit code {worker.process.exitcode})"
        self._deaths += 1
        if self._deaths > MOST_DEATHS or worker.errand is None:
            raise WorkersLost(how)
        for slug in worker.errand.attacks:
            yield (
                worker,
                Tried(
                    client=worker.errand.client,
                    attack=slug,
                    case=slug,
                    verdict=Verdict.INCONCLUSIVE,
                    effect=Effect.UNDECIDED,
                    why=f"Not known: {how}.",
                ),
            )
        yield worker, None

    def dismiss(self) -> None:
        """Let all processes end, and wait for them."""
        for worker in self._workers:
            with suppress(OSError):
                worker.pipe.send(_DONE)
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(END_CAP)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        folder = self._directory / f"worker-{self._started}"
        process = self._context.Process(
            target=self._serve, args=(theirs, folder, self._started), name=folder.name, daemon=True
        )
        process.start()
        # Or its end would not be noticed.
        theirs.close()
        self._started += 1
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker
