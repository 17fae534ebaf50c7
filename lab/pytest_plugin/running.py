"""Runs one scenario: from a case and a device to a result with its verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

import pytest

from lab.devices.command import NoUsablePin
from lab.evidence.record import ScenarioResult
from lab.evidence.words import what_to_look_at, why
from lab.judge import judge
from lab.model.device import DeviceFacts, DeviceLost
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from lab.pytest_plugin.options import Options
from lab.trial.case import Case
from lab.trial.conductor import conduct
from lab.trial.seat import KeepPicture, Seat

if TYPE_CHECKING:
    from lab.trial.bench import Bench

DEVICES_PER_WORKER = 50
"""Source addresses that each worker process has for its devices."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario came to, and on which device."""

    result: ScenarioResult
    facts: DeviceFacts | None
    lost: str = ""
    """How it showed that the device is gone, where it is."""
    crashed: bool = False
    """The lab itself failed: the test ends with that error, whatever the verdict says."""

    def must_hold(self) -> None:
        """End the test as the verdict says: passed, failed or skipped."""
        result = self.result
        match result.verdict:
            case Verdict.PASS:
                return
            case Verdict.NOT_APPLICABLE:
                pytest.skip(result.reasons.headline)
            case Verdict.FAIL | Verdict.INCONCLUSIVE:
                _fail(result)


def _fail(result: ScenarioResult) -> NoReturn:
    marks = {Verdict.FAIL: "-", Verdict.INCONCLUSIVE: "?", Verdict.PASS: "+"}
    reasons = [f"  {marks.get(r.verdict, ' ')} {r.text}" for r in result.reasons.reasons]
    told = [f"{result.verdict}: {why(result)}", *reasons, f"  {what_to_look_at(result)}"]
    pytest.fail("\n".join(told), pytrace=False)


class Seats:
    """The devices of this process, each started when it is first needed. A device that was
    lost is not started again: what became of it is for its owner to find out."""

    def __init__(self, bench: Bench, options: Options, keep_picture: KeepPicture) -> None:
        self._bench = bench
        self.options = options
        self._keep_picture = keep_picture
        self._stack = contextlib.ExitStack()
        self._seats: dict[str, Seat] = {}
        self._lost: dict[str, str] = {}

    def seat(self, device_id: str) -> Seat:
        """Return the device's seat. Raises DeviceLost, OSError."""
        if device_id in self._lost:
            raise DeviceLost(f"{device_id} was lost earlier in this run: {self._lost[device_id]}")
        if device_id not in self._seats:
            index = self.options.worker * DEVICES_PER_WORKER + len(self._seats)
            settings = self.options.device(device_id)
            device = self._stack.enter_context(self._bench.device(settings, index))
            self._seats[device_id] = Seat(self._bench, device, self._keep_picture)
        return self._seats[device_id]

    def lose(self, device_id: str, how: str) -> None:
        """Give the device up."""
        self._lost.setdefault(device_id, how)

    def facts(self, device_id: str) -> DeviceFacts | None:
        """Return what is known of a device that was started."""
        seat = self._seats.get(device_id)
        if seat is None:
            return None
        try:
            return seat.device.facts
        except DeviceLost:
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stack.close()


class App:
    """The app under test, on its device."""

    def __init__(
        self, device_id: str, node: str, seats: Seats, keep: Callable[[Outcome], None]
    ) -> None:
        self._device_id = device_id
        self._node = node
        self._seats = seats
        self._keep = keep

    def under(self, attack: Case) -> Outcome:
        """Put the app under ``attack`` and return what it came to.

        An inconclusive trial is tried again as often as the options allow, a FAIL never.
        """
        outcome = self._try(attack)
        attempts = 1
        while (
            outcome.result.verdict is Verdict.INCONCLUSIVE
            and not outcome.lost
            and attempts <= self._seats.options.retries
        ):
            outcome = self._try(attack)
            attempts += 1
        outcome = replace(outcome, result=replace(outcome.result, attempts=attempts))
        self._keep(outcome)
        return outcome

    def _try(self, attack: Case) -> Outcome:
        started = time.monotonic()
        trial: Trial | None = None
        lost = ""
        try:
            seat = self._seats.seat(self._device_id)
            unmet = attack.unmet(seat.device)
            if unmet is not None:
                judgement = _lab_says(Verdict.NOT_APPLICABLE, unmet)
            else:
                trial = conduct(seat, attack)
                judgement = judge(trial)
        except NoUsablePin as error:
            judgement = _lab_says(Verdict.NOT_APPLICABLE, str(error))
        except DeviceLost as error:
            lost = str(error)
            self._seats.lose(self._device_id, lost)
            judgement = _lab_says(Verdict.INCONCLUSIVE, f"The device was lost: {lost}")
        except Exception as error:
            # Recorded before it goes on its way as the test's own error, with its traceback.
            text = f"The lab itself failed: {type(error).__name__}: {error}"
            judgement = _lab_says(Verdict.INCONCLUSIVE, text)
            outcome = self._outcome(attack, judgement, None, started, "")
            self._keep(replace(outcome, crashed=True))
            raise
        return self._outcome(attack, judgement, trial, started, lost)

    def _outcome(
        self, attack: Case, judgement: Judgement, trial: Trial | None, started: float, lost: str
    ) -> Outcome:
        entry = attack.entry
        picture = None if trial is None else trial.attack.outcome.screenshot
        result = ScenarioResult(
            node=self._node,
            case=entry.id,
            title=entry.title,
            variant=str(attack.version or ""),
            adversary=str(attack.adversary),
            device=self._device_id,
            verdict=verdict_of(judgement, must_be_caught=entry.must_be_caught),
            reasons=judgement,
            trial=trial,
            served=entry.served,
            correct=entry.correct,
            explain=entry.explanation,
            seconds=time.monotonic() - started,
            attempts=1,
            screenshots=() if picture is None else (("attack", picture),),
            subject=entry.subject,
        )
        return Outcome(result, self._seats.facts(self._device_id), lost)


def verdict_of(judgement: Judgement, *, must_be_caught: bool) -> Verdict:
    """Return the scenario's verdict: of a client that is wrong on purpose the judge must say
    FAIL, and nothing else will do."""
    if must_be_caught:
        swapped = {Verdict.FAIL: Verdict.PASS, Verdict.PASS: Verdict.FAIL}
        return swapped.get(judgement.verdict, judgement.verdict)
    return judgement.verdict


def _lab_says(verdict: Verdict, text: str) -> Judgement:
    return Judgement(verdict, (Reason(verdict, Witness.LAB, text),))
