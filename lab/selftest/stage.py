"""A bench with one phone, whose app is built on whichever client is wanted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from lab.devices.settings import VirtualSettings
from lab.judge import judge
from lab.model.attack import Subject
from lab.model.device import Device, DeviceLost, NotReady
from lab.model.profile import NEWEST
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from lab.mutants import Mutant
from lab.phone.sdk.client import ReferenceClient
from lab.selftest import stand_in
from lab.selftest.findings import Effect, Tried, decisive_rules, effect_of
from lab.selftest.plan import Errand
from lab.trial.bench import Bench
from lab.trial.case import Case, cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat

Judging = Callable[[Case, Trial], Judgement]

REFERENCE_PATH = f"{ReferenceClient.__module__}:{ReferenceClient.__qualname__}"
DEVICES_PER_WORKER = 50
"""Source addresses that each worker process has for its devices."""


def attacks_on_the_app() -> dict[str, list[Case]]:
    """Return the cases of each attack whose subject is the app, by the attack's slug."""
    found: dict[str, list[Case]] = {}
    for case in cases():
        if case.entry.subject is Subject.APP:
            found.setdefault(case.entry.slug, []).append(case)
    return found


def by_the_judge(case: Case, trial: Trial) -> Judgement:
    """Return the judge's verdict."""
    return judge(trial)


class Stage:
    """Carries out errands. Use as a context manager."""

    def __init__(
        self,
        directory: Path,
        mutants: Mapping[str, Mutant],
        attacks: Mapping[str, Sequence[Case]],
        *,
        worker: int = 0,
        judging: Judging = by_the_judge,
    ) -> None:
        self._mutants = mutants
        self._attacks = attacks
        # The kernel's networks, where this machine can have them: some attacks take them.
        self._bench = Bench(directory, None)
        self._index = worker * DEVICES_PER_WORKER
        self._judging = judging
        self._stack = contextlib.ExitStack()
        self._phone = contextlib.ExitStack()
        self._device: Device | None = None
        self._seated: tuple[str, Seat] | None = None

    def __enter__(self) -> Self:
        self._stack.enter_context(self._bench)
        self._stack.callback(self._let_go)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def perform(self, errand: Errand) -> Iterator[Tried]:
        """Put the client under the attacks, and yield what came of each case."""
        for slug in errand.attacks:
            for case in self._attacks[slug]:
                tried = self._tried(errand.client, case, 2 if errand.patient else 1)
                yield tried
                if tried.effect is Effect.KILLED and not errand.every_case:
                    break

    def _tried(self, client: str, case: Case, attempts: int) -> Tried:
        started = time.monotonic()
        mutant = self._mutants.get(client)
        made = 0
        effect = Effect.UNDECIDED
        while effect is Effect.UNDECIDED and made < attempts:
            judgement = self._judged(client, mutant, case)
            effect = effect_of(judgement, mutant)
            made += 1
        return Tried(
            client=client,
            attack=case.entry.slug,
            case=f"{case.adversary} {case.id}",
            verdict=judgement.verdict,
            effect=effect,
            why=judgement.headline,
            rules=decisive_rules(judgement),
            seconds=time.monotonic() - started,
            attempts=made,
        )

    def _judged(self, client: str, mutant: Mutant | None, case: Case) -> Judgement:
        try:
            seat = self._seat(client, mutant)
            unmet = case.unmet(seat.device, seat.profile)
            if unmet is not None:
                return _lab_says(Verdict.NOT_APPLICABLE, unmet)
            judgement = self._judging(case, conduct(seat, case))
        except DeviceLost as error:
            self._let_go()
            return _lab_says(Verdict.INCONCLUSIVE, f"The phone was lost: {error}")
        except NotReady as error:
            self._seated = None
            return _lab_says(Verdict.INCONCLUSIVE, f"The phone was not ready: {error}")
        except Exception as error:  # noqa: BLE001 - one broken case must not hide all others
            self._seated = None
            text = f"The lab itself failed: {type(error).__name__}: {error}"
            return _lab_says(Verdict.INCONCLUSIVE, text)
        if judgement.verdict is Verdict.INCONCLUSIVE:
            # Whatever it was, the next try starts from nothing.
            self._seated = None
        return judgement

    def _seat(self, client: str, mutant: Mutant | None) -> Seat:
        """Return the seat of the phone with this client in its app. Raises DeviceLost, NotReady,
        OSError."""
        if self._seated is not None and self._seated[0] == client:
            return self._seated[1]
        path, profile = REFERENCE_PATH, NEWEST
        if mutant is not None:
            path, profile = mutant.path, mutant.client.profile
        stand_in.choose(self._bench.directory, path)
        # A new seat knows nothing of the app: it sets it up from nothing.
        seat = Seat(self._bench, self._started(), lambda _: None, profile)
        self._seated = client, seat
        return seat

    def _started(self) -> Device:
        if self._device is None:
            settings = VirtualSettings(id="phone", platform="virtual", sdk=stand_in.PATH)
            self._device = self._phone.enter_context(self._bench.device(settings, self._index))
        return self._device

    def _let_go(self) -> None:
        self._device = self._seated = None
        self._phone.close()


def _lab_says(verdict: Verdict, text: str) -> Judgement:
    return Judgement(verdict, (Reason(verdict, Witness.LAB, text),))
