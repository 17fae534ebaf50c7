"""A CA that the device trusts, in the wrong hands: nothing but the pins stands in its way."""

from __future__ import annotations

import pytest

from lab.pytest_plugin.running import App
from lab.trial.case import Case

pytestmark = [pytest.mark.mitm, pytest.mark.compromised_ca]


def test_compromised_ca(app: App, attack: Case) -> None:
    """The app refuses what its pins do not vouch for, and goes on with what they do."""
    app.under(attack).must_hold()
