from __future__ import annotations

from dataclasses import replace

import pytest

from lab.catalogue.registry import entries
from lab.evidence.fixes import Fix, causes, fixes, fixes_of, repairs
from lab.evidence.record import ScenarioResult
from lab.judge.engine import CONDUCT, LEAKS
from lab.model.attack import Expectation, Subject
from lab.model.outcome import Answer
from lab.model.profile import NEWEST
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.evidence.builders import failed, inconclusive, judged, passed
from tests.judge import builders

BY_NAME = {fix.name: fix for fix in fixes()}

TEXTS = {
    "promised_report_is_right": [
        "No failure report about h reached the collector: the app's owner would never learn.",
        "2 failure reports arrived for 1 refused connection(s).",
        "The failure report is about another certificate: it shows [], served was [].",
        "The failure report does not quote the pins that are published for the host.",
        "The failure report gives a time outside the attack on the device's clock.",
        "The failure report names port 1, attacked was port 443.",
        "No line of the app's log names h and the SDK's error.",
    ],
    "beside_is_right": [
        "h was accepted, due is refused.",
        "h was refused, due is accepted.",
        "h was refused for the wrong reason: the app says pin, due is chain.",
    ],
    "no_false_report": [
        "A report names h, which was not attacked; attacked was g.",
        "A pin failure (PinsMismatch) was reported for a connection that is right.",
    ],
}
"""What the judge says where one rule has several things to say."""

RIGHT = passed(slug="device_trusted_ca")

CASES = {
    entry.slug: (
        entry.id,
        entry.expect if isinstance(entry.expect, Expectation) else entry.expect(NEWEST),
    )
    for entry in entries()
    if entry.subject is Subject.APP
}

RULES = frozenset(rule.__name__ for rule in (*LEAKS, *CONDUCT))
NEVER_FAILS = frozenset({"figures"})
"""Rules that speak against nobody."""
ABOUT_REFUSALS = frozenset({"error_is_right", "told_as_documented"})
ABOUT_FACTS = frozenset({"facts_hold"})
"""Whether a fact can be there depends on the attack."""


def against(rule: str, text: str = "x") -> ScenarioResult:
    """A result that failed by one rule."""
    reason = Reason(Verdict.FAIL, Witness.WIRE, text, rule)
    return replace(
        RIGHT,
        verdict=Verdict.FAIL,
        reasons=Judgement(Verdict.FAIL, (reason,)),
    )


def in_case(result: ScenarioResult, slug: str) -> ScenarioResult:
    """The same failure under another attack of the catalogue."""
    case, expected = CASES[slug]
    assert result.trial is not None
    trial = replace(result.trial, expectation=expected)
    return replace(result, slug=slug, case=case, trial=trial)


def names(result: ScenarioResult) -> list[str]:
    return [fix.name for fix in fixes_of(result)]


@pytest.mark.parametrize("rule", sorted(RULES - NEVER_FAILS - ABOUT_FACTS))
def test_whatever_fails_under_whatever_attack_has_a_fix(rule: str) -> None:
    for slug, (_, expected) in CASES.items():
        if rule in ABOUT_REFUSALS and expected.answer is not Answer.REFUSED:
            continue
        for text in TEXTS.get(rule, ["x"]):
            assert fixes_of(in_case(against(rule, text), slug)), f"{slug}: {rule}: {text}"


def test_every_fix_is_told_for_something() -> None:
    texts = {rule: list(some) for rule, some in TEXTS.items()}
    for fix in fixes():
        for rule in fix.rules:
            texts.setdefault(rule, ["x"])
            if fix.says and fix.says not in " ".join(texts[rule]):
                texts[rule].append(fix.says)
    told = {
        name
        for slug in CASES
        for rule, some in texts.items()
        for text in some
        for name in names(in_case(against(rule, text), slug))
    }
    assert {fix.name for fix in fixes()} - told == set()


def test_every_fix_says_where_to_look_on_both_platforms() -> None:
    texts = [text for fix in fixes() for text in (fix.cause, fix.android, fix.ios)]
    assert all(len(text) > 40 and text.endswith(".") for text in texts)
    assert len(set(texts)) == len(texts), "a text that says nothing about its own case"
    assert len({fix.title for fix in fixes()}) == len(fixes())
    assert all(fix.title.endswith(".") and len(fix.title) < 130 for fix in fixes())


def test_fixes_name_what_exists() -> None:
    slugs = {entry.slug for entry in entries()}
    known = slugs | {entry.id for entry in entries()} | {entry.id[:1] for entry in entries()}
    for fix in fixes():
        assert set(fix.rules) <= RULES, fix.name
        assert set(fix.cases) <= known, fix.name
        assert set(fix.plain) <= slugs, fix.name
        assert set(fix.covers) <= BY_NAME.keys(), fix.name


@pytest.mark.parametrize(
    ("slug", "rule", "text", "name"),
    [
        ("untrusted_ca", "to_the_host", "x", "chain_not_validated"),
        ("device_trusted_ca", "to_the_host", "x", "unpinned_connection"),
        ("user_store_ca", "answer_is_right", "x", "user_store_trusted"),
        ("other_host", "to_the_host", "x", "name_not_checked"),
        ("pin_stuffing", "to_the_host", "x", "wrong_certificate_compared"),
        ("alg_none_configuration", "to_the_host", "x", "configuration_not_verified"),
        ("tls_stripping", "to_the_host", "9 bytes in clear", "falls_back_to_clear"),
        ("backup_pin", "answer_is_right", "x", "backup_pin_missing"),
        ("service_down_stale_genuine", "answer_is_right", "x", "cache_not_used"),
        ("expired_leaf", "error_is_right", "x", "pin_before_chain"),
        ("service_down_fresh_genuine", "facts_hold",
         "The app asked for its configuration, though what it held was fresh.", "asks_too_often"),
        ("heartbleed", "facts_hold", "The client answered", "handshake_misstep"),
        ("one_report_per_refusal", "facts_hold", "3 failure reports arrived for 8 refused requests",
         "reports_lost_in_a_storm"),
    ],
)  # fmt: skip
def test_the_fix_is_that_of_the_fault(slug: str, rule: str, text: str, name: str) -> None:
    assert names(in_case(against(rule, text), slug)) == [name]


def test_several_faults_need_several_fixes_and_the_same_one_once() -> None:
    trial = builders.trial(reports=(builders.report(port=1), builders.report(error="Timeout")))
    assert names(judged(trial)) == ["report_too_often", "report_wrong_field"]


def test_only_a_fail_of_the_app_is_mended_in_the_app() -> None:
    assert fixes_of(failed())
    assert not fixes_of(passed())
    assert not fixes_of(inconclusive())
    assert not fixes_of(failed(subject=Subject.CARELESS))


def test_who_has_no_pins_has_one_fault() -> None:
    plain = in_case(against("to_the_host"), "device_trusted_ca")
    stuffed = in_case(against("to_the_host"), "pin_stuffing")
    elsewhere = replace(stuffed, device="other")
    late = in_case(against("promised_report_is_right", "The failure report gives a time"),
                   "mismatch_is_reported")  # fmt: skip
    found = causes([stuffed, plain, elsewhere, late])
    assert [[fix.name for fix in some] for some in found] == [
        ["unpinned_connection"],
        ["unpinned_connection"],
        ["wrong_certificate_compared"],
        ["report_wrong_time"],
    ]
    untrusted = in_case(against("to_the_host"), "untrusted_ca")
    assert causes([stuffed, plain, untrusted])[1] == (BY_NAME["chain_not_validated"],)


def test_what_loses_data_comes_first_then_what_explains_most() -> None:
    spilt = failed(slug="device_trusted_ca")
    late = in_case(against("promised_report_is_right", "The failure report gives a time"),
                   "device_trusted_ca")  # fmt: skip
    pins = in_case(against("promised_report_is_right", "quote the pins"), "device_trusted_ca")
    told = repairs([late, pins, late, spilt])
    assert [(repair.fix.name, len(repair.results)) for repair in told] == [
        ("unpinned_connection", 1),
        ("report_wrong_time", 2),
        ("report_wrong_pins", 1),
    ]


def test_without_a_failure_there_is_nothing_to_change() -> None:
    assert repairs([passed(), inconclusive()]) == ()
    assert isinstance(fixes()[0], Fix)
