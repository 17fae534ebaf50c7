"""Stories: a stage that goes wrong is the one that is judged, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from lab.devices.settings import VirtualSettings
from lab.judge import judge
from lab.model.attack import Attempt, Expectation, accept, refuse
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import Fact, Phase, PhaseName, Trial
from lab.model.verdict import Verdict
from lab.model.wire import WireClass
from lab.trial.bench import Bench
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from lab.trial.stages import as_expected, asked_by, private_hosts, told
from tests.judge.builders import connection
from tests.trial.conftest import case_of

HOST = "api.acme.test"
PINS = refuse(ErrorKind.PIN)
ACCEPTED = AppOutcome(Answer.ACCEPTED)
MISMATCH = AppOutcome(Answer.REFUSED, frozenset({ErrorKind.PIN}), "PinsMismatch")
UNTRUSTED = AppOutcome(Answer.REFUSED, frozenset({ErrorKind.CHAIN}))
READ = WireClass.INTERCEPTED
CLOSED = WireClass.ESTABLISHED_ZERO_APPDATA


def phase(expected: Expectation, outcome: AppOutcome, *shapes: WireClass) -> Phase:
    seen = tuple(connection(shape) for shape in shapes)
    return Phase(PhaseName.ATTACK, HOST, outcome, seen, expectation=expected)


OPTIONAL = replace(PINS, attempt=Attempt.OPTIONAL)


@pytest.mark.parametrize(
    ("expected", "outcome", "shapes", "right"),
    [
        (accept(), ACCEPTED, [READ], True),
        (accept(), ACCEPTED, [READ, WireClass.TCP_ONLY], True),
        (accept(), ACCEPTED, [READ, CLOSED], False),
        (accept(), ACCEPTED, [WireClass.TCP_ONLY], False),
        (accept(), ACCEPTED, [], False),
        (accept(), MISMATCH, [CLOSED], False),
        (PINS, MISMATCH, [CLOSED], True),
        (PINS, MISMATCH, [READ], False),
        (PINS, UNTRUSTED, [CLOSED], False),
        (PINS, ACCEPTED, [READ], False),
        (PINS, AppOutcome(Answer.SILENT), [CLOSED], False),
        (PINS, MISMATCH, [], False),
        (OPTIONAL, MISMATCH, [], True),
    ],
)
def test_a_stage_is_as_expected_by_the_app_and_by_the_wire(
    expected: Expectation, outcome: AppOutcome, shapes: list[WireClass], right: bool
) -> None:
    assert as_expected(phase(expected, outcome, *shapes), ()) is right


@pytest.mark.parametrize("holds", [True, False, None])
def test_what_was_measured_counts(holds: bool | None) -> None:
    fact = Fact("configuration", holds, "")
    assert as_expected(phase(accept(), ACCEPTED, READ), (fact,)) is (holds is True)


def test_a_stage_is_told_of() -> None:
    fact = told("Both keys published", phase(accept(), ACCEPTED, READ))
    assert (fact.holds, fact.text) == (True, "Both keys published: accepted, as it should be.")


def test_who_asks_is_told_from_the_wire() -> None:
    asking = replace(
        phase(accept(), ACCEPTED), connections=(connection(READ, host="config.acme.test"),)
    )
    assert asked_by(asking)
    foreign = replace(asking.connections[0], foreign=True)
    assert not asked_by(replace(asking, connections=(foreign,)))
    assert not asked_by(phase(accept(), ACCEPTED, READ))


@pytest.mark.parametrize(
    ("slug", "private"),
    [
        ("device_trusted_ca", {"config.acme.test", "reports.acme.test"}),
        ("rogue_source_stale", {"config.acme.test", "reports.acme.test"}),
        ("compromised_source_replays", {"reports.acme.test"}),
        ("source_renewed", {"reports.acme.test"}),
    ],
)
def test_who_has_a_trusted_certificate_of_the_service_may_be_asked(
    slug: str, private: set[str]
) -> None:
    assert private_hosts(case_of(slug).entry) == private


@pytest.fixture(scope="module")
def trial_of(bench: Bench) -> Iterator[Callable[[str, str], Trial]]:
    """Conduct a case with a client; a phone for each client is started once."""
    seats: dict[str, Seat] = {}
    with ExitStack() as stack:

        def conducted(client: str, slug: str) -> Trial:
            if client not in seats:
                number = len(seats)
                settings = VirtualSettings(id=f"story-{number}", platform="virtual", sdk=client)
                device = stack.enter_context(bench.device(settings, index=230 + number))
                seats[client] = Seat(bench, device, lambda png: None)
            return conduct(seats[client], case_of(slug))

        yield conducted


RIGHT = "lab.phone.sdk.client:ReferenceClient"
STUCK = "lab.mutants.rotation:NeverRefreshes"


@pytest.mark.whole
def test_a_story_goes_to_its_end_with_a_client_that_is_right(
    trial_of: Callable[[str, str], Trial],
) -> None:
    trial = trial_of(RIGHT, "whole_rotation")
    assert judge(trial).verdict is Verdict.PASS
    assert trial.attack.outcome.code == "PinsMismatch"
    assert [fact.name for fact in trial.facts] == ["stage"] * 3
    assert len(trial.reports) == 1


@pytest.mark.whole
def test_a_story_ends_with_the_stage_that_goes_wrong(
    trial_of: Callable[[str, str], Trial],
) -> None:
    trial = trial_of(STUCK, "whole_rotation")
    assert judge(trial).verdict is Verdict.FAIL
    assert trial.expectation == accept()
    assert [fact.text for fact in trial.facts] == [
        "Both keys published, old one in use: accepted, as it should be."
    ]
    assert trial.recovery.outcome.answer is Answer.ACCEPTED


@pytest.mark.whole
def test_the_clock_is_put_back_and_the_next_case_is_none_the_worse(
    trial_of: Callable[[str, str], Trial],
) -> None:
    assert judge(trial_of(RIGHT, "managed_renewals")).verdict is Verdict.PASS
    assert judge(trial_of(RIGHT, "good_chain")).verdict is Verdict.PASS


@pytest.mark.whole
def test_a_launch_keeps_what_was_stored(trial_of: Callable[[str, str], Trial]) -> None:
    trial = trial_of(RIGHT, "launched_again_without_source")
    assert judge(trial).verdict is Verdict.PASS
    # With nothing stored this would have to be refused.
    assert asked_by(trial.attack)
    assert trial.attack.outcome.answer is Answer.ACCEPTED
