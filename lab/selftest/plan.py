"""Which client is put under which attack, and in what order: a pure plan, nothing is carried out.

First every mutant meets the attacks that it names, and the reference client meets all. Then each
attack that has not killed yet is tried on one mutant after the other, the likeliest first, until
one dies. In a full run every mutant meets every attack.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.catalogue import CatalogueEntry
from lab.model.outcome import Answer
from lab.mutants import Mutant
from lab.mutants.trust import TrustAll
from lab.selftest.findings import INCIDENTAL, REFERENCE, Tried, chapter_of, speaks_for

AT_ONCE = 12
"""Attacks that are handed out at once: few enough to keep every process busy to the end, enough
for the change of client to cost little."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A client, and the attacks that it is to be put under."""

    client: str
    attacks: tuple[str, ...]
    every_case: bool = False
    """Try all cases of an attack; otherwise until one kills."""
    patient: bool = False
    """Try again, once, what was inconclusive."""


class Plan:
    """Hands out errands and takes in what came of them.

    ``mutants`` have to die, ``attacks`` have to kill one of ``all_mutants`` where ``cover`` says
    so. The order of errands depends on what was seen so far, their outcome does not.
    """

    def __init__(
        self,
        mutants: Sequence[Mutant],
        attacks: Sequence[CatalogueEntry],
        *,
        all_mutants: Sequence[Mutant],
        cover: bool = True,
        full: bool = False,
    ) -> None:
        self._mutants = {mutant.name: mutant for mutant in all_mutants}
        self._attacks = {attack.slug: attack for attack in attacks}
        self._waiting = deque(_first(mutants, tuple(self._attacks), full=full))
        self._busy: Counter[str] = Counter()
        """How many errands that concern an attack are under way."""
        self._killing: set[str] = set()
        self._tried: set[tuple[str, str]] = set()
        """Mutants' names and attacks' slugs."""
        self._cover = cover
        self._left: dict[str, deque[str]] = {}
        """For each attack the mutants that it has not been tried on, once that is asked."""

    @property
    def open(self) -> int:
        """How many attacks are known to be still to be tried on some client."""
        handed_out = sum(self._busy.values())
        return handed_out + sum(len(errand.attacks) for errand in self._waiting)

    def next(self) -> Errand | None:
        """Return what is to be done next. None where nothing is, or nothing before something
        that is under way has ended."""
        errand = self._waiting.popleft() if self._waiting else self._covering()
        if errand is not None:
            self._busy.update(errand.attacks)
        return errand

    def take(self, tried: Tried) -> None:
        """Take in one result."""
        mutant = self._mutants.get(tried.client)
        if mutant is None:
            return
        self._tried.add((tried.client, tried.attack))
        if speaks_for(tried, mutant):
            self._killing.add(tried.attack)

    def done(self, errand: Errand) -> None:
        """Take note that an errand has ended, however that was."""
        self._busy.subtract(errand.attacks)
        self._tried.update((errand.client, slug) for slug in errand.attacks)

    def _covering(self) -> Errand | None:
        """Return an errand for attacks that have killed nobody yet."""
        if not self._cover:
            return None
        wanting: dict[str, list[str]] = {}
        for slug in self._attacks:
            if slug not in self._killing and not self._busy[slug]:
                candidates = self._candidates(slug)
                if candidates:
                    wanting.setdefault(candidates[0], []).append(slug)
        if not wanting:
            return None
        client = max(wanting, key=lambda name: len(wanting[name]))
        return Errand(client, tuple(wanting[client][:AT_ONCE]))

    def _candidates(self, slug: str) -> deque[str]:
        """Return the mutants that an attack has not been tried on, the likeliest first."""
        if slug not in self._left:
            able = [m for m in self._mutants.values() if m.rules - INCIDENTAL]
            ranked = sorted(able, key=lambda m: self._unlikeliness(m, self._attacks[slug]))
            self._left[slug] = deque(mutant.name for mutant in ranked)
        left = self._left[slug]
        while left and (left[0], slug) in self._tried:
            left.popleft()
        return left

    def _unlikeliness(self, mutant: Mutant, attack: CatalogueEntry) -> tuple[bool, bool, bool]:
        """Return what mutants are sorted by, the likeliest to die first: one that dies of
        another variant of this row; the one that accepts all, where a refusal is due; one that
        dies of an attack of this chapter."""
        kin = [self._attacks[slug] for slug in mutant.killed_by if slug in self._attacks]
        accepts_all = mutant.client is TrustAll
        refusal = attack.expectation().answer is Answer.REFUSED
        same_row = any(each.id == attack.id for each in kin)
        same_chapter = any(chapter_of(each.serve) == chapter_of(attack.serve) for each in kin)
        return (not (accepts_all and refusal), not same_row, not same_chapter)


def _first(mutants: Sequence[Mutant], attacks: tuple[str, ...], *, full: bool) -> Iterator[Errand]:
    """Yield what has to be tried whatever comes of it."""
    for mutant in mutants:
        named = tuple(slug for slug in mutant.killed_by if slug in attacks)
        if named:
            yield Errand(mutant.name, named, patient=True)
    for some in _portions(attacks):
        yield Errand(REFERENCE, some, every_case=True, patient=True)
    if full:
        for mutant in mutants:
            others = tuple(slug for slug in attacks if slug not in mutant.killed_by)
            for some in _portions(others):
                yield Errand(mutant.name, some)


def _portions(attacks: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(attacks), AT_ONCE):
        yield attacks[start : start + AT_ONCE]
