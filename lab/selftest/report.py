"""A self-test on record: the content of ``selftest.json``, and its JSON Schema.

``python -m lab.selftest.report`` writes the schema to ``docs/selftest.schema.json``.
"""

from __future__ import annotations

import json
import platform
import ssl
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import lab
from lab.evidence.schema import schema_of
from lab.model.verdict import Verdict
from lab.selftest.findings import (
    AttackFinding,
    Effect,
    Findings,
    MutantFinding,
    Named,
    Standing,
    Tried,
)
from lab.selftest.run import Outcome, Wish

FORMAT: Literal["trustpin-lab-selftest/1"] = "trustpin-lab-selftest/1"
TARGET = Path("docs/selftest.schema.json")


@dataclass(frozen=True, slots=True)
class SelftestReport:
    """A self-test of the lab: whether it would notice."""

    run_id: str
    started_at: float
    """Epoch seconds."""
    seconds: float
    """How long it took."""
    lab: str
    """Version of the lab."""
    python: str
    mitmproxy: str
    openssl: str
    platform: str
    """Operating system and machine that the lab ran on."""
    standing: Standing
    """The worst of all that was found."""
    complete: bool
    """Everything that was to be tried was tried; false where it was ended early."""
    full: bool
    """Every mutant was put under every attack."""
    only_mutants: tuple[str, ...]
    """The mutants that it was confined to; empty for all."""
    only_attacks: tuple[str, ...]
    """The attacks that it was confined to; empty for all."""
    findings: Findings
    format: Literal["trustpin-lab-selftest/1"] = FORMAT


DOCUMENTED: tuple[type, ...] = (
    Findings, MutantFinding, Named, AttackFinding, Tried, Effect, Standing, Verdict,
)  # fmt: skip


def make_report(wish: Wish, outcome: Outcome, run_id: str, started_at: float) -> SelftestReport:
    """Return the report of a self-test that began at ``started_at``, epoch seconds."""
    return SelftestReport(
        run_id=run_id,
        started_at=started_at,
        seconds=outcome.seconds,
        lab=lab.__version__,
        python=platform.python_version(),
        mitmproxy=version("mitmproxy"),
        openssl=ssl.OPENSSL_VERSION,
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        standing=outcome.findings.standing,
        complete=outcome.complete,
        full=wish.full,
        only_mutants=tuple(sorted(wish.mutants)),
        only_attacks=tuple(sorted(wish.attacks)),
        findings=outcome.findings,
    )


def selftest_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of selftest.json."""
    return schema_of(SelftestReport, DOCUMENTED, "Results of a self-test of the TrustPin MITM Lab")


def schema_text() -> str:
    """Return the content of ``docs/selftest.schema.json``."""
    return json.dumps(selftest_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(schema_text(), encoding="utf-8")
