"""What the reporting process does: records, live line, table, exit code."""

from __future__ import annotations

import json
import platform
import ssl
import time
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from lab import __version__
from lab.devices.journal import pending
from lab.devices.state_folder import StateError, journals_folder
from lab.evidence.files import uninterrupted
from lab.evidence.progress import progress_line
from lab.evidence.record import ScenarioResult, facts_from_json, from_json
from lab.evidence.run import RunInfo
from lab.evidence.table import render
from lab.evidence.writer import PAGE, ReportsUnwritable, RunFolder
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict
from lab.pytest_plugin.evidence import Evidence
from lab.pytest_plugin.keys import (
    CRASHED,
    FACTS,
    INCONCLUSIVE_RUN,
    LOST,
    RESULT,
    RUN_ID,
    VERDICT,
)
from lab.pytest_plugin.lasting import keep_loaded
from lab.pytest_plugin.options import Options

if TYPE_CHECKING:
    from lab.pytest_plugin.gating import Gate

STATUS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "FAIL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
    Verdict.NOT_APPLICABLE: "skipped",
}
"""pytest's own categories where they say the same; the others are told in the lab's table."""

LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal to write over."""


class Recording:
    """Takes every result, writes the run's folder, and tells the user how it goes."""

    def __init__(
        self,
        config: pytest.Config,
        options: Options,
        folder: RunFolder,
        evidence: Evidence,
        gate: Gate | None = None,
    ) -> None:
        self._config = config
        self._options = options
        self.folder = folder
        self._evidence = evidence
        self._results: list[ScenarioResult] = []
        self._counts: Counter[Verdict] = Counter()
        self._facts: dict[str, DeviceFacts] = {}
        self._told: dict[str, str] = {}
        """The same as it was sent, to be read once."""
        self._lost: dict[str, str] = {}
        self._broken = ""
        self._selected = 0
        self._current = ""
        self._started = time.time()
        self._last_line = time.monotonic()
        self._incomplete = ""
        self._gate = gate

    @classmethod
    def begin(cls, config: pytest.Config, options: Options) -> None:
        """Open the run's folder and start recording. Raises ReportsUnwritable and SettingsError."""
        if config.option.collectonly:
            return
        evidence = Evidence.of(options)
        gate = _gate(config)
        folder = RunFolder(options.reports, concealer=evidence.concealer)
        command = ("pytest", *map(str, config.invocation_params.args))
        evidence.begin(folder.path, folder.run_id, command)
        config.stash[RUN_ID] = folder.run_id
        keep_loaded(config)
        if config.option.xmlpath is None:
            config.option.xmlpath = str(folder.path / "junit.xml")
        recording = cls(config, options, folder, evidence, gate)
        config.pluginmanager.register(recording, "trustpin-lab-recording")
        if config.pluginmanager.hasplugin("xdist"):
            # Here, not above: pytest-xdist may be left out.
            from lab.pytest_plugin.scheduling import Scheduling, Workers

            workers = Workers(folder.run_id, options.wifi, recording.select)
            config.pluginmanager.register(workers, "trustpin-lab-workers")
            exclusive = tuple(filter(options.is_exclusive, options.device_ids))
            if exclusive:
                config.pluginmanager.register(Scheduling(exclusive), "trustpin-lab-scheduling")

    # -- what is selected -----------------------------------------------------------------

    def select(self, nodes: list[str]) -> None:
        """Note which scenarios are to be run."""
        self._selected = sum(self._is_scenario(node) for node in nodes)

    def _is_scenario(self, node: str) -> bool:
        return any(f"[{device_id}-" in node for device_id in self._options.device_ids)

    def pytest_report_header(self) -> list[str]:
        devices = ", ".join(self._options.device_ids)
        lines = [f"TrustPin MITM Lab {__version__}: attacks {devices}; run {self.folder.run_id}"]
        lacks = self._options.wifi_lacks
        lines.append(f"rogue Wi-Fi: {self._options.wifi}" + (lacks and f", because {lacks}"))
        absent = self._options.absent.items()
        lines += [f"left out: {name} (optional): {lack}" for name, lack in absent]
        return lines + _left_behind()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.select([item.nodeid for item in session.items])
        reporter = self._reporter
        if reporter is not None and self._selected:
            # The live line stands in for pytest's dots and file names.
            reporter.showfspath = False

    # -- while it runs --------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._is_scenario(nodeid):
            self._current = nodeid.partition("[")[2].rpartition("]")[0]
            self._tell()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = vars(report).get(RESULT)
        if said is None:
            return
        data = json.loads(said)
        result = from_json(data)
        keep_loaded(self._config)
        self._results.append(result)
        self._counts[result.verdict] += 1
        facts, lost = vars(report).get(FACTS), vars(report).get(LOST)
        if facts is not None and facts != self._told.get(result.device):
            self._told[result.device] = facts
            self._facts[result.device] = facts_from_json(json.loads(facts))
        if lost:
            self._lost.setdefault(result.device, lost)
        try:
            with uninterrupted():
                self.folder.append_record(data)
                self._evidence.add(data, self._facts.get(result.device), result)
        except ReportsUnwritable as error:
            self._broken = self._broken or str(error)
        self._tell()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        verdict = vars(report).get(VERDICT)
        if verdict is None or vars(report).get(CRASHED):
            return None
        return STATUS[Verdict(verdict)], "", ""

    def _tell(self) -> None:
        reporter = self._reporter
        if reporter is None or self._config.get_verbosity() < 0:
            return
        seconds = time.time() - self._started
        done = len(self._results)
        if reporter.isatty:
            width = reporter._tw.fullwidth - 1
            line = progress_line(done, self._selected, self._counts, self._current, seconds, width)
            reporter.rewrite(line, erase=True)
            reporter.currentfspath = -1  # so that whatever comes next begins a new line
        elif time.monotonic() - self._last_line >= LINE_EVERY:
            self._last_line = time.monotonic()
            line = progress_line(done, self._selected, self._counts, self._current, seconds, 100)
            reporter.write_line(line)

    # -- at the end -----------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if not self._results and not self._selected:
            self.folder.discard()
            return
        self._incomplete = self._why_incomplete(exitstatus)
        try:
            self.folder.finish(self._info(), self._evidence.close)
        except ReportsUnwritable as error:
            self._broken = self._broken or str(error)
        status = self._exit_status(exitstatus)
        if self._gate is not None:
            stats = {"failed": 1} if self._reporter is None else self._reporter.stats
            alone = not (stats.get("failed") or stats.get("error"))
            status = self._gate.exit_status(self.folder.path, status, verdicts_only=alone)
        session.exitstatus = status

    def _why_incomplete(self, exitstatus: int) -> str:
        if self._broken:
            return self._broken
        if self._lost:
            return "; ".join(f"{device} was lost: {how}" for device, how in self._lost.items())
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            return f"The run was interrupted after {len(self._results)} of {self._selected}."
        if len(self._results) < self._selected:
            return f"Only {len(self._results)} of {self._selected} scenarios came to a verdict."
        return ""

    def _exit_status(self, exitstatus: int) -> int:
        """Return pytest's own exit code, or 6 where nothing failed but the gate must not open."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return exitstatus
        stats = {} if self._reporter is None else self._reporter.stats
        if self._counts[Verdict.FAIL] or stats.get("failed") or stats.get("error"):
            return int(pytest.ExitCode.TESTS_FAILED)
        tested = self._counts[Verdict.PASS] + self._counts[Verdict.INCONCLUSIVE]
        if self._incomplete or not tested:
            return INCONCLUSIVE_RUN
        if self._counts[Verdict.INCONCLUSIVE]:
            return (
                int(pytest.ExitCode.OK) if self._options.inconclusive_passes else (INCONCLUSIVE_RUN)
            )
        return exitstatus

    def _info(self) -> RunInfo:
        return RunInfo(
            run_id=self.folder.run_id,
            started_at=self._started,
            ended_at=time.time(),
            lab=__version__,
            python=platform.python_version(),
            mitmproxy=version("mitmproxy"),
            openssl=ssl.OPENSSL_VERSION,
            platform=platform.platform(),
            devices=tuple(self._facts.values()),
            command=("pytest", *map(str, self._config.invocation_params.args)),
            complete=not self._incomplete,
            incomplete_because=self._incomplete,
            selected=self._selected,
        )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self._results and not self._selected:
            return
        terminalreporter.ensure_newline()
        page = self.folder.path / PAGE
        here = self._config.invocation_params.dir
        shown = page.relative_to(here) if page.is_relative_to(here) else page
        table = render(
            self._results,
            terminalreporter._tw.fullwidth,
            bool(terminalreporter._tw.hasmarkup),
            report=None if self._broken else str(shown),
            incomplete=self._incomplete,
        )
        terminalreporter.write_line("")
        terminalreporter.write_line(table)
        for line in self._evidence.told:
            terminalreporter.write_line(line)
        if self._gate is not None:
            writer = terminalreporter._tw
            told = self._gate.told(writer.fullwidth, color=bool(writer.hasmarkup))
            terminalreporter.write_line(told)
        for line in _left_behind():
            terminalreporter.write_line(line)

    @property
    def _reporter(self) -> Any:
        return self._config.pluginmanager.get_plugin("terminalreporter")


def _gate(config: pytest.Config) -> Gate | None:
    """Return the gate that the user asks for, where one is. Raises SettingsError."""
    if config.option.lab_gate is None:
        return None
    # Here, not above: most runs have no gate, and it takes time to load.
    from lab.pytest_plugin.gating import Gate

    return Gate.of(config)


def _left_behind() -> list[str]:
    """Say which devices an earlier run left changed."""
    try:
        left = pending(journals_folder())
    except StateError as error:
        return [f"undo journal: {error}"]
    advice = "the next run on it undoes them, or: trustpin-lab restore"
    return [f"undo journal: {journal}; {advice}" for journal in left]
