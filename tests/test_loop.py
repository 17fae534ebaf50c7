from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from lab.loop import LabLoop
from tests.patience import CAP


@pytest.fixture
def loop() -> Iterator[LabLoop]:
    with LabLoop("loop under test") as running:
        yield running


class Sleeper:
    """Work that ends only when it is cancelled, and tells when that was."""

    def __init__(self, on_cancel: Callable[[], object] = lambda: None) -> None:
        self.started = threading.Event()
        self.cancelled = threading.Event()
        self._on_cancel = on_cancel
        # Kept, as who waits for it is known to nobody else: it could be collected otherwise.
        self._for_ever = asyncio.Event()

    async def sleep(self) -> None:
        self.started.set()
        try:
            await self._for_ever.wait()
        except asyncio.CancelledError:
            self._on_cancel()
            self.cancelled.set()
            raise


async def thread_name() -> str:
    return threading.current_thread().name


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_runs_work_on_a_thread_of_its_own(loop: LabLoop) -> None:
    assert loop.run(thread_name()) == "loop under test"
    assert loop.run(answer(42)) == 42


def test_the_loop_is_the_one_that_work_runs_on(loop: LabLoop) -> None:
    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert loop.run(running()) is loop.loop


def test_many_threads_get_their_own_results(loop: LabLoop) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda n: loop.run(answer(n)), range(500))) == list(range(500))


def test_one_waiting_thread_does_not_hold_up_another(loop: LabLoop) -> None:
    met = asyncio.Barrier(8)

    async def meet() -> None:
        await met.wait()

    with ThreadPoolExecutor(8) as pool:
        for waiting in [pool.submit(loop.run, meet(), CAP) for _ in range(8)]:
            waiting.result(CAP)


def test_exceptions_reach_the_caller(loop: LabLoop) -> None:
    async def fail() -> None:
        raise LookupError("as it was")

    with pytest.raises(LookupError, match="as it was"):
        loop.run(fail())
    assert loop.run(answer(1)) == 1


def test_a_timeout_of_the_work_is_the_work_s_own(loop: LabLoop) -> None:
    async def fail() -> None:
        raise TimeoutError("of the work")

    with pytest.raises(TimeoutError, match="of the work"):
        loop.run(fail())


def test_past_the_cap_the_work_is_cancelled(loop: LabLoop) -> None:
    sleeper = Sleeper()
    with pytest.raises(TimeoutError):
        loop.run(sleeper.sleep(), cap=0.01)
    assert sleeper.started.is_set()
    assert sleeper.cancelled.wait(CAP)
    assert loop.run(answer(1)) == 1


def test_without_a_cap_it_waits(loop: LabLoop) -> None:
    async def wait() -> str:
        await asyncio.sleep(0.02)
        return "done"

    assert loop.run(wait(), cap=None) == "done"


def test_an_interrupted_wait_cancels_the_work(loop: LabLoop) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    main = threading.main_thread().ident
    assert main is not None
    sleeper = Sleeper()

    def waits() -> bool:
        frame = sys._current_frames().get(main)
        return any(f.f_code is Future.result.__code__ for f, _ in traceback.walk_stack(frame))

    async def work() -> None:
        while not waits():  # noqa: ASYNC110 - a thread does not tell when it begins to wait
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(signal.pthread_kill, main, signal.SIGUSR1)
        await sleeper.sleep()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            loop.run(work(), CAP)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert sleeper.cancelled.wait(CAP)


def test_the_loop_s_own_thread_cannot_wait_for_it(loop: LabLoop) -> None:
    async def nest() -> None:
        loop.run(answer(1))

    async def end() -> None:
        loop.close()

    for work in (nest(), end()):
        with pytest.raises(RuntimeError, match="own thread"):
            loop.run(work, CAP)
    assert loop.run(answer(1)) == 1


def test_close_ends_the_thread(loop: LabLoop) -> None:
    thread = loop._thread
    assert thread.is_alive()
    loop.close()
    assert not thread.is_alive()
    assert loop.loop.is_closed()


def test_close_cancels_what_still_runs() -> None:
    sleeper = Sleeper()
    with LabLoop() as loop:
        loop.loop.call_soon_threadsafe(lambda: loop.loop.create_task(sleeper.sleep()))
        assert sleeper.started.wait(CAP)
    assert sleeper.cancelled.is_set()


def test_close_cancels_what_others_wait_for() -> None:
    sleeper = Sleeper()
    with LabLoop() as loop, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, sleeper.sleep(), None)
        assert sleeper.started.wait(CAP)
        loop.close()
        with pytest.raises(CancelledError):
            waiting.result(CAP)


def test_close_cancels_what_starts_while_it_cancels() -> None:
    late, tasks = Sleeper(), []
    with LabLoop() as loop:
        early = Sleeper(lambda: tasks.append(loop.loop.create_task(late.sleep())))
        loop.loop.call_soon_threadsafe(lambda: tasks.append(loop.loop.create_task(early.sleep())))
        assert early.started.wait(CAP)
    assert [task.cancelled() for task in tasks] == [True, True]


def test_close_lets_work_clean_up() -> None:
    cleaned = []
    for_ever = asyncio.Event()

    async def work(started: threading.Event) -> None:
        started.set()
        try:
            await for_ever.wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("up")

    started = threading.Event()
    with LabLoop() as loop:
        loop.loop.call_soon_threadsafe(lambda: loop.loop.create_task(work(started)))
        assert started.wait(CAP)
    assert cleaned == ["up"]


def test_close_ends_asynchronous_generators() -> None:
    ended = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append("numbers")

    kept = numbers()

    async def first() -> int:
        return await anext(kept)

    with LabLoop() as loop:
        assert loop.run(first()) == 1
        assert ended == []
    assert ended == ["numbers"]


def test_a_failure_on_the_way_out_is_not_swallowed(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise LookupError("while cancelled")

    sleeper = Sleeper(fail)
    with LabLoop() as loop:
        loop.loop.call_soon_threadsafe(lambda: loop.loop.create_task(sleeper.sleep()))
        assert sleeper.started.wait(CAP)
    told = [r.exc_info[1] for r in caplog.records if r.levelno >= logging.ERROR and r.exc_info]
    assert [str(error) for error in told] == ["while cancelled"]


def test_what_refuses_to_end_is_reported_and_the_thread_ends_anyway(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lab.loop._CLOSE_CAP", 0.05)
    started = threading.Event()

    async def stubborn() -> None:
        started.set()
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.001)

    loop = LabLoop()
    loop.loop.call_soon_threadsafe(lambda: loop.loop.create_task(stubborn()))
    assert started.wait(CAP)
    with pytest.raises(TimeoutError):
        loop.close()
    assert not loop._thread.is_alive()
    assert loop.loop.is_closed()
    gc.collect()
    assert {r.getMessage().partition("\n")[0] for r in caplog.records} == {
        "Task was destroyed but it is pending!"
    }


def test_after_close_work_is_refused_at_once() -> None:
    loop = LabLoop()
    loop.close()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run(answer(1), cap=None)


def test_a_close_in_the_middle_leaves_nobody_waiting() -> None:
    """Each run gets its result, a cancellation or a refusal: nothing else, and no wait."""

    def ask(loop: LabLoop, ready: threading.Barrier) -> str:
        ready.wait(CAP)
        try:
            while True:
                assert loop.run(answer(7), CAP) == 7
        except CancelledError:
            return "cancelled"
        except RuntimeError as error:
            return str(error)

    for _ in range(20):
        loop, ready = LabLoop(), threading.Barrier(5)
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, loop, ready) for _ in range(4)]
            ready.wait(CAP)
            loop.close()
            ends = {each.result(CAP) for each in asking}
        assert ends <= {"cancelled", "the loop is closed"}
