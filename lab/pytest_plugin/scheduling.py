"""Which worker process gets which scenario: all of one real phone go to the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SPREADING = ("load", "worksteal", "loadgroup", "loadscope", "loadfile")
"""pytest-xdist's ways to spread tests over processes."""


class Scheduling:
    """Asks pytest-xdist to keep the scenarios of each of these devices in one process: there is
    one such device only, and it has one owner at a time."""

    def __init__(self, exclusive: Collection[str]) -> None:
        self._exclusive = exclusive

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        if config.getoption("dist", "no") not in SPREADING:
            return None
        return _ByDevice(config, log, self._exclusive)


class _ByDevice(LoadScopeScheduling):  # type: ignore[misc]
    def __init__(self, config: pytest.Config, log: Any, exclusive: Collection[str]) -> None:
        super().__init__(config, log)
        self._exclusive = exclusive

    def _split_scope(self, nodeid: str) -> str:
        parameters = nodeid.partition("[")[2]
        device = next((d for d in self._exclusive if parameters.startswith(f"{d}-")), None)
        return device or nodeid
