"""Apps without a collector: their log or their screen is the witness."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.judge import judge
from lab.model.attack import accept
from lab.model.failure_report import ReportWay
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import PhaseName, ReportPromise
from lab.model.verdict import Judgement, Verdict
from tests.judge.builders import HOST, attack_phase, benign, intercepted, refused, trial

LINE = f"TrustPin: PinsMismatch: Certificate pinning failed for domain '{HOST}'"
SAID = f"TrustPin validation failed: Certificate pinning failed for domain '{HOST}'"


def by(way: ReportWay, outcome: AppOutcome, **changes: object) -> Judgement:
    promise = ReportPromise(frozenset({ErrorKind.PIN}), way=way)
    return judge(
        replace(
            trial(reports=(), promise=promise, attack=attack_phase(outcome=outcome)),
            **changes,  # type: ignore[arg-type]
        )
    )


def test_a_line_with_host_and_error_is_a_report() -> None:
    judgement = by(ReportWay.LOG, refused(system_log=("Browser: hello", LINE)))
    assert judgement.verdict is Verdict.PASS
    assert any("log names api.acme.test and PinsMismatch" in r.text for r in judgement.reasons)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ((), "No line of the app's log names api.acme.test"),
        ((LINE.replace(HOST, "another.test"),), "No line of the app's log"),
        ((LINE.replace(HOST, f"v2.{HOST}"),), "No line of the app's log"),
        ((LINE.replace(HOST, f"{HOST}.evil.test"),), "No line of the app's log"),
        ((LINE.replace("PinsMismatch", "SSLException"),), "No line of the app's log"),
        ((LINE.replace("PinsMismatch", "AllPinsExpired"),), "gives the error AllPinsExpired"),
    ],
)
def test_a_log_that_does_not_tell_fails(log: tuple[str, ...], reason: str) -> None:
    judgement = by(ReportWay.LOG, refused(system_log=log))
    assert judgement.verdict is Verdict.FAIL
    assert reason in judgement.headline


def test_a_screen_with_host_and_error_is_a_report() -> None:
    assert by(ReportWay.UI, refused(message=f"{SAID}.")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (refused(message="No network"), "screen does not name api.acme.test"),
        (refused(message=SAID, code="SSLException"), "does not name the SDK's error"),
        (refused(message=SAID, code=None), "does not name the SDK's error"),
    ],
)
def test_a_screen_that_does_not_tell_fails(outcome: AppOutcome, reason: str) -> None:
    judgement = by(ReportWay.UI, outcome)
    assert judgement.verdict is Verdict.FAIL
    assert reason in judgement.headline


def test_a_log_that_blames_a_right_connection_fails() -> None:
    outcome = AppOutcome(Answer.ACCEPTED, system_log=(LINE,))
    attack = attack_phase(outcome=outcome, connections=(intercepted(),))
    judgement = by(ReportWay.LOG, outcome, attack=attack, expectation=accept())
    assert judgement.verdict is Verdict.FAIL
    assert "log blames api.acme.test (PinsMismatch) during the attack" in judgement.headline


def test_other_lines_of_a_right_connection_blame_nobody() -> None:
    lines = (f"TrustPin: Valid pin found for {HOST}", LINE.replace(HOST, "another.test"))
    right = benign(PhaseName.BASELINE, outcome=AppOutcome(Answer.ACCEPTED, system_log=lines))
    judgement = by(ReportWay.LOG, refused(system_log=(LINE,)), baseline=right)
    assert judgement.verdict is Verdict.PASS
