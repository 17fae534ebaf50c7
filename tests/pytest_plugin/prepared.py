"""Whole runs of pytest in processes of their own, forked from one that has imported the lab.

Each is as apart from the tests as a program that is started anew, but for the seconds that it
takes to import mitmproxy and the like.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.patience import CAP

# All that a run imports but the plugin itself: pytest is to import that as it does for anybody.
PRELOADED = ("tests.pytest_plugin.prepared", "tests.pytest_plugin.preloaded")
RUN_CAP = 5 * CAP
"""Seconds after which a run is taken for hung and killed."""


def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def run_pytest(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> pytest.RunResult:
    """Run ``pytest ARGUMENTS`` in ``folder``, and return how it ended and what it wrote."""
    out, err = (folder.with_name(f"{folder.name}.{stream}") for stream in ("stdout", "stderr"))
    began = time.monotonic()
    process = processes().Process(
        target=_be_pytest,
        args=(str(folder), tuple(map(str, arguments)), dict(environment), str(out), str(err)),
    )
    process.start()
    process.join(RUN_CAP)
    if process.exitcode is None:
        process.kill()
        process.join()
    code = process.exitcode
    process.close()
    assert code is not None
    said = [path.read_text(encoding="utf-8").splitlines() for path in (out, err)]
    for lines in said:
        sys.stdout.write("\n".join([*lines, ""]))
    return pytest.RunResult(code, said[0], said[1], time.monotonic() - began)


def _be_pytest(
    folder: str, arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str
) -> None:
    for number, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # multiprocessing leaves Ctrl-C to the parent.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["pytest", *arguments]
    # As "python -m pytest" does.
    sys.path.insert(0, folder)
    sys.exit(pytest.main(list(arguments)))
