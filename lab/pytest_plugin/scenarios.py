"""Which scenarios there are, in which order, and what is sent home with each report."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from lab.catalogue.core import core
from lab.devices.settings import SettingsError, load
from lab.evidence.assessed import properties
from lab.evidence.evidence_record import for_platform
from lab.evidence.mapping import mapping_for
from lab.evidence.record import compact, to_json
from lab.evidence.redaction import redact
from lab.model.attack import Adversary
from lab.pytest_plugin.keys import CRASHED, FACTS, LOST, OPTIONS, OUTCOME, RESULT, VERDICT
from lab.trial.case import Case, cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each scenario its devices and its attacks."""
    if "device_id" in metafunc.fixturenames:
        metafunc.parametrize("device_id", _device_ids(metafunc.config), indirect=True)
    if "attack" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        wanted = [case for attacker in Adversary if attacker in marks for case in cases(attacker)]
        named = [pytest.param(case, id=case.id, marks=_marks(case)) for case in wanted]
        metafunc.parametrize("attack", named, indirect=True)


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    return [pytest.mark.core] if case.entry.slug in core() else []


def _device_ids(config: pytest.Config) -> tuple[str, ...]:
    options = config.stash[OPTIONS]
    if options.settings is not None:
        return options.device_ids
    # Scenarios outside the usual folder: found only while they are collected.
    try:
        return load(config.rootpath / "devices.yaml").ids
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order scenarios so that devices, configurations, routes and trust stores change rarely."""
    items.sort(key=_order)


def _order(item: pytest.Item) -> tuple[object, ...]:
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    case = parameters.get("attack")
    if not isinstance(case, Case):
        return (0,)
    entry = case.entry
    usual = "standard" if entry.fresh_start else entry.configuration
    # What starts the app from nothing, or with a new configuration, comes last.
    upset = entry.fresh_start, entry.asks_configuration is not None, bool(entry.clock_offset)
    place = case.route, entry.trust, entry.anchor or ""
    # One benign request serves two scenarios where nothing has to change in between.
    benign = str(case.version), entry.host
    return (1, parameters.get("device_id", ""), usual != "standard", usual, upset, place, benign)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the result along with the report of the test's own phase."""
    report = yield
    if report.when == "call" and OUTCOME in item.stash:
        outcome = item.stash[OUTCOME]
        result = outcome.result
        # As one text: what carries it to the process that reports takes its parts one by one.
        vars(report)[RESULT] = compact(to_json(result))
        vars(report)[FACTS] = None if outcome.facts is None else compact(to_json(outcome.facts))
        vars(report)[VERDICT] = str(result.verdict)
        vars(report)[LOST] = outcome.given_up
        vars(report)[CRASHED] = outcome.crashed
        mapping = for_platform(mapping_for(result.slug), outcome.facts)
        told = properties(result, mapping)
        item.user_properties += [(name, redact(value)) for name, value in told]
    return report
