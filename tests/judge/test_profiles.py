"""What the judge makes of an app that is not as its SDK's version is documented to be."""

from __future__ import annotations

import pytest

from lab.judge import judge
from lab.model.attack import Attempt, Expectation, Step, refuse
from lab.model.outcome import DOCUMENTED_ERRORS, ErrorKind
from lab.model.profile import PROFILES, SDK_4_0, SDK_4_1, SDK_6, Profile
from lab.model.trial import PhaseName, ReportPromise, Trial
from lab.model.verdict import Judgement, Verdict
from tests.judge.builders import attack_phase, benign, refused, report, trial

MISSING = "ErrorFetchingPinningInfo"


def expected(profile: Profile) -> Expectation:
    told = profile.without_configuration(MISSING)
    return refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL, told=told)


def said(profile: Profile, code: str | None, step: Step, *kinds: ErrorKind) -> Trial:
    """An app that came without a configuration, and says so by ``code`` at ``step``."""
    outcome = refused(*(kinds or (DOCUMENTED_ERRORS[code or MISSING],)), code=code)
    return trial(
        expectation=expected(profile),
        attack=attack_phase(outcome=outcome, connections=(), step=step),
        reports=(),
        profile=profile.name,
    )


def judged(profile: Profile, code: str | None, step: Step, *kinds: ErrorKind) -> Judgement:
    return judge(said(profile, code, step, *kinds))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_an_app_may_say_it_in_each_documented_way(profile: Profile) -> None:
    for way in profile.without_configuration(MISSING):
        for code in way.codes:
            judgement = judged(profile, code, way.step)
            assert judgement.verdict is Verdict.PASS, (way, code, judgement)
            assert not way.note or way.note in [r.text for r in judgement.reasons]


@pytest.mark.parametrize(
    ("profile", "code", "step"),
    [
        (SDK_4_0, MISSING, Step.REQUEST),
        (SDK_4_1, MISSING, Step.REQUEST),
        (SDK_4_1, "NotInitialized", Step.SETUP),
        (SDK_4_0, "ConfigurationValidationFailed", Step.SETUP),
        (SDK_6, "NotInitialized", Step.REQUEST),
        (SDK_6, "ConfigIntegrityError", Step.REQUEST),
    ],
)
def test_a_way_that_is_not_documented_fails(profile: Profile, code: str, step: Step) -> None:
    judgement = judged(profile, code, step)
    assert judgement.verdict is Verdict.FAIL
    assert f"The app said {code} at the {step}" in judgement.headline
    assert f"SDK {profile.name} is documented to do" in judgement.headline


@pytest.mark.parametrize("code", [None, "java.io.IOException"])
def test_nothing_is_held_against_an_app_that_gives_no_documented_name(code: str | None) -> None:
    for step in Step:
        judgement = judged(SDK_4_1, code, step, ErrorKind.CONFIGURATION)
        assert judgement.verdict is Verdict.PASS, judgement


def test_a_timeout_of_the_sdk_is_told_from_one_of_the_network() -> None:
    assert judged(SDK_6, "Timeout", Step.REQUEST).verdict is Verdict.PASS
    network = judged(SDK_6, "java.net.SocketTimeoutException", Step.REQUEST, ErrorKind.NETWORK)
    assert network.verdict is Verdict.INCONCLUSIVE
    assert "nothing to do with the attack" in network.headline


def test_another_reason_altogether_fails_as_such() -> None:
    judgement = judged(SDK_6, "PinsMismatch", Step.REQUEST)
    assert judgement.verdict is Verdict.FAIL
    assert "refused for the wrong reason" in judgement.headline
    assert not any("documented to do" in r.text for r in judgement.reasons)


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        (SDK_4_0, "NotInitialized"),
        (SDK_4_0, "SetupInProgress"),
        (SDK_4_1, "AlreadyInitialized"),
        (SDK_4_1, "ConfigIntegrityError"),
        (SDK_4_1, "Timeout"),
    ],
)
def test_an_error_that_the_version_does_not_have_means_another_version(
    profile: Profile, code: str
) -> None:
    judgement = judged(profile, code, Step.REQUEST)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"named {code}, an error that SDK {profile.name} does not have" in judgement.headline


def test_it_is_noticed_in_the_benign_phases_too() -> None:
    outcome = refused(ErrorKind.NETWORK, code="Timeout")
    recovery = benign(PhaseName.RECOVERY, outcome=outcome)
    texts = [r.text for r in judge(trial(recovery=recovery, profile="4.1")).reasons]
    assert any("does not have" in text for text in texts)
    texts = [r.text for r in judge(trial(recovery=recovery, profile="6")).reasons]
    assert not any("does not have" in text for text in texts)


@pytest.mark.parametrize("code", ["LockTimeout", "SSLContextSetupFailed", "UnsupportedDevice"])
def test_a_device_that_is_not_fit_for_the_test_proves_nothing(code: str) -> None:
    outcome = refused(ErrorKind.UNKNOWN, code=code)
    assert judge(trial(attack=attack_phase(outcome=outcome), reports=())).verdict is (
        Verdict.INCONCLUSIVE
    )


def test_where_no_report_is_promised_none_is_judged() -> None:
    """SDK 4.1 has no listener: the app may report, may not, and when is its own business."""
    nothing = ReportPromise(frozenset(), "reports.acme.test")
    for reports in ((), (report(),), (report(error="AllPinsExpired", host="other.acme.test"),)):
        judgement = judge(trial(promise=nothing, reports=reports, profile="4.1"))
        assert judgement.verdict is Verdict.PASS, judgement
        told = any("though nothing promises one" in r.text for r in judgement.reasons)
        assert told is bool(reports)
