"""The JUnit file, opened by junitparser."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from junitparser import Failure, Skipped, xunit2
from lxml import etree

from lab.evidence import junit
from lab.evidence.assessed import Read
from lab.evidence.run import RunReport
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, inconclusive, info, passed, skipped
from tests.evidence.hostile import alone, beside, reports

EVERYTHING = RunReport(info(), (passed(), failed(), inconclusive(), skipped("No <clock>.")))


def parsed(report: RunReport, read: Read = alone) -> Any:
    return xunit2.JUnitXml.fromstring(junit.render(report, read))


def cases(report: RunReport, read: Read = alone) -> list[Any]:
    return [case for suite in parsed(report, read) for case in suite]


def told(case: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in case.properties():
        found.setdefault(one.name, []).append(one.value)
    return found


def test_each_verdict_is_what_a_ci_system_makes_of_it() -> None:
    good, bad, unsure, left_out = cases(EVERYTHING)
    assert good.is_passed
    (failure,) = bad.result
    assert (type(failure), failure.type) == (Failure, "FAIL")
    assert "42 bytes" in failure.message
    assert "Correct client: refuses it" in failure.text
    (open_,) = unsure.result
    assert (type(open_), open_.type) == (Failure, "INCONCLUSIVE")
    (skip,) = left_out.result
    assert (type(skip), skip.message) == (Skipped, "No <clock>.")


def test_the_counts_are_those_of_the_cases() -> None:
    shown = parsed(EVERYTHING)
    counts = [(one.tests, one.failures, one.errors) for one in (shown, *shown)]
    assert counts == [(4, 2, 0)] * 2
    (suite,) = shown
    assert suite.skipped == 1
    suite.update_statistics()
    assert (suite.tests, suite.failures, suite.skipped) == (4, 2, 1), "counted again"


def test_properties_say_what_a_case_is_evidence_for() -> None:
    report = RunReport(info(), (failed(slug="device_trusted_ca"),))
    (case,) = cases(report, beside())
    properties = told(case)
    assert properties["scenario"] == ["B4-device_trusted_ca"]
    assert properties["verdict"] == ["FAIL"]
    assert properties["masvs"] == ["MASVS-NETWORK-2"]
    assert properties["mastg"][0] == "MASTG-TEST-0244"
    assert properties["maswe"] == ["MASWE-0028 insecure-pinning (until 2026: MASWE-0047)"]
    assert properties["cwe"] == ["CWE-295"]
    assert properties["evidence"] == ["records/0001-B4-phone.json"]
    assert any("42 bytes" in reason for reason in properties["reason"])


def test_a_device_is_a_suite() -> None:
    report = RunReport(info(), (passed(), passed(device="curl"), failed(device="curl")))
    suites = parsed(report)
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [
        ("phone", 1, 0),
        ("curl", 2, 1),
    ]


@settings(max_examples=20, deadline=None)
@given(reports())
def test_whatever_devices_say_it_is_well_formed(report: RunReport) -> None:
    content = junit.render(report, beside())
    assert xunit2.JUnitXml.fromstring(content) is not None
    root = etree.fromstring(content)
    names = {element.tag for element in root.iter()}
    assert names <= {
        "testsuites", "testsuite", "testcase", "properties", "property", "failure", "skipped",
    }  # fmt: skip
    verdicts = [p.get("value") for p in root.iterfind(".//testcase//property[@name='verdict']")]
    assert sorted(map(str, verdicts)) == sorted(result.verdict.value for result in report.results)
    failures = root.findall(".//failure")
    assert len(failures) == sum(
        result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for result in report.results
    )
