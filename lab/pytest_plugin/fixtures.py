"""The fixtures that scenarios are written with: ``app.under(attack).must_hold()``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.devices.owner import Owner
from lab.evidence.redaction import redact_command
from lab.network.kernel.namespace import Unavailable
from lab.pki.kept_keys import share_keys
from lab.pytest_plugin.keys import INCONCLUSIVE_RUN, OPTIONS, OUTCOME, RUN_ID
from lab.pytest_plugin.lasting import is_worker, keep_loaded
from lab.trial.case import Case

if TYPE_CHECKING:
    # Here, not below: the process that only reports carries no scenario out.
    from lab.pytest_plugin.running import App, Outcome, Seats
    from lab.trial.bench import Bench


@pytest.fixture(scope="session")
def lab_bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The run's authorities, servers and adversary."""
    # Here, not above: mitmproxy takes a second to import, and most processes never need it.
    from lab.trial.bench import Bench

    options = request.config.stash[OPTIONS]
    if is_worker(request.config):
        # The folder above is that of all of the run's worker processes.
        share_keys(tmp_path_factory.getbasetemp().parent / "keys")
    directory: Path = tmp_path_factory.mktemp("lab")
    with contextlib.ExitStack() as stack:
        try:
            bench = stack.enter_context(Bench(directory, options.wifi))
        except (OSError, Unavailable) as error:
            pytest.exit(f"the lab cannot start its servers: {error}", INCONCLUSIVE_RUN)
        keep_loaded(request.config)
        yield bench


@pytest.fixture(scope="session")
def lab_seats(request: pytest.FixtureRequest, lab_bench: Bench) -> Iterator[Seats]:
    """Every device of this process, started when it is first needed."""
    from lab.evidence.writer import RunFolder
    from lab.pytest_plugin.running import Seats

    options = request.config.stash[OPTIONS]
    run_id = request.config.stash[RUN_ID]
    arguments = redact_command(map(str, request.config.invocation_params.args))
    owner = Owner(
        run_id,
        options.lease_wait,
        _teller(request.config),
        ("pytest", *arguments),
    )
    with (
        RunFolder(options.reports, run_id) as folder,
        Seats(
            lab_bench, options, folder.screenshot, owner, folder.capture, folder.certificate
        ) as seats,
    ):
        yield seats


def _teller(config: pytest.Config) -> Callable[[str], None]:
    """Return what tells the user something at once, past pytest's capturing. A worker process
    has nobody to tell."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capturing = config.pluginmanager.get_plugin("capturemanager")

    def tell(text: str) -> None:
        if reporter is None:
            return
        with contextlib.ExitStack() as stack:
            if capturing is not None:
                stack.enter_context(capturing.global_and_fixture_disabled())
            reporter.ensure_newline()
            reporter.write_line(text)
            reporter.flush()

    return tell


@pytest.fixture
def device_id(request: pytest.FixtureRequest) -> str:
    """The id of the device under test."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def attack(request: pytest.FixtureRequest) -> Case:
    """The attack to withstand: one of the catalogue's, by the adversary that the test is
    marked with, under one TLS version."""
    case: Case = request.param
    return case


@pytest.fixture
def app(request: pytest.FixtureRequest, device_id: str, lab_seats: Seats) -> App:
    """The app under test, on its device."""
    from lab.pytest_plugin.running import App

    def keep(outcome: Outcome) -> None:
        request.node.stash[OUTCOME] = outcome

    return App(device_id, request.node.nodeid, lab_seats, keep)
