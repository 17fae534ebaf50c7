"""One event loop in a thread of its own, for everything of the lab that serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LabLoop:
    """Runs coroutines for callers that are not asynchronous themselves.

    Use as a context manager. ``run`` may be called from any thread but the loop's own.
    """

    def __init__(self, name: str = "trustpin-lab") -> None:
        self._loop = asyncio.new_event_loop()
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
        is raised.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(cap)
        except TimeoutError:
            future.cancel()
            raise
        except BaseException:
            # Ctrl-C in the waiting thread must not leave the work running behind its back.
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        if self._loop.is_closed():
            return
        self.run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _cancel_all(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def __enter__(self) -> LabLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
