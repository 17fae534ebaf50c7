"""The options of the gate at the end of a run, apart from the gate: most runs have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.pytest_plugin.options import GROUP


def add_gate_options(parser: pytest.Parser) -> None:
    """Add the gate's options to the lab's."""
    group = parser.getgroup(GROUP)
    group.addoption(
        "--gate",
        type=Path,
        default=None,
        dest="lab_gate",
        metavar="POLICY",
        help="decide by this policy at the end: exit code 0 where the gate is open, 7 where it is "
        "closed though nothing failed",
    )
    group.addoption(
        "--gate-app",
        action="append",
        type=Path,
        default=[],
        dest="lab_gate_apps",
        metavar="FILE",
        help="the build that is to be released, for --gate; may be given more than once",
    )
