"""The phone's own network monitor beside the wire: it corroborates, it never convicts, and where
there is none nothing follows from that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.judge import judge
from lab.model.monitored import MonitoredConnection
from lab.model.outcome import Answer, AppOutcome
from lab.model.trial import PhaseName, Trial
from lab.model.verdict import Judgement, Verdict
from lab.model.wire import WireClass
from tests.judge.builders import attack_phase, benign, intercepted, refused, trial

PROXY = "127.77.0.1:8080"
OURS = MonitoredConnection(412, "tcp", "127.77.0.1:50000", PROXY, "en0", on_route=True)
PAST = replace(OURS, remote="203.0.113.9:443", interface="pdp_ip0", on_route=False, sent_bytes=517)

Told = tuple[MonitoredConnection, ...] | None


def monitored(attack: Told, baseline: Told = (OURS,)) -> Trial:
    accepted = AppOutcome(Answer.ACCEPTED, monitored=baseline)
    return trial(
        baseline=benign(PhaseName.BASELINE, outcome=accepted),
        attack=attack_phase(outcome=refused(monitored=attack)),
    )


def said(judgement: Judgement) -> str:
    return " ".join(r.text for r in judgement.reasons if r.rule == "monitor_agrees")


@pytest.mark.parametrize("baseline", [None, (), (OURS,)])
def test_nothing_follows_where_there_is_no_monitor(baseline: Told) -> None:
    judgement = judge(monitored(None, baseline))
    assert (judgement.verdict, said(judgement)) == (Verdict.PASS, "")


def test_what_it_tells_of_the_route_is_told() -> None:
    elsewhere = replace(OURS, local="127.77.0.1:50001")
    judgement = judge(monitored((OURS, elsewhere)))
    assert judgement.verdict is Verdict.PASS
    assert "on the lab's route: 2, 1 of them among those that were seen" in said(judgement)


@pytest.mark.parametrize("told", [(PAST,), (OURS, PAST), (PAST, PAST)])
def test_a_way_past_the_route_leaves_open_what_was_said_there(told: Told) -> None:
    judgement = judge(monitored(told, None))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert said(judgement).count("to 203.0.113.9:443 over pdp_ip0 (tcp): whether") == 1


def test_none_of_the_apps_means_that_somebody_else_was_seen() -> None:
    judgement = judge(monitored(()))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "was somebody else's" in said(judgement)


@pytest.mark.parametrize("baseline", [None, (), (PAST,)])
def test_its_silence_means_nothing_where_it_was_silent_before(baseline: Told) -> None:
    judgement = judge(monitored((), baseline))
    assert (judgement.verdict, said(judgement)) == (Verdict.PASS, "")


def test_where_nobody_was_seen_it_adds_nothing() -> None:
    unseen = attack_phase(outcome=refused(monitored=()), connections=())
    assert said(judge(replace(monitored(()), attack=unseen))) == ""


def test_a_leak_stays_a_fail_whatever_it_tells() -> None:
    for told in ((), (PAST,), (OURS,)):
        leak = attack_phase(outcome=refused(monitored=told), connections=(intercepted(),))
        assert judge(replace(monitored(told), attack=leak)).verdict is Verdict.FAIL


def test_it_does_not_make_good_what_is_missing() -> None:
    unseen = attack_phase(outcome=refused(monitored=(OURS,)), connections=())
    assert judge(replace(monitored(None), attack=unseen)).verdict is Verdict.INCONCLUSIVE
    odd = attack_phase(
        outcome=refused(monitored=(OURS,)),
        connections=(replace(intercepted(), wire_class=WireClass.TCP_ONLY),),
    )
    assert judge(replace(monitored(None), attack=odd)).verdict is Verdict.INCONCLUSIVE
