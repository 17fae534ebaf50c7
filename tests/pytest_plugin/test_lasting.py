from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lab.pytest_plugin.keys import OPTIONS
from lab.pytest_plugin.lasting import begin_loading, keep_loaded
from tests.patience import CAP

REPORTS = ("jinja2", "PIL", "rich", "lab.gate", "lab.evidence.renderers")
SCENARIOS = ("mitmproxy", "selenium.webdriver", "hypercorn", "lab.backend", "lab.trial.conductor")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def config(run_id: str | None, processes: list[str] | None) -> Any:
    options = SimpleNamespace(run_id=run_id)
    return SimpleNamespace(stash={OPTIONS: options}, getoption=lambda name, default: processes)


@pytest.mark.parametrize(
    ("run_id", "processes", "kept"),
    [("run", None, True), (None, ["popen"], True), (None, None, False)],
    ids=["worker", "reports for workers", "alone"],
)
def test_a_process_of_the_run_alone_keeps_what_it_has_loaded(
    run_id: str | None, processes: list[str] | None, kept: bool
) -> None:
    gc.unfreeze()
    begin_loading(config(run_id, processes))
    assert gc.isenabled() is (run_id is None)
    keep_loaded(config(run_id, processes))
    assert gc.isenabled()
    assert (gc.get_freeze_count() > 0) is kept


def loaded_with(*modules: str) -> frozenset[str]:
    """Return the modules that importing these loads in a new process."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=CAP, check=True)
    return frozenset(done.stdout.split())


def test_nobody_waits_for_what_another_process_does() -> None:
    plugin = loaded_with("lab.pytest_plugin")
    assert not plugin & {*REPORTS, *SCENARIOS}
    worker = loaded_with("lab.pytest_plugin.running", "lab.trial.bench", "lab.evidence.writer")
    assert not worker & {*REPORTS, "mitmproxy.addons", "lab.devices.ios.reach"}
    assert {"mitmproxy", "lab.backend"} <= worker
    reporting = loaded_with("lab.pytest_plugin.recording")
    assert not reporting & {*SCENARIOS, "lab.gate"}
