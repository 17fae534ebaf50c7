"""Mutants, attacks and results that exist nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.catalogue import CatalogueEntry, entries
from lab.model.attack import accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from lab.mutants import Mutant
from lab.phone.sdk.client import ReferenceClient
from lab.selftest.findings import REFERENCE, Effect, Findings, Tried, conclude

LEAK = "to_the_host"
REPORT = "promised_report_is_right"


def mutant(
    name: str,
    *killed_by: str,
    rules: Sequence[str] = (LEAK,),
    outcome: Verdict = Verdict.FAIL,
) -> Mutant:
    client = type(name, (ReferenceClient,), {"__doc__": f"Who wrote {name}?"})
    return Mutant(client, f"the flaw of {name}", killed_by, frozenset(rules), outcome)


def attack(slug: str, id: str = "X1", *, refusal: bool = True) -> CatalogueEntry:
    expect = refuse(ErrorKind.PIN) if refusal else accept()
    some = entries()[0]
    return replace(some, slug=slug, id=id, title=f"The attack {slug}", expect=expect)


def tried(
    client: str,
    slug: str,
    effect: Effect = Effect.KILLED,
    *,
    rules: Sequence[str] = (LEAK,),
    why: str = "because",
) -> Tried:
    verdict = {
        Effect.KILLED: Verdict.FAIL,
        Effect.OTHER_REASON: Verdict.FAIL,
        Effect.SURVIVED: Verdict.PASS,
        Effect.UNDECIDED: Verdict.INCONCLUSIVE,
        Effect.NOT_APPLICABLE: Verdict.NOT_APPLICABLE,
    }[effect]
    return Tried(client, slug, f"rogue_ca {slug}", verdict, effect, why, tuple(rules))


def survived(*slugs: str) -> list[Tried]:
    """Return what the reference client comes to where all is well."""
    return [tried(REFERENCE, slug, Effect.SURVIVED) for slug in slugs]


def judgement(verdict: Verdict, *rules: str) -> Judgement:
    told = (Reason(verdict, Witness.WIRE, f"says {rule}", rule) for rule in rules)
    return Judgement(verdict, (*told, Reason(Verdict.PASS, Witness.APP, "well done", "other")))


def found(
    mutants: Sequence[Mutant], attacks: Sequence[CatalogueEntry], results: Sequence[Tried]
) -> Findings:
    return conclude(mutants, attacks, results, all_mutants=mutants)
