"""What holds for all policies and all runs."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.gate.deciding import decide
from lab.gate.policy import PolicyFile, State
from lab.gate.selectors import Scenario
from lab.gate.source import Source
from lab.model.verdict import Verdict
from tests.gate.builders import inputs, result, scenarios, source

DEVICES = ("phone", "tablet")
FEW = tuple(s for device in DEVICES for word in ("A5", "D1", "B3") for s in scenarios(word, device))
WORDS = ("A5", "D1", "B3", "other_host", "B*", "compromised_ca")

attacks = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)
devices = st.lists(
    st.sampled_from([*DEVICES, "*", "t*", "watch"]) | st.just({"platform": "android"}),
    min_size=1,
    max_size=2,
)
waivers = st.fixed_dictionaries(
    {
        "attacks": attacks,
        "devices": devices,
        "verdict": st.sampled_from([state for state in State if state is not State.PASS]),
        "until": st.sampled_from([date(2026, 6, 14), date(2026, 6, 15)]),
        "reason": st.just("a"),
        "ticket": st.just("b"),
    }
)
rules = st.fixed_dictionaries(
    {"attacks": attacks, "devices": devices},
    optional={"os": st.sampled_from([["Android 15*"], ["Android 14*"]])},
)
policies = st.fixed_dictionaries(
    {
        "rules": st.lists(rules, min_size=1, max_size=2),
        "waivers": st.lists(waivers, max_size=4),
        "not_applicable": st.sampled_from(["refused", "allowed"]),
        "other_failures": st.sampled_from(["close", "tell"]),
        "evidence": st.fixed_dictionaries(
            {}, optional={"minimum_passed": st.integers(1, len(FEW) + 1)}
        ),
    }
).map(PolicyFile.model_validate)

runs = st.dictionaries(st.sampled_from(FEW), st.sampled_from(Verdict))
"""Most of them in order, or no gate would ever open."""
good_runs = st.dictionaries(st.sampled_from(FEW), st.sampled_from(Verdict), max_size=3).map(
    lambda odd: dict.fromkeys(FEW, Verdict.PASS) | odd
)


def bundle(run: dict[Scenario, Verdict]) -> Source:
    return source(*(result(scenario, verdict) for scenario, verdict in run.items()))


@settings(max_examples=60, deadline=None)
@given(policies, runs | good_runs, st.sampled_from(FEW))
def test_one_more_fail_never_opens_a_gate(
    policy: PolicyFile, run: dict[Scenario, Verdict], failing: Scenario
) -> None:
    worse = decide(policy, [bundle(run | {failing: Verdict.FAIL})], inputs())
    beside = decide(policy, [bundle(run), bundle({failing: Verdict.FAIL})], inputs())
    assert beside.open == worse.open
    if worse.open:
        assert decide(policy, [bundle(run)], inputs()).open


@settings(max_examples=30, deadline=None)
@given(policies, good_runs, st.data())
def test_without_its_waivers_no_gate_opens_more_easily(
    policy: PolicyFile, run: dict[Scenario, Verdict], data: Any
) -> None:
    kept = data.draw(
        st.lists(st.sampled_from(policy.waivers), unique=True) if policy.waivers else st.just([])
    )
    fewer = policy.model_copy(update={"waivers": tuple(kept)})
    if decide(fewer, [bundle(run)], inputs()).open:
        assert decide(policy, [bundle(run)], inputs()).open


@settings(max_examples=30, deadline=None)
@given(policies, runs | good_runs)
def test_it_is_open_or_says_why_not(policy: PolicyFile, run: dict[Scenario, Verdict]) -> None:
    decision = decide(policy, [bundle(run)], inputs())
    assert decision.open == (not decision.gaps)
    assert all(gap.text and gap.mend for gap in decision.gaps)
    accused = {scenario for gap in decision.gaps for scenario in gap.scenarios}
    assert accused.isdisjoint(decision.waived)
    assert not {s for s in accused if run.get(s) is Verdict.PASS}
    turned = source(*reversed(bundle(run).results))
    assert decide(policy, [turned], inputs()).open == decision.open
