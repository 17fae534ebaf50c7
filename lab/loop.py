"""One event loop in a thread of its own, for everything of the lab that serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_CLOSE_CAP = 30.0
"""Seconds to wait for what was cancelled, and again for the thread."""


class LabLoop:
    """Runs coroutines for callers that are not asynchronous themselves.

    Use as a context manager. ``run`` and ``close`` may be called from any thread but the loop's
    own, where they raise RuntimeError.
    """

    def __init__(self, name: str = "trustpin-lab") -> None:
        self._loop = asyncio.new_event_loop()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T], cap: float | None = 30.0) -> T:
        """Run ``work`` on the loop and return its result.

        ``cap`` is the longest wait in seconds; past it the work is cancelled and TimeoutError
        is raised. Raises CancelledError where ``close`` came first, RuntimeError where it had
        come before.
        """
        future: Future[T] | None = None
        try:
            self._refuse_own_thread()
            # What is taken on before the loop closes is cancelled then; nothing waits in vain.
            with self._gate:
                if self._closed:
                    raise RuntimeError("the loop is closed")
                future = asyncio.run_coroutine_threadsafe(work, self._loop)
            return future.result(cap)
        except BaseException:
            # Neither the cap nor Ctrl-C may leave the work running behind the caller's back.
            if future is None:
                work.close()
            else:
                future.cancel()
            raise

    def close(self) -> None:
        """Cancel what still runs and end the thread. Closing twice does no harm.

        Raises TimeoutError where something refuses to end.
        """
        self._refuse_own_thread()
        with self._gate:
            if self._closed:
                return
            self._closed = True
            ended = asyncio.run_coroutine_threadsafe(self._cancel_all(), self._loop)
        try:
            ended.result(_CLOSE_CAP)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSE_CAP)
            if not self._thread.is_alive():
                self._loop.close()

    def _refuse_own_thread(self) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError("the loop's own thread cannot wait for it")

    async def _cancel_all(self) -> None:
        # What is cancelled may start something else on its way out.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            # Unlike gather, wait leaves exceptions to those who ask for them, or to the log.
            await asyncio.wait(tasks)
        await self._loop.shutdown_asyncgens()

    def __enter__(self) -> LabLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
