from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lab.evidence.assessed import advice
from lab.gate.deciding import decide
from lab.gate.decision import Decision, Kind
from lab.model.verdict import Verdict
from tests.gate.builders import (
    BUILD,
    KEY,
    NOW,
    all_pass,
    but,
    inputs,
    policy,
    scenarios,
    source,
    traits,
)

RULE = "rules:\n- attacks: [B1]\n  devices: [phone]\n"
B1 = all_pass("B1")
FAIL, OPEN, NONE = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE
OLD = source(*B1, started_at=NOW.timestamp() - 8 * 86400)


def kinds(decision: Decision) -> list[Kind]:
    return [gap.kind for gap in decision.gaps]


def test_a_gate_that_opens(tmp_path: Path) -> None:
    decision = decide(policy(tmp_path, RULE), [source(*B1)], inputs())
    assert decision.open
    assert (decision.required, decision.passed, decision.gaps) == (4, 4, ())


def test_the_most_important_comes_first(tmp_path: Path) -> None:
    text = f"{RULE}evidence: {{max_age_days: 1, signers: [{'1f' * 32}], minimum_passed: 9}}\n"
    run = replace(OLD, results=but(B1, OPEN, NONE, FAIL)[:3], complete=False)
    decision = decide(policy(tmp_path, text), [run], inputs())
    assert kinds(decision) == [
        Kind.FAIL,
        Kind.SIGNER,
        Kind.INCOMPLETE,
        Kind.AGE,
        Kind.DEVICE,
        Kind.MISSING,
        Kind.INCONCLUSIVE,
        Kind.NOT_APPLICABLE,
        Kind.MINIMUM,
    ]
    assert "The adversary read 42 bytes" in decision.gaps[0].text
    assert decision.gaps[0].mend == advice(run.results[2])


def test_what_a_waiver_lets_through_is_told(tmp_path: Path) -> None:
    waiver = "verdict: FAIL, until: 2026-06-30, reason: mended in 2.1, ticket: T-1"
    text = f"{RULE}waivers: [{{attacks: [untrusted_ca], {waiver}}}]\n"
    decision = decide(policy(tmp_path, text), [source(*but(B1, FAIL, OPEN))], inputs())
    assert decision.open
    assert decision.waived == scenarios("B1")[:2]
    assert decision.notes == (
        "2 scenarios let through until 2026-06-30 by the waiver for untrusted_ca (FAIL): "
        "mended in 2.1 [T-1]",
    )


def test_a_waiver_that_is_not_needed_is_told(tmp_path: Path) -> None:
    text = f"{RULE}waivers: [{{attacks: [B2], verdict: NOT_APPLICABLE, reason: a}}]\n"
    decision = decide(policy(tmp_path, text), [source(*B1)], inputs())
    told = ("The waiver for B2 (NOT_APPLICABLE) is not needed: take it out of the policy.",)
    assert (decision.open, decision.notes) == (True, told)


def test_a_device_that_is_away_can_be_waived_by_name(tmp_path: Path) -> None:
    text = (
        "rules: [{attacks: [B1], devices: [phone, tablet]}]\n"
        "waivers: [{attacks: [all], devices: [tablet], verdict: MISSING, until: 2026-07-01, "
        "reason: being mended}]\n"
    )
    assert decide(policy(tmp_path, text), [source(*B1)], inputs()).open


def test_a_device_that_only_failed_shows_nothing(tmp_path: Path) -> None:
    text = (
        "rules: [{attacks: [B1], devices: ['t*']}]\n"
        "waivers: [{attacks: [B1], verdict: FAIL, until: 2026-07-01, reason: a, ticket: b}]\n"
    )
    rules = policy(tmp_path, text)
    failing = but(all_pass("B1", "tablet")[:1], FAIL)
    decision = decide(rules, [source(*B1, *failing)], inputs())
    assert kinds(decision) == [Kind.DEVICE]
    assert decision.gaps[0].text == "Nothing of B1 passed on any device t*."


def test_where_nothing_was_tested_no_waiver_opens_the_gate(tmp_path: Path) -> None:
    text = f"{RULE}not_applicable: allowed\n"
    none = [source(*but(B1, NONE, NONE, NONE, NONE))]
    assert kinds(decide(policy(tmp_path, text), none, inputs())) == [Kind.DEVICE, Kind.MINIMUM]
    text += "waivers: [{attacks: [all], verdict: NOT_APPLICABLE, reason: a}]\n"
    assert kinds(decide(policy(tmp_path, text), none, inputs())) == [Kind.MINIMUM]


def test_bundles_of_several_workers_are_one(tmp_path: Path) -> None:
    halves = [source(*B1[:2], name="a"), source(*B1[2:], name="b")]
    assert decide(policy(tmp_path, RULE), halves, inputs()).open
    assert not decide(policy(tmp_path, RULE), halves[:1], inputs()).open


@pytest.mark.parametrize(
    ("first", "second", "opens"),
    [
        (FAIL, Verdict.PASS, False),
        (Verdict.PASS, FAIL, False),
        (OPEN, Verdict.PASS, True),
        (NONE, Verdict.PASS, True),
        (OPEN, NONE, False),
    ],
)
def test_a_scenario_in_two_bundles(
    first: Verdict, second: Verdict, opens: bool, tmp_path: Path
) -> None:
    runs = [
        source(*but(B1, first), name="a"),
        source(*but(B1, second), name="b"),
    ]
    decision = decide(policy(tmp_path, RULE), runs, inputs())
    assert decision.open is opens
    assert any("counts; " in note for note in decision.notes)


def test_two_builds_are_never_one(tmp_path: Path) -> None:
    other = {"phone": traits("phone", builds=frozenset({KEY}))}
    runs = [source(*B1, name="a"), source(*B1, name="b", devices=other)]
    (gap,) = decide(policy(tmp_path, RULE), runs, inputs()).gaps
    assert gap.text == "phone was tested with 2 builds: abababab… and cdcdcdcd…."


def test_a_build_that_is_given_is_compared_though_the_policy_asks_for_none(tmp_path: Path) -> None:
    rules = policy(tmp_path, RULE)
    assert decide(rules, [source(*B1)], inputs(apps={"a": BUILD})).open
    assert kinds(decide(rules, [source(*B1)], inputs(apps={"a": KEY}))) == [Kind.BUILD]


def test_a_build_that_nobody_knows_is_not_the_right_one(tmp_path: Path) -> None:
    run = source(*B1, devices={"phone": traits("phone", builds=frozenset())})
    (gap,) = decide(policy(tmp_path, RULE), [run], inputs(apps={"a": BUILD})).gaps
    assert gap.text == "Nobody knows which build was tested on phone."


@pytest.mark.parametrize(
    ("started_at", "words"),
    [
        (None, "does not say when its run began"),
        (1e300, "does not say when its run began"),
        ((NOW + timedelta(hours=2)).timestamp(), "which is still to come"),
    ],
)
def test_a_time_that_cannot_be(started_at: float | None, words: str, tmp_path: Path) -> None:
    text = f"{RULE}evidence: {{max_age_days: 7}}\n"
    run = source(*B1, started_at=started_at)
    (gap,) = decide(policy(tmp_path, text), [run], inputs()).gaps
    assert words in gap.text


def test_a_device_that_was_updated_meanwhile_shows_neither_system(tmp_path: Path) -> None:
    newer = {"phone": traits("phone", systems=frozenset({"Android 16 (API level 36)"}))}
    runs = [source(*B1[:2]), source(*B1[2:], name="b", devices=newer)]
    rules = policy(tmp_path, f"{RULE}  os: ['Android 15*']\n")
    assert kinds(decide(rules, runs, inputs())) == [Kind.OS]
