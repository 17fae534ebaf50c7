"""Cases with names, for contents that differ from run to run and so cannot name themselves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest


def named(argument: str, cases: Mapping[str, object]) -> pytest.MarkDecorator:
    """Run a test for each of ``cases``, whose keys are their names."""
    return pytest.mark.parametrize(argument, cases.values(), ids=cases)
