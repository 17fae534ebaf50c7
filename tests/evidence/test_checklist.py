from __future__ import annotations

from dataclasses import replace

import pytest

from lab.evidence.assessed import assess
from lab.evidence.checklist import Item, Status, checklist
from lab.evidence.mapping import Relation, mappings
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.model.attack import Subject
from lab.model.verdict import Verdict
from tests.evidence.builders import PHONE, failed, inconclusive, info, judged, passed, skipped
from tests.evidence.hostile import alone, beside
from tests.judge import builders

ANDROID = replace(PHONE, platform="android")
PINNING = "MASTG-TEST-0244"
CASE = {"slug": "device_trusted_ca"}


def items(*results: ScenarioResult, bundled: bool = False) -> tuple[Item, ...]:
    report = RunReport(info(devices=(ANDROID,)), results)
    return checklist(assess(report, beside() if bundled else alone), report.info.devices)


def pinning(*results: ScenarioResult, bundled: bool = False) -> Item:
    (found,) = (
        item for item in items(*results, bundled=bundled)
        if item.test is not None and item.test.id == PINNING
    )  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ((), Status.NOT_TESTED),
        ((passed(**CASE),), Status.PASS),
        ((passed(**CASE), skipped(**CASE)), Status.PASS),
        ((skipped(**CASE),), Status.NOT_APPLICABLE),
        ((passed(**CASE), inconclusive(**CASE)), Status.NOT_TESTED),
        ((passed(**CASE), inconclusive(**CASE), failed(**CASE)), Status.FAIL),
        ((passed(slug="untrusted_ca"),), Status.NOT_TESTED),
        ((passed(subject=Subject.UNPINNED, **CASE),), Status.NOT_TESTED),
    ],
)
def test_a_status_claims_no_more_than_was_seen(
    results: tuple[ScenarioResult, ...], status: Status
) -> None:
    assert pinning(*results).status is status


def test_a_published_test_fails_for_what_it_says_itself_and_nothing_stricter() -> None:
    stricter = judged(builders.trial(reports=()), **CASE)
    assert stricter.verdict is Verdict.FAIL
    found = pinning(passed(**CASE), stricter)
    assert found.status is Status.NOT_TESTED
    assert found.comment.startswith("To be reviewed: ")
    assert pinning(stricter, failed(**CASE)).status is Status.FAIL


def test_who_corroborates_a_static_test_has_not_carried_it_out() -> None:
    static = [
        item
        for item in items(passed(**CASE), failed(**CASE))
        if item.relation is Relation.CORROBORATES
    ]
    assert static
    assert {item.status for item in static} == {Status.NOT_TESTED}
    assert all(item.comment.startswith("A static test: not carried out") for item in static)


def test_a_comment_says_how_much_was_tried_and_where_the_evidence_is() -> None:
    item = pinning(passed(**CASE), failed(**CASE), bundled=True)
    assert "1 of " in item.comment
    assert "1 PASS, 1 FAIL" in item.comment
    assert "42 bytes" in item.comment
    assert item.comment.endswith("Evidence: records/0002-B4-phone.json.")


def test_every_test_of_the_devices_platform_is_listed_tried_or_not() -> None:
    known = {
        (control, test.id)
        for mapping in mappings()
        for control in mapping.masvs
        for test in mapping.mastg
        if test.platform in ("network", "android")
    }
    listed = {(item.control, item.test.id) for item in items() if item.test is not None}
    assert listed == known
    assert {item.test.platform for item in items() if item.test} == {"network", "android"}


def test_a_line_belongs_to_the_profiles_of_its_cases() -> None:
    assert pinning().profiles == {"L2"}
    own = [item for item in items() if item.test is None]
    assert {item.control for item in own} >= {"MASVS-NETWORK-1", "MASVS-NETWORK-2"}
    assert {item.relation for item in own} == {Relation.LAB_OWN}


def test_devices_are_kept_apart() -> None:
    report = RunReport(
        info(devices=(ANDROID, replace(PHONE, id="curl", platform="command"))),
        (failed(**CASE), passed(device="curl", **CASE), passed(device="lost", **CASE)),
    )
    found = checklist(assess(report, alone), report.info.devices)
    told = {i.device: i.status for i in found if i.test is not None and i.test.id == PINNING}
    assert told == {"phone": Status.FAIL, "curl": Status.PASS, "lost": Status.PASS}
    assert {i.test.platform for i in found if i.test and i.device == "curl"} == {"network"}
