"""Rules about what the client did, once it is certain that the trial can be believed."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import describe, failed, named, own, passed
from lab.model.outcome import DOCUMENTED_ERRORS, Answer
from lab.model.trial import Trial
from lab.model.verdict import Reason, Witness
from lab.model.wire import WireClass


def answer_is_right(trial: Trial) -> Iterator[Reason]:
    """The app accepted what it must accept and refused what it must refuse."""
    outcome = trial.attack.outcome
    if outcome.answer is trial.expectation.answer:
        said = f": {outcome.message}" if outcome.message else ""
        yield passed(Witness.APP, f"The app {outcome.answer} the request{said}.")
    elif trial.expectation.answer is Answer.ACCEPTED:
        yield failed(
            Witness.APP,
            f"The app refused a connection that it must accept ({outcome.message or 'no reason'}): "
            "its users would be locked out.",
        )
    else:
        yield failed(Witness.APP, "The app accepted a connection that it must refuse.")


def wire_is_right(trial: Trial) -> Iterator[Reason]:
    """Every connection to the host took a shape that a correct client's can have."""
    shapes = dict.fromkeys((c.wire_class, describe(c)) for c in own(trial.attack, trial.host))
    for wire_class, text in shapes:
        if wire_class in trial.expectation.wire:
            yield passed(Witness.WIRE, f"On the wire: {text}.")
        elif wire_class is not WireClass.TCP_ONLY:
            # A spare connection without a ClientHello shows neither acceptance nor refusal.
            yield failed(Witness.WIRE, f"On the wire: {text}; a correct client does not do that.")


def error_is_right(trial: Trial) -> Iterator[Reason]:
    """The refusal was for the right reason: one defect was served, that one must be named."""
    outcome = trial.attack.outcome
    expected = trial.expectation.kinds
    if trial.expectation.answer is not Answer.REFUSED or outcome.answer is not Answer.REFUSED:
        return
    if trial.expectation.is_right_reason(outcome):
        if outcome.code:
            yield passed(Witness.APP, f"It gave the right kind of error ({outcome.code}).")
    else:
        yield failed(
            Witness.APP,
            f"The app refused for the wrong reason: it says {named(outcome.kinds)}, due is "
            f"{named(expected)}. The defect that was served may not have been noticed at all.",
        )


def told_as_documented(trial: Trial) -> Iterator[Reason]:
    """The refusal came at the step, and by the name, that the documents of the SDK lay down.

    Of an app that gives no documented name, or another reason altogether, this says nothing.
    """
    phase, expected = trial.attack, trial.expectation
    code = phase.outcome.code
    if phase.outcome.answer is not Answer.REFUSED or code not in DOCUMENTED_ERRORS:
        return
    if not expected.told or not expected.is_right_reason(phase.outcome):
        return
    ways = [t for t in expected.told if t.step is phase.step]
    if any(code in way.codes for way in ways):
        yield from (passed(Witness.APP, way.note) for way in ways if way.note)
        return
    due = "; ".join(f"{_names(way.codes)} at the {way.step}" for way in expected.told)
    yield failed(
        Witness.APP,
        f"The app said {code} at the {phase.step}. That is not what SDK {trial.profile} is "
        f"documented to do: due is {due}.",
    )


def facts_hold(trial: Trial) -> Iterator[Reason]:
    """What the scenario measured itself is as it should be."""
    for fact in trial.facts:
        yield (passed if fact.holds else failed)(Witness.LAB, fact.text)


def _names(codes: frozenset[str]) -> str:
    return " or ".join(sorted(codes))
