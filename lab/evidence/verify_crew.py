"""Who looks at a bundle: this process, or as many as there are cores where there is much of it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import ParamSpec, TypeVar

from lab.processors import processors

P = ParamSpec("P")
T = TypeVar("T")

MUCH = 6 << 20
"""Bytes of records from which other processes are worth the second that they take to start."""


class NotChecked(Exception):
    """The bundle could not be looked at to the end; the message says why."""


class Here(Executor):
    """Does everything at once, in this process."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        """Call ``function``, and return what came of it."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **named))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)
        return future


@contextmanager
def crew(size: int) -> Iterator[Executor]:
    """Yield who looks at a bundle with ``size`` bytes of records. Raises NotChecked where one of
    the processes ends before its work is done: what it did not look at has not passed."""
    if size < MUCH or processors() < 2:
        yield Here()
        return
    # A Ctrl-C is for this process to see.
    executor = ProcessPoolExecutor(
        processors(), _context(), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield executor
    except BrokenProcessPool:
        raise NotChecked("a process that looked at the bundle was ended from outside") from None
    finally:
        executor.shutdown(cancel_futures=True)


def _context() -> BaseContext:
    """Return how processes are started: forked where that is safe, which takes no time."""
    ways = multiprocessing.get_all_start_methods()
    alone = threading.active_count() == 1
    return multiprocessing.get_context("fork" if alone and "fork" in ways else "spawn")
