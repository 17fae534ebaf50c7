"""The SARIF files: against the schema of OASIS, and opened by sarif-tools."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator
from sarif import loader

from lab.evidence import sarif
from lab.evidence.assessed import Read
from lab.evidence.context import Checkout
from lab.evidence.mapping import mapping_for
from lab.evidence.run import RunReport
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.evidence.builders import (
    PHONE,
    failed,
    inconclusive,
    info,
    lab_error,
    passed,
    skipped,
)
from tests.evidence.hostile import alone, beside, reports

EVERYTHING = RunReport(
    info(),
    (
        passed(slug="device_trusted_ca"),
        failed(slug="device_trusted_ca", device="curl"),
        inconclusive(slug="untrusted_ca", case="B1"),
        skipped("No <clock>."),
    ),
)


SCHEMA = (
    Path(__file__).parents[2]
    / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
)
if not SCHEMA.exists():
    pytest.skip("the schema of SARIF comes with 'make node'", allow_module_level=True)
VALID = Draft4Validator(
    json.loads(SCHEMA.read_bytes()), format_checker=Draft4Validator.FORMAT_CHECKER
)


def run(report: RunReport, read: Read = alone, *, failures: bool = False) -> Any:
    content = (sarif.render_failures if failures else sarif.render)(report, read)
    log = json.loads(content)
    VALID.validate(log)
    (found,) = log["runs"]
    return found


def test_each_verdict_is_a_kind_of_result() -> None:
    told = run(EVERYTHING)["results"]
    assert [(one["kind"], one["level"]) for one in told] == [
        ("pass", "none"),
        ("fail", "error"),
        ("open", "none"),
        ("notApplicable", "none"),
    ]
    assert "42 bytes" in told[1]["message"]["text"]
    assert "pinned client" in told[1]["message"]["text"], "it says what to mend"


def test_the_other_file_has_what_failed_and_nothing_else() -> None:
    shown = run(EVERYTHING, failures=True)
    (failure,) = shown["results"]
    assert (failure["kind"], failure["properties"]["device"]) == ("fail", "curl")
    assert [rule["id"] for rule in shown["tool"]["driver"]["rules"]] == ["B4-device_trusted_ca"]
    assert run(RunReport(info(), (passed(),)), failures=True)["results"] == []


def test_rules_explain_themselves() -> None:
    shown = run(EVERYTHING)
    rules = shown["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["B4-device_trusted_ca", "B1-untrusted_ca", "B4"]
    assert rules[0]["name"] == "DeviceTrustedCa"
    assert rules[0]["shortDescription"]["text"] == "Device-trusted rogue CA"
    assert "**Why it goes wrong:** because of &lt;b&gt;this" in rules[0]["help"]["markdown"]
    assert "Why it goes wrong: because of <b>this</b> reason." in rules[0]["help"]["text"]
    for one in shown["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]


def test_rules_refer_to_the_taxonomies_by_place_and_name() -> None:
    shown = run(EVERYTHING)
    rule = shown["tool"]["driver"]["rules"][0]
    found = set()
    for relationship in rule["relationships"]:
        target = relationship["target"]
        taxonomy = shown["taxonomies"][target["toolComponent"]["index"]]
        assert taxonomy["name"] == target["toolComponent"]["name"]
        assert taxonomy.get("guid") == target["toolComponent"].get("guid")
        assert taxonomy["taxa"][target["index"]]["id"] == target["id"]
        found.add((taxonomy["name"], target["id"]))
    assert found == {("OWASP MASVS", "MASVS-NETWORK-2"), ("CWE", "295")}
    mapping = mapping_for("device_trusted_ca")
    assert mapping is not None
    assert mapping.maswe is not None
    weakness = rule["properties"]["maswe"]
    assert (weakness["id"], weakness["alias"], weakness["betaId"]) == (
        mapping.maswe.id,
        mapping.maswe.alias,
        mapping.maswe.beta_id,
    )
    assert rule["properties"]["mastg"][0]["id"] == "MASTG-TEST-0244"
    assert "external/cwe/cwe-295" in rule["properties"]["tags"]


def test_places_are_the_device_the_app_and_the_host() -> None:
    shown = run(RunReport(info(), (passed(), failed(), passed(device="a/b"))))
    known = shown["logicalLocations"]
    assert [(one["kind"], one["name"], one.get("parentIndex")) for one in known] == [
        ("device", "phone", None),
        ("app", "cloud.example", 0),
        ("host", "api.acme.test", 1),
        ("device", "a/b", None),
        ("host", "api.acme.test", 3),
    ]
    places = [one["locations"][0] for one in shown["results"]]
    for place in places:
        (logical,) = place["logicalLocations"]
        assert known[logical["index"]]["fullyQualifiedName"] == logical["fullyQualifiedName"]
    assert places[2]["logicalLocations"][0]["fullyQualifiedName"] == "a%2Fb/api.acme.test"
    assert places[0]["physicalLocation"]["artifactLocation"]["uri"] == "scenarios/test_pins.py"


def test_fingerprints_stay_the_same_from_run_to_run() -> None:
    first = run(RunReport(info(), (passed(), failed(device="curl"))))
    second = run(
        RunReport(
            info(run_id="another", started_at=5.0),
            (passed(device="curl", node="moved.py::x", seconds=9.0), failed()),
        )
    )
    prints = [[one["partialFingerprints"] for one in r["results"]] for r in (first, second)]
    assert prints[0] == prints[1][::-1], "by case and device, whatever the verdict"
    different = [passed(), passed(device="x"), passed(slug="x"), passed(variant="tls1.2"),
                 passed(adversary="rogue_wifi")]  # fmt: skip
    shown = run(RunReport(info(), tuple(different)))["results"]
    assert len({json.dumps(one["partialFingerprints"]) for one in shown}) == len(different)


def test_a_finding_is_for_review_beside_the_verdict() -> None:
    reason = Reason(Verdict.PASS, Witness.LAB, "Slower than promised.", "figures", finding=True)
    result = passed(reasons=Judgement(Verdict.PASS, (reason,)))
    kinds = [one["kind"] for one in run(RunReport(info(), (result,)))["results"]]
    assert kinds == ["pass", "review"]
    against = Reason(Verdict.FAIL, Witness.WIRE, "It leaked.")
    bad = failed(reasons=Judgement(Verdict.FAIL, (against, reason)))
    shown = run(RunReport(info(), (result, bad)), failures=True)["results"]
    assert [one["kind"] for one in shown] == ["fail"]


def test_what_was_started_is_told_with_its_time() -> None:
    (invocation,) = run(EVERYTHING)["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["commandLine"] == "pytest -m mitm"
    assert invocation["startTimeUtc"] == "1970-01-01T00:16:40.000Z"
    assert invocation["endTimeUtc"] == "1970-01-01T00:16:52.500Z"


@pytest.mark.parametrize("failures", [False, True])
def test_nothing_inconclusive_passes_for_a_success(failures: bool) -> None:
    about = info(complete=False, incomplete_because="The phone was lost.")
    (invocation,) = run(RunReport(about, (passed(), lab_error())), failures=failures)["invocations"]
    assert invocation["executionSuccessful"] is False
    told = [(n["level"], n["message"]["text"]) for n in invocation["toolExecutionNotifications"]]
    assert told[0] == ("error", "The run is incomplete: The phone was lost.")
    assert told[1][0] == "warning"
    assert "The proxy did not start." in told[1][1]


def test_the_revision_under_test_is_told_where_it_is_known() -> None:
    checkout = Checkout("https://forge.example/acme/app", "c0ffee", "main")
    assert run(EVERYTHING, beside(checkout=checkout))["versionControlProvenance"] == [
        {
            "repositoryUri": "https://forge.example/acme/app",
            "revisionId": "c0ffee",
            "branch": "main",
        }
    ]
    assert "versionControlProvenance" not in run(EVERYTHING, beside())


def test_evidence_is_attached_where_there_is_a_bundle() -> None:
    first, *_ = run(EVERYTHING, beside())["results"]
    (attached,) = first["attachments"]
    assert attached["artifactLocation"]["uri"] == "records/0001-B4-phone.json"
    assert "attachments" not in run(EVERYTHING)["results"][0]


def test_a_message_has_neither_links_nor_placeholders() -> None:
    reason = Reason(Verdict.FAIL, Witness.APP, "See [this](http://evil.test) {0}")
    bad = failed(reasons=Judgement(Verdict.FAIL, (reason,)))
    (result,) = run(RunReport(info(), (bad,)))["results"]
    assert result["message"]["text"].startswith("See [this] (http://evil.test) { 0}")


def test_sarif_tools_opens_both(tmp_path: Path) -> None:
    for name, render in (("all", sarif.render), ("failures", sarif.render_failures)):
        path = tmp_path / f"{name}.sarif"
        path.write_bytes(render(EVERYTHING, beside()))
        opened = loader.load_sarif_file(str(path))
        assert opened.get_distinct_tool_names() == ["TrustPin MITM Lab"]
        counts = Counter(record["Severity"] for record in opened.get_records())
        assert counts == ({"error": 1, "none": 3} if name == "all" else {"error": 1})
        worst = [r for r in opened.get_records() if r["Severity"] == "error"]
        assert [(r["Code"], r["Location"]) for r in worst] == [
            ("B4-device_trusted_ca", "scenarios/test_pins.py")
        ]


@settings(max_examples=12, deadline=None)
@given(reports())
def test_whatever_devices_say_it_is_valid(report: RunReport) -> None:
    for failures in (False, True):
        shown = run(report, beside(), failures=failures)
        for one in shown["results"]:
            assert one["kind"] == "fail" or one["level"] == "none"
            assert "](" not in one["message"]["text"]
    kinds = Counter(one["kind"] for one in run(report)["results"])
    verdicts = Counter(result.verdict for result in report.results)
    assert {kinds[sarif.KINDS[v]] - verdicts[v] for v in Verdict} == {0}


def test_the_phone_is_known_by_its_app() -> None:
    about = info(devices=(replace(PHONE, app=""),))
    known = run(RunReport(about, (passed(),)))["logicalLocations"]
    assert [one["kind"] for one in known] == ["device", "host"]
