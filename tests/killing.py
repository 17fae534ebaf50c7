"""Kills processes at random moments (SIGKILL), to see what they leave behind.

``Nursery`` for functions that are over in milliseconds: a prepared process forks one child after
the other. ``run_and_kill`` for whole programs.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import secrets
import select
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

SEED_VARIABLE = "TRUSTPIN_LAB_KILL_SEED"
"""Environment variable with the seed of a run that is to be repeated."""
CAP = 60.0
"""Seconds after which a process that is not killed earlier is killed all the same."""

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class End:
    """How a process ended."""

    code: int
    """Its exit code, negative for the signal that ended it."""
    seconds: float
    """How long it ran, from when it was ready."""
    output: str = ""

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def moments_of(test: str) -> random.Random:
    """Return where random moments come from. The seed is written to the test's output."""
    seed = int(os.environ.get(SEED_VARIABLE) or secrets.randbits(32))
    sys.stdout.write(f"{test}: {SEED_VARIABLE}={seed}\n")
    return random.Random(seed)


class Nursery:
    """A process that has imported ``module``, and forks children that call its functions."""

    def __init__(self, module: str) -> None:
        program = f"from tests.killing import serve; serve({module!r})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, function: str, *, after: float | None = None, **arguments: object) -> End:
        """Call a function in a child, and kill that ``after`` so many seconds, if it still runs
        then."""
        told = {"function": function, "after": after, "arguments": arguments}
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        # The nursery itself answers within the cap, whatever its child does.
        ready, _, _ = select.select([process.stdout], [], [], 2 * CAP)
        assert ready, "the nursery does not answer"
        answer = json.loads(process.stdout.readline())
        return End(answer["code"], answer["seconds"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        with self._process:
            try:
                self._process.wait(CAP)
            except subprocess.TimeoutExpired:
                self._process.kill()


def serve(module: str) -> None:
    """Be a nursery until the end of the standard input."""
    functions = importlib.import_module(module)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        started = time.monotonic()
        code = _brought_up(functions, asked, asked["after"] if asked["after"] is not None else CAP)
        answer = {"code": code, "seconds": time.monotonic() - started}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _brought_up(functions: object, asked: Mapping[str, Any], after: float) -> int:
    alive, childs = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(alive)
            # What a child writes must not be taken for an answer.
            os.dup2(2, 1)
            getattr(functions, asked["function"])(**asked["arguments"])
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001 - a child must not go on as another nursery
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(childs)
    # The end of the child closes its side of the pipe.
    ended, _, _ = select.select([alive], [], [], after)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(alive)
    return os.waitstatus_to_exitcode(status)


def run_and_kill(
    argv: Sequence[str],
    *,
    after: float | None = None,
    ready: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    group: bool = False,
    cap: float = CAP,
) -> End:
    """Run a program and kill it, ``after`` so many seconds from when it has written ``ready``.

    ``group``: kill everything that it has started, too; without it those live on, as they do
    when somebody kills a run. Whatever is left at the end of the cap is killed, all of it, and
    the test fails.
    """
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + cap
        output = bytearray()
        try:
            _read(process, output, deadline, until=ready.encode())
            started = time.monotonic()
            if after is not None:
                deadline = min(deadline, started + after)
            _read(process, output, deadline)
            if process.poll() is None and after is not None:
                if group:
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
            code = process.wait(max(0.1, started + cap - time.monotonic()))
            seconds = time.monotonic() - started
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        output += _rest(process.stdout)
    return End(code, seconds, output.decode(errors="replace"))


def _read(
    process: subprocess.Popen[bytes], output: bytearray, deadline: float, until: bytes | None = None
) -> None:
    """Read what is written until the deadline, the end of the process, or those words."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while until is None or until not in output:
            left = deadline - time.monotonic()
            if left <= 0:
                assert until is None, f"{until!r} was not written: {output.decode()}"
                return
            # A child that lives on keeps the pipe open: the end of the process is looked for, too.
            if not selector.select(min(left, 0.05)):
                if process.poll() is not None:
                    break
                continue
            chunk = process.stdout.read()
            if not chunk:
                break
            output += chunk
    assert not until or until in output, f"{until!r} was not written: {output.decode()}"


def _rest(pipe: IO[bytes]) -> bytes:
    return pipe.read() or b""
