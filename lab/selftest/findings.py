"""What a self-test found: values, and the conclusions that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.catalogue import CatalogueEntry
from lab.model.verdict import Judgement, Verdict
from lab.mutants import Mutant

REFERENCE = "ReferenceClient"
"""Stands where a mutant's name would: the client that must survive everything."""

INCIDENTAL = frozenset({"promised_report_is_right", "no_false_report"})
"""Rules that look at the failure reports of every refusal: a mutant that reports wrongly dies by
all of them. That says something of an attack only where the mutant names it."""


class Effect(StrEnum):
    """What an attack did to a client."""

    KILLED = "killed"
    """The judge said what it has to say of this mutant, for one of the right reasons."""
    OTHER_REASON = "other_reason"
    """The judge found fault with it, but not for what it gets wrong."""
    SURVIVED = "survived"
    UNDECIDED = "undecided"
    """No verdict could be believed."""
    NOT_APPLICABLE = "not_applicable"
    """The phone of the self-test cannot do what the case needs."""


WORST_FIRST = (
    Effect.SURVIVED,
    Effect.OTHER_REASON,
    Effect.UNDECIDED,
    Effect.NOT_APPLICABLE,
    Effect.KILLED,
)
"""Of several cases of one attack the last of these counts: one that kills is enough, and
where none does, the least certain way not to be caught."""


class Standing(StrEnum):
    """Whether something is as it has to be."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    """Nothing was shown, one way or the other."""
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Tried:
    """One client under one case."""

    client: str
    """The mutant's name, or the reference client's."""
    attack: str
    """Slug of the catalogue entry."""
    case: str
    """Adversary and case, unique in the catalogue."""
    verdict: Verdict
    effect: Effect
    why: str
    """The first of the decisive reasons."""
    rules: tuple[str, ...] = ()
    """The judge's rules that the decisive reasons come from."""
    seconds: float = 0.0
    attempts: int = 1
    """2 where the first one was inconclusive."""


@dataclass(frozen=True, slots=True)
class Named:
    """What became of a mutant under an attack that has to kill it."""

    attack: str
    effect: Effect
    why: str


@dataclass(frozen=True, slots=True)
class MutantFinding:
    """What became of a mutant."""

    name: str
    chapter: str
    flaw: str
    explanation: str
    path: str
    outcome: Verdict
    """What the judge has to say of it."""
    rules: tuple[str, ...]
    """The judge's rules that are the right reason."""
    standing: Standing
    named: tuple[Named, ...]
    also_killed_by: tuple[str, ...]
    """Slugs of other attacks that were seen to kill it."""


@dataclass(frozen=True, slots=True)
class AttackFinding:
    """What an attack did."""

    slug: str
    id: str
    chapter: str
    title: str
    standing: Standing
    kills: tuple[str, ...]
    """Names of the mutants that were seen to die by it for the right reason."""
    tried_on: int
    """How many mutants it was tried on."""
    why: str
    """What there is to say where it is not as it has to be."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a self-test found."""

    mutants: tuple[MutantFinding, ...]
    attacks: tuple[AttackFinding, ...]
    reference: tuple[Tried, ...]
    """Every case that the reference client did not pass."""
    reference_cases: int
    """How many cases the reference client was put under."""
    tried: tuple[Tried, ...]

    @property
    def standing(self) -> Standing:
        """The worst of all: BAD, then OPEN. Nothing tried is OPEN."""
        every = {
            *(mutant.standing for mutant in self.mutants),
            *(attack.standing for attack in self.attacks),
            *(_REFERENCE[tried.effect] for tried in self.reference),
        }
        worst = (Standing.BAD, Standing.OPEN, Standing.GOOD)
        return next((standing for standing in worst if standing in every), Standing.OPEN)


_REFERENCE = {
    Effect.SURVIVED: Standing.GOOD,
    Effect.KILLED: Standing.BAD,
    Effect.OTHER_REASON: Standing.BAD,
    Effect.UNDECIDED: Standing.OPEN,
    Effect.NOT_APPLICABLE: Standing.NOT_APPLICABLE,
}


def decisive_rules(judgement: Judgement) -> tuple[str, ...]:
    """Return the judge's rules that the verdict comes from, each once."""
    decisive = (r.rule for r in judgement.reasons if r.verdict is judgement.verdict)
    return tuple(dict.fromkeys(rule for rule in decisive if rule))


def effect_of(judgement: Judgement, mutant: Mutant | None) -> Effect:
    """Return what the case behind ``judgement`` did to ``mutant``, None for the reference."""
    verdict = judgement.verdict
    if mutant is not None and verdict is mutant.outcome:
        hit = mutant.rules.intersection(decisive_rules(judgement))
        return Effect.KILLED if hit else Effect.OTHER_REASON
    return {
        Verdict.FAIL: Effect.OTHER_REASON,
        Verdict.PASS: Effect.SURVIVED,
        Verdict.INCONCLUSIVE: Effect.UNDECIDED,
        Verdict.NOT_APPLICABLE: Effect.NOT_APPLICABLE,
    }[verdict]


def speaks_for(tried: Tried, mutant: Mutant) -> bool:
    """Tell whether this kill shows that the attack can tell right from wrong."""
    if tried.effect is not Effect.KILLED:
        return False
    return tried.attack in mutant.killed_by or bool(
        mutant.rules.intersection(tried.rules) - INCIDENTAL
    )


def conclude(
    mutants: Sequence[Mutant],
    attacks: Sequence[CatalogueEntry],
    tried: Iterable[Tried],
    *,
    all_mutants: Sequence[Mutant],
    named_only: bool = False,
) -> Findings:
    """Return what follows from everything that was tried.

    ``mutants`` have to die by each attack that they name and that is among ``attacks``;
    ``attacks`` have to kill one of ``all_mutants``. With ``named_only`` not every attack is asked
    for a kill: only some of the mutants were tried.
    """
    tried = tuple(tried)
    by_name = {mutant.name: mutant for mutant in all_mutants}
    slugs = {attack.slug for attack in attacks}
    on_mutants = [t for t in tried if t.client in by_name]
    reference = [t for t in tried if t.client == REFERENCE]
    kills: dict[str, dict[str, None]] = {}
    for t in on_mutants:
        if speaks_for(t, by_name[t.client]):
            kills.setdefault(t.attack, {})[t.client] = None
    return Findings(
        mutants=tuple(_mutant(m, slugs, on_mutants) for m in mutants),
        attacks=tuple(
            _attack(
                attack,
                tuple(kills.get(attack.slug, ())),
                [(t, by_name[t.client]) for t in on_mutants if t.attack == attack.slug],
                [t for t in reference if t.attack == attack.slug],
                asked=not named_only,
            )
            for attack in attacks
        ),
        reference=tuple(t for t in reference if t.effect is not Effect.SURVIVED),
        reference_cases=len(reference),
        tried=tried,
    )


def chapter_of(thing: object) -> str:
    """Return the chapter that a mutant's class or an attack's function stands in."""
    return str(getattr(thing, "__module__", "")).rpartition(".")[2]


def _mutant(mutant: Mutant, slugs: set[str], tried: Iterable[Tried]) -> MutantFinding:
    own = [t for t in tried if t.client == mutant.name]
    named = tuple(_named(slug, slugs, own) for slug in mutant.killed_by)
    also = (t.attack for t in own if t.effect is Effect.KILLED and t.attack not in mutant.killed_by)
    return MutantFinding(
        name=mutant.name,
        chapter=chapter_of(mutant.client),
        flaw=mutant.flaw,
        explanation=mutant.explanation,
        path=mutant.path,
        outcome=mutant.outcome,
        rules=tuple(sorted(mutant.rules)),
        standing=_standing([n.effect for n in named]),
        named=named,
        also_killed_by=tuple(dict.fromkeys(also)),
    )


def _named(slug: str, slugs: set[str], own: Iterable[Tried]) -> Named:
    here = [t for t in own if t.attack == slug]
    if not here:
        known = "it was not tried" if slug in slugs else "no attack on the app is called that"
        effect = Effect.UNDECIDED if slug in slugs else Effect.SURVIVED
        return Named(slug, effect, known)
    best = max(here, key=lambda t: WORST_FIRST.index(t.effect))
    return Named(slug, best.effect, best.why)


def _standing(effects: Sequence[Effect]) -> Standing:
    if any(e in (Effect.SURVIVED, Effect.OTHER_REASON) for e in effects):
        return Standing.BAD
    if any(e is not Effect.KILLED for e in effects):
        return Standing.OPEN
    return Standing.GOOD


def _attack(
    entry: CatalogueEntry,
    kills: tuple[str, ...],
    tried: Sequence[tuple[Tried, Mutant]],
    reference: Sequence[Tried],
    *,
    asked: bool,
) -> AttackFinding:
    undecided = (
        f"{mutant.name}: {t.why}"
        for t, mutant in tried
        if t.effect is Effect.UNDECIDED and entry.slug in mutant.killed_by
    )
    standing, why = Standing.BAD, "It kills no mutant: nothing shows that it would notice."
    if kills:
        standing, why = Standing.GOOD, ""
    elif reference and all(t.effect is Effect.NOT_APPLICABLE for t in reference):
        standing, why = Standing.NOT_APPLICABLE, reference[0].why
    elif not asked:
        standing, why = Standing.NOT_APPLICABLE, "Not every mutant was tried."
    elif not tried:
        standing, why = Standing.OPEN, "It was not tried."
    elif open_question := next(undecided, ""):
        standing, why = Standing.OPEN, open_question
    return AttackFinding(
        slug=entry.slug,
        id=entry.id,
        chapter=chapter_of(entry.serve),
        title=entry.title,
        standing=standing,
        kills=kills,
        tried_on=len({mutant.name for _, mutant in tried}),
        why=why,
    )
