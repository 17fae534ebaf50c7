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
from lab.devices.owner import Owner
from lab.evidence.record import ScenarioResult
from lab.evidence.words import what_to_look_at, why
from lab.judge import judge, verdict_of
from lab.model.device import DeviceFacts, DeviceLost, NotReady
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from lab.pytest_plugin.options import Options
from lab.trial.case import Case
from lab.trial.conductor import conduct
from lab.trial.seat import KeepCapture, KeepCertificate, KeepPicture, Seat

if TYPE_CHECKING:
    from lab.trial.bench import Bench

DEVICES_PER_WORKER = 50
"""Source addresses that each worker process has for its devices."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario came to, and on which device."""

    result: ScenarioResult
    facts: DeviceFacts | None
    lost: bool = False
    """The device was lost in this very try: it is not tried again before it was asked back."""
    given_up: str = ""
    """Why the run goes on without the device, where it does."""
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
    """The devices of this process, each started when it is first needed.

    A device that was lost is asked back once, when it is next needed. Where it stays lost, the
    rest of the run goes without it: what became of it is for its owner to find out.
    """

    def __init__(
        self,
        bench: Bench,
        options: Options,
        keep_picture: KeepPicture,
        owner: Owner,
        keep_capture: KeepCapture | None = None,
        keep_certificate: KeepCertificate | None = None,
    ) -> None:
        self._bench = bench
        self.options = options
        self._keep_picture = keep_picture
        self._keep_capture = keep_capture
        self._keep_certificate = keep_certificate
        self._owner = owner
        self._stack = contextlib.ExitStack()
        self._seats: dict[str, Seat] = {}
        self._lost: dict[str, str] = {}
        self._given_up: dict[str, str] = {}

    def seat(self, device_id: str) -> Seat:
        """Return the device's seat. Raises DeviceLost, NotReady, OSError."""
        if device_id in self._given_up:
            raise DeviceLost(self._given_up[device_id])
        how = self._lost.pop(device_id, None)
        if how is not None:
            self._bring_back(device_id, how)
        if device_id not in self._seats:
            index = self.options.worker * DEVICES_PER_WORKER + len(self._seats)
            settings = self.options.device(device_id)
            device = self._stack.enter_context(self._bench.device(settings, index, self._owner))
            self._seats[device_id] = Seat(
                self._bench,
                device,
                self._keep_picture,
                keep_capture=self._keep_capture,
                keep_certificate=self._keep_certificate,
            )
        return self._seats[device_id]

    def lose(self, device_id: str, how: str) -> None:
        """Take note that the device is gone."""
        if device_id in self._seats:
            self._lost[device_id] = how
            self._seats[device_id].forget()
        else:
            # It never was there: nothing is known that could be asked back.
            self._given_up.setdefault(device_id, how)

    def given_up(self, device_id: str) -> str:
        """Say why the run goes on without the device; empty where it does not."""
        return self._given_up.get(device_id, "")

    def forget(self, device_id: str) -> None:
        """Assume nothing about the state of a device that was not ready for a scenario."""
        if device_id in self._seats:
            self._seats[device_id].forget()

    def _bring_back(self, device_id: str, how: str) -> None:
        try:
            self._seats[device_id].device.recover()
        except DeviceLost as error:
            text = f"{device_id} was lost earlier in this run: {how}; it did not come back: {error}"
            self._given_up[device_id] = text
            raise DeviceLost(text) from None

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
        earlier: list[str] = []
        while (
            outcome.result.verdict is Verdict.INCONCLUSIVE
            and not outcome.lost
            and len(earlier) < self._seats.options.retries
        ):
            earlier.append(why(outcome.result))
            outcome = self._try(attack)
        counted = replace(outcome.result, attempts=len(earlier) + 1, earlier=tuple(earlier))
        outcome = replace(outcome, result=counted)
        self._keep(outcome)
        return outcome

    def _try(self, attack: Case) -> Outcome:
        started = time.monotonic()
        trial: Trial | None = None
        lost = False
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
            lost = True
            self._seats.lose(self._device_id, str(error))
            judgement = _lab_says(Verdict.INCONCLUSIVE, f"The device was lost: {error}")
        except NotReady as error:
            judgement = _lab_says(Verdict.INCONCLUSIVE, f"The device was not ready: {error}")
        except Exception as error:
            # Recorded before it goes on its way as the test's own error, with its traceback.
            text = f"The lab itself failed: {type(error).__name__}: {error}"
            judgement = _lab_says(Verdict.INCONCLUSIVE, text)
            outcome = self._outcome(attack, judgement, None, started, lost=False)
            self._keep(replace(outcome, crashed=True))
            raise
        if judgement.verdict is Verdict.INCONCLUSIVE:
            # Whatever it was, the next try starts from nothing.
            self._seats.forget(self._device_id)
        return self._outcome(attack, judgement, trial, started, lost=lost)

    def _outcome(
        self, attack: Case, judgement: Judgement, trial: Trial | None, started: float, *, lost: bool
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
            slug=entry.slug,
            must_be_caught=entry.must_be_caught,
        )
        given_up = self._seats.given_up(self._device_id)
        return Outcome(result, self._seats.facts(self._device_id), lost, given_up)


def _lab_says(verdict: Verdict, text: str) -> Judgement:
    return Judgement(verdict, (Reason(verdict, Witness.LAB, text),))
