from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from lab.evidence.record import ScenarioResult
from lab.evidence.table import MOST_FINDINGS, render
from lab.model.outcome import Answer, AppOutcome
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, inconclusive, judged, lab_error, passed, skipped
from tests.judge import builders

ROW = re.compile(r"^  B4  Device-trusted rogue CA +(\S+) +(\S+)$", re.MULTILINE)


def both_versions(second: ScenarioResult) -> list[ScenarioResult]:
    return [passed(variant="tls1.2"), second]


@pytest.mark.parametrize(
    ("second", "word"),
    [
        (passed(), "PASS"),
        (failed(), "FAIL"),
        (inconclusive(), "INCONCLUSIVE"),
        (skipped(), "n/a"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_says_in_words_what_each_column_came_to(second: ScenarioResult, word: str) -> None:
    found = ROW.search(render(both_versions(second), 80, color=False))
    assert found is not None
    assert found.groups() == ("PASS", word)


def test_a_long_title_gives_way_to_the_verdicts() -> None:
    results = [
        make(variant=variant, title="A very long title " * 9)
        for variant, make in (("tls1.2", passed), ("tls1.3", inconclusive))
    ]
    row = next(line for line in render(results, 80, color=False).splitlines() if "…" in line)
    assert row.endswith("PASS           INCONCLUSIVE")


def test_no_colour_means_no_escape_sequence() -> None:
    assert "\x1b" not in render([passed(), failed()], 80, color=False)
    assert "\x1b[1;31mFAIL" in render([passed(), failed()], 80, color=True)


@pytest.mark.parametrize("width", [40, 80, 132])
@pytest.mark.parametrize("devices", [1, 2, 6])
def test_no_line_is_wider_than_the_terminal(width: int, devices: int) -> None:
    results = [
        make(device=f"a-phone-with-a-long-name-{n}", variant=variant, title="A long title " * 9)
        for n in range(devices)
        for variant in ("tls1.2, spki_sha256", "tls1.3, spki_sha256")
        for make in (passed, failed, inconclusive, skipped)
    ]
    lines = render(results, width, color=False).splitlines()
    assert max(cell_len(line) for line in lines) <= width


def test_devices_stand_beside_each_other_where_they_fit() -> None:
    results = [passed(device=name) for name in ("one", "two", "three")]
    assert render(results, 120, color=False).count("Attack ") == 1
    assert render(results, 50, color=False).count("Attack ") == 3


def test_every_finding_is_told_with_its_reason_and_a_hint_fails_first() -> None:
    text = render([passed(), inconclusive(), failed(), lab_error(case="C1")], 80, color=False)
    findings = text[text.index("\n\n") :]
    order = ["FAIL  B4", "The adversary read 42", "How clients come", "INCONCLUSIVE  B4",
             "No connection to", "INCONCLUSIVE  C1", "The proxy did not start."]  # fmt: skip
    places = [findings.index(part) for part in order]
    assert places == sorted(places)


def test_what_one_reason_explains_is_told_once() -> None:
    text = render([failed(variant="tls1.2"), failed(variant="tls1.3")], 120, color=False)
    assert text.count("The adversary read") == 2  # the finding, and the sum
    assert "Compromised CA, phone, TLS 1.2; Compromised CA, phone, TLS 1.3" in text


def test_too_many_findings_are_counted() -> None:
    many = [failed(title=f"Attack {n}") for n in range(MOST_FINDINGS + 3)]
    text = render(many, 80, color=False)
    assert "… and 3 more in the report." in text
    assert text.count("How clients come to this") == MOST_FINDINGS


def test_the_end_says_counts_and_where_the_report_is() -> None:
    text = render([passed(), failed(), skipped()], 80, color=False, report="reports/x/index.html")
    assert text.splitlines()[-1] == "Report: reports/x/index.html"
    assert "1 FAIL  1 PASS  1 n/a" in text
    assert "1 of 2 attacks refused as they must be." in text


def test_an_incomplete_run_says_so() -> None:
    assert "INCOMPLETE RUN: Stopped." in render([passed()], 80, color=False, incomplete="Stopped.")
    assert "INCOMPLETE" not in render([passed()], 80, color=False)


def test_nothing_run_is_said() -> None:
    assert "Nothing was tested." in render([], 80, color=False)


def test_an_app_cannot_write_to_the_terminal() -> None:
    words = AppOutcome(Answer.SILENT, message="\x1b]0;owned\x07\x1b[2J[bold red]:smile:")
    attack = builders.attack_phase(outcome=words)
    result = judged(builders.trial(attack=attack), device="\x1b[31mphone", title="\x9b2J")
    assert result.verdict is Verdict.INCONCLUSIVE
    text = render([result], 200, color=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert r"\x1b[2J[bold red]:smile:" in text
