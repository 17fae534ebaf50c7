"""Where the plugin's parts leave things for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.pytest_plugin.options import Options

if TYPE_CHECKING:
    # Here, not below: the process that only reports needs nothing that carries scenarios out.
    from lab.pytest_plugin.running import Outcome

OPTIONS = pytest.StashKey[Options]()
"""In the configuration: what the user asked for."""
RUN_ID = pytest.StashKey[str]()
"""In the configuration: the name of the run's folder."""
OUTCOME: pytest.StashKey[Outcome] = pytest.StashKey()
"""In a test: what its scenario came to."""

RESULT, FACTS, LOST, CRASHED = "lab_result", "lab_facts", "lab_lost", "lab_crashed"
"""Attributes of a test's report; they travel from a worker process to the one that reports."""
VERDICT = "lab_verdict"
"""The same: what is in the result, too, for whoever need not read all of that."""

INCONCLUSIVE_RUN = 6
"""Exit code: nothing failed, but something was inconclusive, or nothing was tested."""
CLOSED_GATE = 7
"""Exit code: nothing failed, but the gate of ``--gate`` is closed."""
