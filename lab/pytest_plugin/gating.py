"""The gate at the end of a run: ``pytest --gate=policy.yaml``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.evidence.record import RecordInvalid
from lab.evidence.verify_crew import NotChecked
from lab.gate.deciding import decide
from lab.gate.decision import Decision
from lab.gate.inputs import read_inputs
from lab.gate.policy import PolicyFile
from lab.gate.reading import check, read_source
from lab.gate.reading_policy import read_policy
from lab.gate.requirements import Inputs
from lab.gate.telling import render
from lab.pytest_plugin.keys import CLOSED_GATE, INCONCLUSIVE_RUN

VERDICTS = (int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED), INCONCLUSIVE_RUN)
"""Exit codes that come from verdicts alone, about which a policy has the last word."""


class Gate:
    """A policy, read before the run, and what it says of the run's own bundle."""

    def __init__(self, policy: PolicyFile, inputs: Inputs) -> None:
        self._policy = policy
        self._inputs = inputs
        self._decision: Decision | None = None
        self._broken = ""

    @classmethod
    def of(cls, config: pytest.Config) -> Gate | None:
        """Return the gate by the policy that the user names; None where none is. Raises
        SettingsError."""
        file: Path | None = config.option.lab_gate
        if file is None:
            return None
        policy = read_policy(file)
        apps = config.option.lab_gate_apps
        return cls(policy, read_inputs(policy, file, apps, datetime.now(UTC)))

    def exit_status(self, folder: Path, status: int, *, verdicts_only: bool) -> int:
        """Decide about the bundle in ``folder`` and return the run's exit code: 7 where the gate
        is closed and no scenario failed. An open gate makes it 0 where there are ``verdicts_only``
        to speak against that: the policy lets them through."""
        self._decide(folder)
        if status not in VERDICTS:
            return status
        if self._decision is None or not self._decision.open:
            return status if status == pytest.ExitCode.TESTS_FAILED else CLOSED_GATE
        return int(pytest.ExitCode.OK) if verdicts_only else status

    def told(self, width: int, *, color: bool) -> str:
        """Return what the user is told of it."""
        if self._decision is None:
            return f"The gate is CLOSED: {self._broken}"
        return render(self._decision, width, color)

    def _decide(self, folder: Path) -> None:
        try:
            (checked,) = check([folder])
            if checked.broken:
                self._broken = f"the bundle does not verify: {checked.broken[0]}"
                return
            self._decision = decide(self._policy, [read_source(checked)], self._inputs)
        except (NotChecked, RecordInvalid, OSError) as error:
            self._broken = f"there is no bundle that it could decide about: {error}"
