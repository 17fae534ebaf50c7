"""The whole verdict: what beats what, and what no combination of records can turn into a PASS."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.judge import judge, verdict_of
from lab.model.attack import Control
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import PhaseName
from lab.model.verdict import Judgement, Verdict, Witness
from lab.model.wire import WireClass
from tests.judge.builders import (
    HOST,
    attack_phase,
    benign,
    connection,
    control_phase,
    intercepted,
    refused,
    report,
    trial,
)


def test_a_flawless_trial_passes_and_says_what_every_witness_saw() -> None:
    judgement = judge(trial())

    assert judgement.verdict is Verdict.PASS
    assert {r.witness for r in judgement.reasons} == {
        Witness.WIRE,
        Witness.APP,
        Witness.REPORT,
        Witness.CONTROL,
    }


@pytest.mark.parametrize(
    "wire_class",
    [
        WireClass.HANDSHAKE_REJECTED,
        WireClass.ESTABLISHED_ZERO_APPDATA,
        WireClass.PREFACE_ONLY,
    ],
)
def test_every_shape_of_a_refusal_passes(wire_class: WireClass) -> None:
    assert judge(trial(attack=attack_phase(connections=(connection(wire_class),)))).verdict is (
        Verdict.PASS
    )


def test_a_leak_fails_even_when_every_precondition_is_missing() -> None:
    judgement = judge(
        trial(
            baseline=benign(PhaseName.BASELINE, outcome=AppOutcome(Answer.SILENT)),
            recovery=benign(PhaseName.RECOVERY, connections=()),
            control=None,
            attack=attack_phase(
                armed=False, outcome=AppOutcome(Answer.SILENT), connections=(intercepted(),)
            ),
        )
    )

    assert judgement.verdict is Verdict.FAIL
    assert "42 bytes inside its TLS: GET / HTTP/1.1" in judgement.headline


def test_a_client_that_leaks_and_says_it_refused_fails() -> None:
    judgement = judge(trial(attack=attack_phase(connections=(connection(), intercepted()))))

    assert judgement.verdict is Verdict.FAIL


def test_a_client_that_accepts_everything_fails() -> None:
    attack = attack_phase(outcome=AppOutcome(Answer.ACCEPTED), connections=(intercepted(),))

    assert judge(trial(attack=attack)).verdict is Verdict.FAIL


def test_a_client_that_never_connects_is_inconclusive() -> None:
    silent = {"outcome": refused(ErrorKind.NETWORK), "connections": ()}

    judgement = judge(
        trial(
            baseline=benign(PhaseName.BASELINE, **silent),
            attack=attack_phase(**silent),
            recovery=benign(PhaseName.RECOVERY, **silent),
        )
    )

    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_client_that_refuses_everything_is_inconclusive() -> None:
    shut = {"outcome": refused(), "connections": (connection(),)}

    judgement = judge(
        trial(
            baseline=benign(PhaseName.BASELINE, **shut),
            recovery=benign(PhaseName.RECOVERY, **shut),
        )
    )

    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_what_is_missing_hides_what_is_wrong_with_the_conduct() -> None:
    """Without its preconditions a trial must not blame the app for a missing report."""
    judgement = judge(trial(reports=(), control=None))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert not [r for r in judgement.reasons if r.verdict is Verdict.FAIL]


def test_decisive_reasons_come_first() -> None:
    judgement = judge(trial(reports=()))

    assert judgement.reasons[0].verdict is Verdict.FAIL
    assert judgement.headline == judgement.reasons[0].text


wire_classes = st.sampled_from(list(WireClass))
answers = st.sampled_from(list(Answer))
kinds = st.frozensets(st.sampled_from(list(ErrorKind)), max_size=2)


@given(
    attacked=st.lists(wire_classes, max_size=4),
    controlled=st.lists(wire_classes, max_size=2),
    said=answers,
    why=kinds,
    before=answers,
    after=answers,
    armed=st.booleans(),
    reported=st.booleans(),
)
def test_no_records_pass_that_are_not_flawless(
    attacked: list[WireClass],
    controlled: list[WireClass],
    said: Answer,
    why: frozenset[ErrorKind],
    before: Answer,
    after: Answer,
    armed: bool,
    reported: bool,
) -> None:
    """The property behind it all: PASS only ever comes from a complete set of good records."""
    judgement = judge(
        trial(
            baseline=benign(PhaseName.BASELINE, outcome=AppOutcome(before)),
            recovery=benign(PhaseName.RECOVERY, outcome=AppOutcome(after)),
            attack=attack_phase(
                outcome=AppOutcome(said, why, "PinsMismatch"),
                armed=armed,
                connections=tuple(connection(c) for c in attacked),
            ),
            control=control_phase(connections=tuple(connection(c) for c in controlled)),
            reports=(report(),) if reported else (),
        )
    )

    refusals = {
        WireClass.HANDSHAKE_REJECTED,
        WireClass.ESTABLISHED_ZERO_APPDATA,
        WireClass.PREFACE_ONLY,
    }
    complete = (
        before is Answer.ACCEPTED
        and after is Answer.ACCEPTED
        and armed
        and reported
        and said is Answer.REFUSED
        and ErrorKind.PIN in why
        and bool(set(attacked) & refusals)
        and set(attacked) <= refusals | {WireClass.TCP_ONLY}
        and bool({WireClass.INTERCEPTED, WireClass.CLEARTEXT} & set(controlled))
    )
    leaked = {WireClass.INTERCEPTED, WireClass.CLEARTEXT} & set(attacked)
    assert (judgement.verdict is Verdict.PASS) == complete
    assert not leaked or judgement.verdict is Verdict.FAIL
    assert judgement.headline


def test_a_trial_without_a_control_to_run_needs_none() -> None:
    assert judge(trial(control=None, control_kind=Control.NONE)).verdict is Verdict.PASS


def test_records_of_other_hosts_and_of_foreign_sources_do_not_count() -> None:
    noise = (
        intercepted(host="tracker.example"),
        intercepted(foreign=True),
        intercepted(host=None),
    )
    attack = attack_phase(connections=(connection(), *noise))

    assert judge(trial(attack=attack)).verdict is Verdict.PASS
    assert judge(trial(attack=replace(attack, connections=noise))).verdict is Verdict.INCONCLUSIVE
    assert HOST not in {c.host for c in noise[:1]}


@pytest.mark.parametrize(
    ("said", "must_be_caught", "wanted"),
    [
        (Verdict.PASS, False, Verdict.PASS),
        (Verdict.FAIL, False, Verdict.FAIL),
        (Verdict.FAIL, True, Verdict.PASS),
        (Verdict.PASS, True, Verdict.FAIL),
        (Verdict.INCONCLUSIVE, True, Verdict.INCONCLUSIVE),
    ],
)
def test_who_is_wrong_on_purpose_must_be_caught(
    said: Verdict, must_be_caught: bool, wanted: Verdict
) -> None:
    assert verdict_of(Judgement(said, ()), must_be_caught=must_be_caught) is wanted
