from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.evidence.run import RunReport
from lab.gate.merging import Part, merge
from lab.model.verdict import Verdict
from tests.evidence.builders import PHONE, info
from tests.gate.builders import all_pass, but

TABLET = replace(PHONE, id="tablet")
COMMAND = ("trustpin-lab", "report", "a", "b")


def part(name: str, device: str = "phone", **changes: Any) -> Part:
    facts = replace(PHONE, id=device)
    told = all_pass("B1", device)
    known: dict[str, Any] = {"run_id": f"run-{name}", "devices": (facts,), "selected": len(told)}
    report = RunReport(info(**(known | changes)), told)
    return Part(name, report, verified=True, complete=True, key_id="ab" * 32)


def test_runs_of_two_devices_are_one() -> None:
    first = part("a", started_at=1000.0, ended_at=1010.0)
    second = part("b", "tablet", started_at=990.0, ended_at=1020.0)
    merged = merge([first, second], COMMAND)
    report = merged.report
    assert report.results == (*first.report.results, *second.report.results)
    assert [facts.id for facts in report.info.devices] == ["phone", "tablet"]
    assert (report.info.started_at, report.info.ended_at) == (990.0, 1020.0)
    assert report.info.run_id == "run-a + run-b"
    assert report.info.command == COMMAND
    assert report.info.complete
    assert report.info.selected == 8
    assert report.info.counts["PASS"] == 8
    assert merged.conflicts == ()


def test_it_says_that_the_bundles_are_the_evidence() -> None:
    notes = merge([part("a"), part("b", "tablet")]).report.info.notes
    assert notes == (
        "This report is derived and proves nothing by itself: the evidence is 2 bundles: a and b; "
        "check each with 'trustpin-lab verify'.",
        f"a is of run run-a and was signed with key {'ab' * 32}.",
        f"b is of run run-b and was signed with key {'ab' * 32}.",
    )
    (whole, _) = merge([part("a")]).report.info.notes
    assert whole.endswith("the evidence is the bundle a; check it with 'trustpin-lab verify'.")


def test_a_single_run_stays_what_it_was() -> None:
    one = part("a", python="3.12.1")
    report = merge([one], COMMAND).report
    assert report.results == one.report.results
    assert report.info.command == one.report.info.command
    assert (report.info.run_id, report.info.python) == ("run-a", "3.12.1")


def test_a_scenario_that_is_told_twice_is_named() -> None:
    first, second = part("a"), part("b")
    failing = replace(
        second, report=RunReport(second.report.info, but(second.report.results, Verdict.FAIL))
    )
    merged = merge([first, failing])
    assert len(merged.conflicts) == 4
    assert merged.conflicts[0] == (
        "B1 untrusted_ca on phone, Rogue CA, TLS 1.2 is in a and b: PASS and FAIL; all are in this "
        "report."
    )
    assert merged.report.info.counts == {
        "PASS": 7, "FAIL": 1, "INCONCLUSIVE": 0, "NOT_APPLICABLE": 0,
    }  # fmt: skip
    assert "PASS in each; all" in merged.conflicts[1]
    assert merged.report.info.notes[-4:] == merged.conflicts


def test_many_that_are_told_twice_are_counted() -> None:
    told = all_pass("B4")
    first, second = (replace(part(n), report=RunReport(info(), told)) for n in "ab")
    assert merge([first, second]).conflicts[-1] == "1 more scenario in several bundles."


def test_other_versions_of_the_lab_and_other_devices_are_named() -> None:
    other = replace(PHONE, os="Android 16", app_version="2.0")
    second = part("b", lab="1.1", devices=(other,))
    alien = replace(second, report=RunReport(second.report.info, all_pass("A5")))
    lab, device = merge([part("a"), alien]).conflicts
    assert lab == "The bundles are of different versions of the lab (1.0: a; 1.1: b)."
    assert device.startswith("The bundles tell of several devices called phone: Pixel, 15,")
    assert merge([part("a"), alien]).report.info.lab == "1.0, 1.1"


def test_what_is_not_whole_makes_the_report_incomplete() -> None:
    cut = part("b", "tablet", complete=False, incomplete_because="It was killed.", ended_at=None)
    report = merge([part("a"), replace(cut, complete=False)]).report
    assert not report.info.complete
    assert report.info.incomplete_because == "b: It was killed."
    assert report.info.ended_at is None
    marked = merge([replace(part("a"), complete=False)]).report.info
    assert marked.incomplete_because == "The run did not get to its end."


def test_what_does_not_verify_is_said() -> None:
    notes = merge([replace(part("a"), verified=False)]).report.info.notes
    assert notes[1] == (
        "a is of run run-a and DOES NOT VERIFY: nothing that it says is to be believed."
    )
