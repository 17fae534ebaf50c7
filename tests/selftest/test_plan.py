"""What is tried on whom, whatever comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from lab.catalogue import CatalogueEntry
from lab.mutants import Mutant
from lab.mutants.registry import Mutant as Registered
from lab.mutants.trust import TrustAll
from lab.selftest.findings import REFERENCE, Effect
from lab.selftest.plan import AT_ONCE, Errand, Plan
from tests.selftest.builders import REPORT, attack, mutant, tried

MUTANTS = [
    mutant("M0", "a0", "a1"),
    mutant("M1", "a1"),
    mutant("M2", "a9", "gone"),
    mutant("M3", "a3", rules=["answer_is_right"]),
    mutant("Silent", "a4", rules=[REPORT]),
]
ATTACKS = [attack(f"a{n}", f"X{n // 3}") for n in range(20)]
PAIRS = [(m.name, a.slug) for m in MUTANTS for a in ATTACKS]


def carried_out(
    plan: Plan, kills: set[tuple[str, str]], order: Iterator[bool] | None = None
) -> list[Errand]:
    """Carry ``plan`` out with two at work; ``order`` says which of them ends first."""
    done: list[Errand] = []
    busy: list[Errand] = []
    while True:
        while len(busy) < 2 and (errand := plan.next()) is not None:
            busy.append(errand)
        if not busy:
            return done
        errand = busy.pop(next(order, False) if order is not None and len(busy) > 1 else 0)
        for slug in errand.attacks:
            killed = (errand.client, slug) in kills
            plan.take(tried(errand.client, slug, Effect.KILLED if killed else Effect.SURVIVED))
        plan.done(errand)
        done.append(errand)


def pairs(done: list[Errand]) -> Counter[tuple[str, str]]:
    return Counter((errand.client, slug) for errand in done for slug in errand.attacks)


@given(
    st.sets(st.sampled_from(PAIRS), max_size=60),
    st.lists(st.booleans(), max_size=60),
    st.booleans(),
)
def test_whatever_kills_all_that_is_due_is_tried_once(
    kills: set[tuple[str, str]], order: list[bool], full: bool
) -> None:
    done = carried_out(Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS, full=full), kills, iter(order))
    made = pairs(done)
    assert set(made.values()) <= {1}
    slugs = {a.slug for a in ATTACKS}
    for each in MUTANTS:
        assert {(each.name, slug) for slug in each.killed_by if slug in slugs} <= made.keys()
    assert {(REFERENCE, slug) for slug in slugs} <= made.keys()
    able = [m for m in MUTANTS if m.name != "Silent"]
    for slug in slugs:
        killers = {m.name for m in MUTANTS if (m.name, slug) in kills & made.keys()}
        if killers <= {"Silent"} and not (killers and slug == "a4"):
            # Nothing short of all of them shows that it kills nobody.
            assert {(m.name, slug) for m in able} <= made.keys(), slug
    if full:
        assert {(m.name, slug) for m in MUTANTS for slug in slugs} <= made.keys()


def test_an_attack_that_has_killed_is_not_tried_any_further() -> None:
    kills = {(m.name, slug) for m in MUTANTS for slug in m.killed_by}
    made = pairs(carried_out(Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS), kills))
    assert {name for name, slug in made if slug == "a3"} == {"M3", REFERENCE}


def test_what_a_mutant_names_comes_first_and_patiently() -> None:
    plan = Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS)
    first = [plan.next() for _ in MUTANTS]
    assert [e.client for e in first if e is not None] == [m.name for m in MUTANTS]
    assert first[0] == Errand("M0", ("a0", "a1"), patient=True)
    assert first[2] == Errand("M2", ("a9",), patient=True)
    reference = plan.next()
    assert reference is not None
    assert (reference.client, reference.every_case) == (REFERENCE, True)
    assert len(reference.attacks) == AT_ONCE


def _all_survive(mutants: list[Mutant], attacks: list[CatalogueEntry], slug: str) -> list[str]:
    done = carried_out(Plan(mutants, attacks, all_mutants=mutants), set())
    covering = [e for e in done if e.client != REFERENCE and not e.patient]
    return [e.client for e in covering if slug in e.attacks]


def test_the_likeliest_mutants_are_tried_first() -> None:
    trusting = Registered(TrustAll, "all", ("a0",), frozenset({"to_the_host"}))
    mutants = [*MUTANTS[:2], mutant("Kin", "a6"), trusting]
    attacks = [*ATTACKS[:9], attack("ok", "X2", refusal=False)]
    # a7 is in the row of a6.
    assert _all_survive(mutants, attacks, "a7")[:2] == ["TrustAll", "Kin"]
    assert _all_survive(mutants, attacks, "ok")[0] == "Kin"
    assert _all_survive(mutants, attacks, "ok")[-1] == "TrustAll"


def test_without_cover_nothing_is_tried_beyond_what_is_named() -> None:
    done = carried_out(Plan(MUTANTS[:1], ATTACKS[:2], all_mutants=MUTANTS, cover=False), set())
    assert set(pairs(done)) == {("M0", "a0"), ("M0", "a1"), (REFERENCE, "a0"), (REFERENCE, "a1")}


def test_how_much_is_open_is_known() -> None:
    plan = Plan(MUTANTS[:1], ATTACKS[:2], all_mutants=MUTANTS[:1])
    assert plan.open == 4
    errand = plan.next()
    assert errand is not None
    assert plan.open == 4
    plan.done(errand)
    assert plan.open == 2


def test_errands_of_which_nothing_is_heard_come_to_an_end() -> None:
    plan = Plan(MUTANTS, ATTACKS, all_mutants=MUTANTS)
    done: list[Errand] = []
    while (errand := plan.next()) is not None:
        plan.done(errand)
        done.append(errand)
        assert len(done) <= len(PAIRS) + len(ATTACKS)
    assert set(pairs(done).values()) == {1}
