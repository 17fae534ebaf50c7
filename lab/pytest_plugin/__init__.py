"""The lab as a pytest plugin: ``pytest -m mitm``.

What it adds: the markers ``mitm``, ``core`` and those of the three adversaries; options
(``pytest --help``, group "TrustPin MITM Lab"); the fixtures ``app`` and ``attack``; the report in
``reports/<run>/``; and exit codes 6, where nothing failed but something was inconclusive, and 7,
where the gate of ``--gate`` is closed.
"""

from __future__ import annotations

import pytest

from lab.devices.settings import SettingsError
from lab.evidence.files import ReportsUnwritable
from lab.model.attack import Adversary
from lab.pytest_plugin.fixtures import app, attack, device_id, lab_bench, lab_seats
from lab.pytest_plugin.gate_options import add_gate_options
from lab.pytest_plugin.keys import OPTIONS, RUN_ID
from lab.pytest_plugin.lasting import begin_loading, keep_loaded
from lab.pytest_plugin.options import Options, add_options
from lab.pytest_plugin.scenarios import (
    pytest_collection_modifyitems,
    pytest_generate_tests,
    pytest_runtest_makereport,
)

__all__ = [
    "app",
    "attack",
    "device_id",
    "lab_bench",
    "lab_seats",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_makereport",
]

MARKERS = {
    "mitm": "an attack on an app's connection, with a verdict",
    "core": "one of the first attacks of its row of the catalogue: a quick answer",
    Adversary.ROGUE_CA: "by a CA that the device does not trust, or that only its user added",
    Adversary.COMPROMISED_CA: "by a CA in the device's system store",
    Adversary.ROGUE_WIFI: "by the owner of the network that the device joined",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the lab's options."""
    add_options(parser)
    add_gate_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read devices.yaml and open the run's folder, where scenarios are to be run.

    Early, because a user's mistake is to be told before anything is started, and because the
    JUnit plugin looks for its file's path when it is configured.
    """
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    try:
        options = Options.of(config)
        config.stash[OPTIONS] = options
        if not options.runs_scenarios:
            return
        if options.run_id is not None:
            config.stash[RUN_ID] = options.run_id
            begin_loading(config)
            return
        # Here, not above: what makes reports takes time to load, and worker processes make none.
        from lab.pytest_plugin.recording import Recording

        Recording.begin(config, options)
    except (SettingsError, ReportsUnwritable) as error:
        raise pytest.UsageError(str(error)) from None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Go on with what has been loaded for the scenarios."""
    keep_loaded(session.config)
