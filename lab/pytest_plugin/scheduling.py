"""What pytest-xdist asks of the process that reports: what workers are told, and which of them gets
which scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from lab.model.device import WifiKind

SPREADING = ("load", "worksteal", "loadgroup", "loadscope", "loadfile")
"""pytest-xdist's ways to spread tests over processes."""


class Workers:
    """Tells worker processes which run they are of, and hears what they are going to do."""

    def __init__(self, run_id: str, wifi: WifiKind, select: Callable[[list[str]], None]) -> None:
        """``select`` is told the scenarios that a worker has found."""
        self._run_id = run_id
        self._wifi = wifi
        self._select = select

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["lab_run_id"] = self._run_id
        node.workerinput["lab_wifi"] = str(self._wifi)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self._select(ids)


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
