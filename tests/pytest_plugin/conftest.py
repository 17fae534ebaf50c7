from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.catalogue import entries
from tests.pytest_plugin.prepared import run_pytest

ROOT = Path(__file__).parents[2]

RUN = ("-m", "mitm", "-p", "no:hypothesispytest", "--wifi=simulated")
"""Hypothesis takes a second to import, and no scenario needs it. The kernel's networks have tests
of their own."""

PROGRAM = """
devices:
  - id: program
    platform: command
    argv: {argv}
    routes: {{proxy: [], wifi: []}}
    exits: {{0: accepted, 60: [chain, name, time], 90: [pin]}}
    control:
      unpinned: {control}
      careless: {control}
      cleartext: {control}
      routes:
        proxy: [--proxy, "{{proxy}}"]
        wifi: [--socks5, "{{socks}}", --resolve, "{{host}}:{{port}}:{{address}}"]
"""
CURL = (
    '[curl, -q, -s, --max-time, "4", --interface, "{source}", --insecure, -o, /dev/null, "{url}"]'
)


@dataclass
class Lab:
    """A folder of its own with the lab's plugin, the scenarios and a devices.yaml."""

    pytester: pytest.Pytester

    @property
    def folder(self) -> Path:
        return self.pytester.path

    def devices(self, text: str) -> None:
        (self.folder / "devices.yaml").write_text(text, encoding="utf-8")

    def program(self, argv: str, control: str = CURL) -> None:
        """Let the one device be a program, ``argv`` and ``control`` as YAML lists."""
        self.devices(PROGRAM.format(argv=argv, control=control))

    def run(self, *arguments: str) -> pytest.RunResult:
        return run_pytest(self.folder, [*RUN, *arguments], os.environ)

    def run_here(self, *arguments: str) -> pytest.RunResult:
        """Run in this very process: for what ends before any scenario begins."""
        return self.pytester.runpytest_inprocess(*RUN, *arguments)

    @property
    def run_folders(self) -> list[Path]:
        return sorted(p for p in (self.folder / "reports").glob("*") if p.is_dir())

    def results(self) -> Any:
        (folder,) = self.run_folders
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))

    def verdicts(self) -> dict[str, str]:
        return {
            f"{r['adversary']} {r['case']} {r['variant']} {r['title']}": r["verdict"]
            for r in self.results()["results"]
        }


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    # A run in this very process forgets what it imports, and the catalogue is imported once.
    entries()


@pytest.fixture
def lab(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Lab:
    # What is skipped in there is for the tests here to judge.
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("conftest.py", "devices.yaml"):
        shutil.copy(ROOT / name, pytester.path / name)
    shutil.copytree(ROOT / "scenarios", pytester.path / "scenarios")
    pytester.makeini(
        "[pytest]\ntestpaths = scenarios\nfilterwarnings =\n  error\n"
        "  ignore:(tagMap|typeMap) is deprecated:DeprecationWarning\n"
    )
    return Lab(pytester)
