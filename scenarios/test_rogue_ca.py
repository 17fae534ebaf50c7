"""A CA that the device does not trust, or that only its user added."""

from __future__ import annotations

import pytest

from lab.pytest_plugin.running import App
from lab.trial.case import Case

pytestmark = [pytest.mark.mitm, pytest.mark.rogue_ca]


def test_rogue_ca(app: App, attack: Case) -> None:
    """A certificate from nowhere gets nothing, whatever it looks like."""
    app.under(attack).must_hold()
