"""Real mutants under real attacks, and what the self-test says where an attack has gone deaf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.model.attack import Adversary
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Verdict
from lab.mutants import mutants
from lab.selftest.findings import REFERENCE, Effect, Standing, Tried, conclude, effect_of
from lab.selftest.plan import Errand, Plan
from lab.selftest.stage import Judging, Stage, attacks_on_the_app, by_the_judge
from lab.trial.case import Case
from tests.killing import moments_of
from tests.selftest.builders import survived

pytestmark = pytest.mark.whole

DEAFENED = 10


FAILS = {Standing.BAD, Standing.OPEN}
"""With either of them the self-test does not pass."""


def deaf(case: Case, trial: Trial) -> Judgement:
    """Judge as if nothing were asked of the client: what it does is never held against it."""
    judgement = by_the_judge(case, trial)
    kept = tuple(r for r in judgement.reasons if r.verdict is not Verdict.FAIL)
    verdict = Verdict.PASS if judgement.verdict is Verdict.FAIL else judgement.verdict
    return Judgement(verdict, kept)


class Judges:
    """Who judges on the stage just now; its phone is started only once."""

    def __init__(self) -> None:
        self.now: Judging = by_the_judge

    def __call__(self, case: Case, trial: Trial) -> Judgement:
        return self.now(case, trial)


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges()


@pytest.fixture(scope="module")
def stage(judges: Judges, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    by_name = {mutant.name: mutant for mutant in mutants()}
    folder = tmp_path_factory.mktemp("stage")
    with Stage(folder, by_name, attacks_on_the_app(), judging=judges) as made:
        yield made


@pytest.fixture(autouse=True)
def _the_judge_comes_back(judges: Judges) -> None:
    judges.now = by_the_judge


def test_an_attack_without_its_assertion_is_found_out(stage: Stage, judges: Judges) -> None:
    """Ten attacks at random: each kills its mutant as long as it asks something of it, and the
    self-test fails for each one that does not."""
    every = mutants()
    cases = attacks_on_the_app()
    named = {
        slug: m for m in every if m.outcome is Verdict.FAIL for slug in m.killed_by if slug in cases
    }
    # On the proxy's route alone: each change of route takes longer than an attack.
    slugs = sorted(s for s in named if cases[s][0].adversary is not Adversary.ROGUE_WIFI)
    chosen = moments_of("deafened attacks").sample(slugs, DEAFENED)
    alive: dict[str, Effect] = {}

    def both(case: Case, trial: Trial) -> Judgement:
        """Keep what the judge says, and go on with what a deaf one says."""
        slug = case.entry.slug
        seen = effect_of(by_the_judge(case, trial), named[slug])
        if alive.get(slug) is not Effect.KILLED:
            alive[slug] = seen
        return deaf(case, trial)

    judges.now = both
    results = {slug: list(stage.perform(Errand(named[slug].name, (slug,)))) for slug in chosen}
    assert alive == dict.fromkeys(chosen, Effect.KILLED)
    for slug in chosen:
        mutant = replace(named[slug], killed_by=(slug,))
        entry = cases[slug][0].entry
        found = conclude([mutant], [entry], [*results[slug], *survived(slug)], all_mutants=[mutant])
        # A mutant that fails every second request leaves some cases undecided: that fails, too.
        assert found.standing in FAILS, slug
        assert found.mutants[0].standing in FAILS, slug
        assert found.attacks[0].standing in FAILS, slug


def test_one_phone_has_one_client_after_the_other(stage: Stage) -> None:
    results: list[Tried] = []
    for client in ("TrustAll", REFERENCE, "TrustAll"):
        results += stage.perform(Errand(client, ("device_trusted_ca",)))
    told = [(t.client, t.effect) for t in results]
    assert told[0] == ("TrustAll", Effect.KILLED)
    assert told[-1] == ("TrustAll", Effect.KILLED)
    assert set(told[1:-1]) == {(REFERENCE, Effect.SURVIVED)}
    assert len(told[1:-1]) > 1
    assert results[0].rules[0] == "to_the_host"


def test_a_broken_case_is_told_and_hides_no_other(stage: Stage, judges: Judges) -> None:
    def broken(case: Case, trial: Trial) -> Judgement:
        if case.entry.slug == "untrusted_ca":
            raise ZeroDivisionError("once more")
        return by_the_judge(case, trial)

    judges.now = broken
    slugs = ("untrusted_ca", "device_trusted_ca")
    first, *_, last = stage.perform(Errand("TrustAll", slugs))
    assert (first.attack, first.effect, first.attempts) == ("untrusted_ca", Effect.UNDECIDED, 1)
    assert "The lab itself failed: ZeroDivisionError: once more" in first.why
    assert (last.attack, last.effect) == ("device_trusted_ca", Effect.KILLED)


def test_what_is_inconclusive_is_tried_once_more(stage: Stage, judges: Judges) -> None:
    told = iter([Verdict.INCONCLUSIVE, Verdict.PASS])
    judges.now = lambda case, trial: Judgement(next(told), ())
    first = next(iter(stage.perform(Errand(REFERENCE, ("device_trusted_ca",), patient=True))))
    assert (first.effect, first.attempts) == (Effect.SURVIVED, 2)


def test_the_plan_of_the_whole_asks_for_all() -> None:
    every = mutants()
    entries = [cases[0].entry for cases in attacks_on_the_app().values()]
    plan = Plan(every, entries, all_mutants=every)
    assert plan.open == sum(len(m.killed_by) for m in every) + len(entries)
