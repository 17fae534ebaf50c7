from __future__ import annotations

import pytest

from lab.evidence.record import ScenarioResult
from lab.evidence.tally import Sort, details, headline, overall, sort_of, tally, was_read
from lab.model.attack import Subject, accept
from lab.model.outcome import Answer, AppOutcome
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, inconclusive, judged, lab_error, passed, skipped
from tests.judge import builders


def genuine() -> ScenarioResult:
    answered = builders.attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED), connections=(builders.intercepted(),)
    )
    return judged(builders.trial(expectation=accept(), attack=answered, reports=()))


def self_test() -> ScenarioResult:
    return failed(verdict=Verdict.PASS, subject=Subject.CARELESS)


def test_all_refused() -> None:
    counts = tally([passed(), passed(), skipped(), skipped(), skipped()])
    assert headline(counts) == "2 of 2 attacks refused."
    assert details(counts) == ["3 not applicable."]
    assert overall(counts) is Verdict.PASS


def test_a_leak_is_said_first() -> None:
    counts = tally([passed(), failed(), inconclusive(attempts=3)])
    assert headline(counts) == "1 of 3 attacks refused as they must be."
    assert details(counts) == [
        "The adversary read application data in 1 attack.",
        "1 FAIL and 1 INCONCLUSIVE.",
        "1 scenario had to be repeated.",
    ]
    assert overall(counts) is Verdict.FAIL


def test_a_missing_report_is_a_fail_but_no_leak() -> None:
    result = judged(builders.trial(reports=()))
    assert result.verdict is Verdict.FAIL
    assert not was_read(result)
    assert details(tally([result])) == ["1 FAIL."]


def test_genuine_connections_and_self_tests_are_no_attacks() -> None:
    assert [sort_of(r) for r in (genuine(), self_test(), passed(), lab_error())] == [
        Sort.GENUINE,
        Sort.SELF_TEST,
        Sort.ATTACK,
        Sort.ATTACK,
    ]
    counts = tally([genuine(), self_test(), passed()])
    assert headline(counts) == "1 of 1 attack refused."
    assert details(counts) == [
        "1 of 1 genuine connection kept working.",
        "1 of 1 self-test of the lab passed.",
    ]
    assert overall(counts) is Verdict.PASS


def test_a_client_that_is_wrong_on_purpose_does_not_count_as_read() -> None:
    assert was_read(failed())
    assert not was_read(self_test())


@pytest.mark.parametrize("results", [[], [skipped()]], ids=["nothing", "all skipped"])
def test_nothing_tested_is_no_pass(results: list[ScenarioResult]) -> None:
    counts = tally(results)
    assert overall(counts) is Verdict.INCONCLUSIVE
    assert headline(counts) == "Nothing was tested."


def test_only_genuine_connections_prove_no_refusal() -> None:
    assert headline(tally([genuine()])) == "No attack was carried out."


def test_an_incomplete_run_is_no_pass() -> None:
    assert overall(tally([passed()]), complete=False) is Verdict.INCONCLUSIVE
    assert overall(tally([failed()]), complete=False) is Verdict.FAIL


def test_a_lab_error_is_inconclusive() -> None:
    assert overall(tally([passed(), lab_error()])) is Verdict.INCONCLUSIVE
