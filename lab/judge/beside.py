"""Rules about what the app was asked for beside the host under attack, and about figures."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import failed, forbidden, leaked, named, own, passed, unsure
from lab.model.outcome import Answer
from lab.model.trial import Measurement, Trial
from lab.model.verdict import Reason, Verdict, Witness


def to_hosts_beside(trial: Trial) -> Iterator[Reason]:
    """No application byte of a request beside that must fail, either."""
    for side in trial.beside:
        for connection in own(trial.attack, side.host):
            if connection.wire_class in forbidden(side.expectation):
                yield failed(
                    Witness.WIRE, f"For {side.host} the adversary read {leaked(connection)}."
                )


def beside_was_tried(trial: Trial) -> Iterator[Reason]:
    """The app answered for each host beside, and was seen to try it."""
    for side in trial.beside:
        if side.outcome.answer is Answer.SILENT:
            said = side.outcome.message or "silent"
            yield unsure(Witness.APP, f"The app did not say how {side.host} ended: {said}")
        elif not own(trial.attack, side.host):
            yield unsure(
                Witness.WIRE,
                f"No connection to {side.host} was seen during the attack: silence is no pass.",
            )


def beside_is_right(trial: Trial) -> Iterator[Reason]:
    """Each host beside was accepted or refused as it must be, and for the right reason."""
    for side in trial.beside:
        outcome, expected = side.outcome, side.expectation
        if outcome.answer is not expected.answer:
            said = f" ({outcome.message})" if outcome.message else ""
            yield failed(
                Witness.APP, f"{side.host} was {outcome.answer}{said}, due is {expected.answer}."
            )
        elif expected.answer is Answer.REFUSED and not expected.is_right_reason(outcome):
            due, said = named(expected.kinds), named(outcome.kinds)
            yield failed(
                Witness.APP,
                f"{side.host} was refused for the wrong reason: the app says {said}, due is {due}.",
            )
        else:
            yield passed(Witness.APP, f"{side.host} was {outcome.answer}, as it must be.")


def figures(trial: Trial) -> Iterator[Reason]:
    """What was measured. It is told and decides nothing: a slow machine is no defect of the app."""
    for taken in trial.measurements:
        yield Reason(
            Verdict.PASS,
            Witness.LAB,
            figure_in_words(taken),
            finding=taken.is_within is not True,
        )


def figure_in_words(taken: Measurement) -> str:
    """Say a figure with its spread, its budget, and who saw it."""
    if taken.median is None:
        return f"{taken.name}: not measured ({taken.source})."
    spread = f"{_ms(min(taken.seconds))} to {_ms(max(taken.seconds))}"
    times = len(taken.seconds)
    outside = "" if taken.is_within else " FINDING: that is outside the budget."
    return (
        f"{taken.name}: {_ms(taken.median)} ms in the median ({spread} ms, {times} times, seen by "
        f"{taken.source}); the budget is {_ms(taken.budget)} ms.{outside}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g}"
