"""What follows from what was tried."""

from __future__ import annotations

import pytest

from lab.model.verdict import Verdict
from lab.selftest.findings import (
    REFERENCE,
    Effect,
    Standing,
    conclude,
    effect_of,
    speaks_for,
)
from tests.selftest.builders import (
    LEAK,
    REPORT,
    attack,
    found,
    judgement,
    mutant,
    survived,
    tried,
)


@pytest.mark.parametrize(
    ("verdict", "rules", "effect"),
    [
        (Verdict.FAIL, [LEAK], Effect.KILLED),
        (Verdict.FAIL, ["answer_is_right", LEAK], Effect.KILLED),
        (Verdict.FAIL, ["answer_is_right"], Effect.OTHER_REASON),
        (Verdict.FAIL, [], Effect.OTHER_REASON),
        (Verdict.PASS, [LEAK], Effect.SURVIVED),
        (Verdict.INCONCLUSIVE, [LEAK], Effect.UNDECIDED),
        (Verdict.NOT_APPLICABLE, [], Effect.NOT_APPLICABLE),
    ],
)
def test_a_mutant_dies_of_a_fail_for_the_right_reason(
    verdict: Verdict, rules: list[str], effect: Effect
) -> None:
    assert effect_of(judgement(verdict, *rules), mutant("M", "a")) is effect


@pytest.mark.parametrize(
    ("verdict", "effect"),
    [
        (Verdict.INCONCLUSIVE, Effect.KILLED),
        (Verdict.FAIL, Effect.OTHER_REASON),
        (Verdict.PASS, Effect.SURVIVED),
    ],
)
def test_a_mutant_that_takes_the_proof_away_dies_of_inconclusive(
    verdict: Verdict, effect: Effect
) -> None:
    gone = mutant("M", "a", rules=["app_answered"], outcome=Verdict.INCONCLUSIVE)
    assert effect_of(judgement(verdict, "app_answered"), gone) is effect


def test_a_reason_that_did_not_decide_is_no_right_reason() -> None:
    """The rule spoke for the client here."""
    assert effect_of(judgement(Verdict.FAIL), mutant("M", "a", rules=["other"])) is (
        Effect.OTHER_REASON
    )


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_the_reference_client_has_to_pass(verdict: Verdict) -> None:
    assert effect_of(judgement(verdict, LEAK), None) not in (Effect.SURVIVED, Effect.KILLED)
    assert effect_of(judgement(Verdict.PASS), None) is Effect.SURVIVED


def test_all_is_well() -> None:
    findings = found(
        [mutant("M", "a"), mutant("N", "b")],
        [attack("a"), attack("b")],
        [tried("M", "a"), tried("N", "b"), *survived("a", "b")],
    )
    assert findings.standing is Standing.GOOD
    assert [m.standing for m in findings.mutants] == [Standing.GOOD] * 2
    assert [a.kills for a in findings.attacks] == [("M",), ("N",)]
    assert (findings.reference, findings.reference_cases) == ((), 2)


@pytest.mark.parametrize(
    ("effect", "standing"),
    [
        (Effect.SURVIVED, Standing.BAD),
        (Effect.OTHER_REASON, Standing.BAD),
        (Effect.UNDECIDED, Standing.OPEN),
        (Effect.NOT_APPLICABLE, Standing.OPEN),
    ],
)
def test_a_mutant_must_die_by_every_attack_that_it_names(
    effect: Effect, standing: Standing
) -> None:
    findings = found(
        [mutant("M", "a", "b"), mutant("N", "b")],
        [attack("a"), attack("b")],
        [tried("M", "a"), tried("M", "b", effect), tried("N", "b"), *survived("a", "b")],
    )
    assert findings.mutants[0].standing is standing
    assert [n.effect for n in findings.mutants[0].named] == [Effect.KILLED, effect]
    assert findings.standing is standing


def test_one_case_of_an_attack_that_kills_is_enough() -> None:
    results = [tried("M", "a", Effect.SURVIVED), tried("M", "a"), tried("M", "a", Effect.UNDECIDED)]
    findings = found([mutant("M", "a")], [attack("a")], [*results, *survived("a")])
    assert findings.standing is Standing.GOOD


def test_another_reason_is_worse_than_no_proof() -> None:
    """Of several cases without a kill, the one that counts must not hide the fault."""
    results = [tried("M", "a", Effect.UNDECIDED), tried("M", "a", Effect.SURVIVED)]
    findings = found([mutant("M", "a")], [attack("a")], [*results, *survived("a")])
    assert findings.mutants[0].named[0].effect is Effect.UNDECIDED


def test_a_mutant_that_names_an_attack_that_there_is_not() -> None:
    findings = found([mutant("M", "a", "gone")], [attack("a")], [tried("M", "a"), *survived("a")])
    assert findings.standing is Standing.BAD
    assert findings.mutants[0].named[1].why == "no attack on the app is called that"


def test_what_was_not_tried_is_open() -> None:
    findings = found([mutant("M", "a")], [attack("a")], [])
    assert findings.standing is Standing.OPEN
    assert conclude([], [], [], all_mutants=[]).standing is Standing.OPEN


def test_an_attack_must_kill() -> None:
    findings = found(
        [mutant("M", "a")],
        [attack("a"), attack("b")],
        [tried("M", "a"), tried("M", "b", Effect.SURVIVED), *survived("a", "b")],
    )
    assert [a.standing for a in findings.attacks] == [Standing.GOOD, Standing.BAD]
    assert findings.standing is Standing.BAD
    assert findings.attacks[1].tried_on == 1


def test_a_wrong_report_says_nothing_of_an_attack_that_is_not_about_reports() -> None:
    silent = mutant("Silent", "reports", rules=[REPORT, LEAK])
    incidental = tried("Silent", "other", rules=[REPORT])
    assert not speaks_for(incidental, silent)
    assert speaks_for(tried("Silent", "reports", rules=[REPORT]), silent)
    assert speaks_for(tried("Silent", "other", rules=[REPORT, LEAK]), silent)
    assert not speaks_for(tried("Silent", "reports", Effect.SURVIVED), silent)


def test_an_attack_that_the_phone_cannot_do_is_not_asked_for_a_kill() -> None:
    unmet = tried(REFERENCE, "b", Effect.NOT_APPLICABLE, why="no such phone")
    findings = found(
        [mutant("M", "a")], [attack("a"), attack("b")], [tried("M", "a"), *survived("a"), unmet]
    )
    assert findings.attacks[1].standing is Standing.NOT_APPLICABLE
    assert findings.attacks[1].why == "no such phone"
    assert findings.standing is Standing.GOOD


def test_an_attack_whose_own_mutant_was_inconclusive_is_open() -> None:
    findings = found(
        [mutant("M", "a"), mutant("N", "b")],
        [attack("a"), attack("b")],
        [
            tried("M", "a"),
            tried("M", "b", Effect.SURVIVED),
            tried("N", "b", Effect.UNDECIDED, why="the phone was lost"),
            *survived("a", "b"),
        ],
    )
    assert findings.attacks[1].standing is Standing.OPEN
    assert findings.attacks[1].why == "N: the phone was lost"


def test_a_stranger_that_was_inconclusive_excuses_no_attack() -> None:
    findings = found(
        [mutant("M", "a")],
        [attack("a"), attack("b")],
        [tried("M", "a"), tried("M", "b", Effect.UNDECIDED), *survived("a", "b")],
    )
    assert findings.attacks[1].standing is Standing.BAD


def test_where_mutants_were_chosen_no_attack_is_asked_for_a_kill() -> None:
    findings = conclude(
        [],
        [attack("a")],
        [tried("M", "a", Effect.SURVIVED), *survived("a")],
        all_mutants=[mutant("M", "b")],
        named_only=True,
    )
    assert findings.attacks[0].standing is Standing.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("effect", "standing"),
    [(Effect.OTHER_REASON, Standing.BAD), (Effect.UNDECIDED, Standing.OPEN)],
)
def test_the_reference_client_must_survive(effect: Effect, standing: Standing) -> None:
    lost = tried(REFERENCE, "a", effect)
    findings = found([mutant("M", "a")], [attack("a")], [tried("M", "a"), *survived("a"), lost])
    assert findings.standing is standing
    assert findings.reference == (lost,)
    assert findings.reference_cases == 2
