"""The owner of the network: resolver, gateway, and whatever CA can be had."""

from __future__ import annotations

import pytest

from lab.pytest_plugin.running import App
from lab.trial.case import Case

pytestmark = [pytest.mark.mitm, pytest.mark.rogue_wifi]


def test_rogue_wifi(app: App, attack: Case) -> None:
    """A hostile network learns nothing and changes nothing."""
    app.under(attack).must_hold()
