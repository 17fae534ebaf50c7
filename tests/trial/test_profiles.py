"""Each version's client is right by its own documents, and told from the others by theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab.devices.settings import VirtualSettings
from lab.model.device import Device
from lab.model.profile import PROFILES, SDK_4_0, SDK_4_1, SDK_6, Profile
from lab.model.verdict import Judgement, Verdict
from lab.trial import reports
from lab.trial.bench import Bench
from lab.trial.seat import Seat
from tests.trial.conftest import case_of, judged

pytestmark = pytest.mark.whole

CLIENTS = {
    SDK_4_0: "lab.phone.sdk.client:ReferenceClient40",
    SDK_4_1: "lab.phone.sdk.client:ReferenceClient41",
    SDK_6: "lab.phone.sdk.client:ReferenceClient",
}
WRONG = "tests.trial.clients:"

TELLING = (
    "service_down_cold_genuine",
    "service_down_cold_trusted_ca",
    "forged_configuration_cold",
    "forged_configuration_stale",
    "older_configuration_replayed",
    "device_trusted_ca",
    "mismatch_is_reported",
)
"""The cases in which versions differ, and some in which they must not."""

Try = Callable[[str, Profile, str], Judgement | str]


@pytest.fixture(autouse=True)
def _impatient() -> None:
    """Reports that are owed are sent here, however busy the machine is."""


@pytest.fixture(scope="module")
def phones(bench: Bench) -> Iterator[Callable[[str], Device]]:
    """Start a phone with the client ``sdk``, once."""
    started: dict[str, Device] = {}
    with ExitStack() as stack:

        def start(sdk: str) -> Device:
            if sdk not in started:
                number = len(started)
                settings = VirtualSettings(id=f"profile-{number}", platform="virtual", sdk=sdk)
                started[sdk] = stack.enter_context(bench.device(settings, index=220 + number))
            return started[sdk]

        yield start


@pytest.fixture
def attempt(bench: Bench, phones: Callable[[str], Device]) -> Try:
    """Judge a client by a profile: a judgement, or the words in which it is not applicable."""

    def attempt(sdk: str, profile: Profile, slug: str) -> Judgement | str:
        device, case = phones(sdk), case_of(slug)
        unmet = case.unmet(device, profile)
        return unmet or judged(Seat(bench, device, lambda png: None, profile), case)

    return attempt


@pytest.mark.parametrize("slug", TELLING)
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_client_is_right_by_its_own_profile(attempt: Try, profile: Profile, slug: str) -> None:
    came_to = attempt(CLIENTS[profile], profile, slug)
    if isinstance(came_to, str):
        assert profile is not SDK_6
        assert slug in ("older_configuration_replayed", "mismatch_is_reported")
    else:
        assert came_to.verdict is Verdict.PASS, came_to
        assert not any("awaitConfiguration" in r.text for r in came_to.reasons)


def words_of(judgement: Judgement | str, verdict: Verdict) -> str:
    """Return every reason that calls for ``verdict``, which must be the judgement's."""
    assert isinstance(judgement, Judgement)
    assert judgement.verdict is verdict, judgement
    return "\n".join(r.text for r in judgement.reasons if r.verdict is verdict)


COLD = ("service_down_cold_genuine", "service_down_cold_trusted_ca", "forged_configuration_cold")


@pytest.mark.parametrize("slug", COLD)
def test_a_client_that_fetches_in_the_background_is_not_4_1(attempt: Try, slug: str) -> None:
    told = words_of(attempt(CLIENTS[SDK_6], SDK_4_1, slug), Verdict.FAIL)
    assert "at the request. That is not what SDK 4.1 is documented to do" in told


@pytest.mark.parametrize("slug", COLD)
def test_a_client_that_fetches_at_its_setup_is_told_of_under_6(attempt: Try, slug: str) -> None:
    """No FAIL: an app for SDK 6 may wait for its configuration at the same place."""
    told = words_of(attempt(CLIENTS[SDK_4_1], SDK_6, slug), Verdict.PASS)
    assert "told at the set-up already" in told


def test_a_client_that_takes_older_configurations_fails_under_6(attempt: Try) -> None:
    told = words_of(attempt(CLIENTS[SDK_4_1], SDK_6, "older_configuration_replayed"), Verdict.FAIL)
    assert "The adversary read" in told


def test_a_client_without_a_listener_fails_under_6(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "REPORT_CAP", 0.1)
    told = words_of(attempt(CLIENTS[SDK_4_1], SDK_6, "device_trusted_ca"), Verdict.FAIL)
    assert "No failure report" in told


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("older_configuration_replayed", "mention no protection against replay"),
        ("mismatch_is_reported", "leave reporting to the app"),
    ],
)
def test_what_4_1_does_not_promise_is_not_asked_of_it(attempt: Try, slug: str, why: str) -> None:
    came_to = attempt(CLIENTS[SDK_6], SDK_4_1, slug)
    assert isinstance(came_to, str)
    assert came_to.startswith("SDK 4.1: ")
    assert why in came_to


def test_a_report_that_nobody_promised_is_no_failure(attempt: Try) -> None:
    words_of(attempt(CLIENTS[SDK_6], SDK_4_1, "device_trusted_ca"), Verdict.PASS)


def test_an_error_that_the_version_does_not_have_proves_nothing(attempt: Try) -> None:
    slug = "service_down_cold_trusted_ca"
    told = words_of(attempt(f"{WRONG}NamesANewerError", SDK_4_1, slug), Verdict.INCONCLUSIVE)
    assert "ConfigIntegrityError, an error that SDK 4.1 does not have" in told


@pytest.mark.parametrize("slug", ["forged_configuration_cold", "forged_configuration_stale"])
def test_a_client_that_believes_any_signer_fails(attempt: Try, slug: str) -> None:
    told = words_of(attempt(f"{WRONG}BelievesAnySigner", SDK_6, slug), Verdict.FAIL)
    assert "The adversary read" in told


def test_a_client_that_remembers_no_version_fails(attempt: Try) -> None:
    slug = "older_configuration_replayed"
    told = words_of(attempt(f"{WRONG}TakesAnyVersion", SDK_6, slug), Verdict.FAIL)
    assert "The adversary read" in told
