"""The decorator that turns a wrong client into a mutant, and the list of all mutants."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.model.verdict import Verdict
from lab.phone.sdk.client import ReferenceClient

CHAPTERS = (
    "trust",
    "memory",
    "names",
    "many_names",
    "dates",
    "chains",
    "issuers",
    "constraints",
    "algorithms",
    "pins",
    "pin_sets",
    "forms",
    "scope",
    "keys",
    "sessions",
    "protocol",
    "negotiation",
    "configuration",
    "unpinned",
    "malformed",
    "rotation",
    "caching",
    "reports",
    "collector",
    "promises",
    "transport",
    "fallback",
    "network",
    "slow_networks",
    "ways_around",
)
"""Modules of this room, each with the mutants of one kind of mistake."""


@dataclass(frozen=True)
class Mutant:
    """A client that is wrong in one known way, and what it must die of."""

    client: type[ReferenceClient]
    flaw: str
    """What is wrong with it, in a few words: ``any certificate of the served chain matches``."""
    killed_by: tuple[str, ...]
    """Slugs of catalogue entries that are made for this flaw: each of them alone must kill it.
    Others may kill it, too."""
    rules: frozenset[str]
    """Names of the judge's rules that give the right reason: at least one of the decisive reasons
    of each entry of ``killed_by`` comes from one of these."""
    outcome: Verdict = Verdict.FAIL
    """What the judge must say of it. INCONCLUSIVE for a client whose flaw takes the proof away
    rather than the protection: of that no verdict may speak well."""

    @property
    def name(self) -> str:
        """The class's name: unique among the mutants."""
        return self.client.__name__

    @property
    def path(self) -> str:
        """What devices.yaml names it by: ``package.module:Class``."""
        return f"{self.client.__module__}:{self.client.__qualname__}"

    @property
    def explanation(self) -> str:
        """The class's docstring: who got it wrong like this, and what comes of it."""
        return inspect.getdoc(self.client) or ""


_MUTANTS: dict[str, Mutant] = {}
_Client = TypeVar("_Client", bound=type[ReferenceClient])

LEAK = ("to_the_host",)
"""The rules of a mutant that is intercepted."""
LOCKED_OUT = ("answer_is_right",)
"""The rules of a mutant that refuses what it must accept."""
FACTS = ("facts_hold",)
"""The rules of a mutant that is caught by what the adversary noted of its connections."""


def mutant(
    flaw: str,
    *,
    killed_by: Sequence[str],
    rules: Sequence[str] = LEAK,
    outcome: Verdict = Verdict.FAIL,
) -> Callable[[_Client], _Client]:
    """Register the decorated class as a mutant.

    Raises ValueError at import where the name is taken, no killer is named or the class says
    nothing about itself: a mutant that nothing is known to kill proves nothing.
    """

    def register(client: _Client) -> _Client:
        name = client.__name__
        if name in _MUTANTS:
            raise ValueError(f"two mutants are called {name}")
        if not killed_by or not rules:
            raise ValueError(f"mutant {name}: nothing is said to kill it")
        if not client.__doc__:
            raise ValueError(f"mutant {name}: its docstring is missing")
        _MUTANTS[name] = Mutant(client, flaw, tuple(killed_by), frozenset(rules), outcome)
        return client

    return register


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant, in the order of the chapters."""
    for chapter in CHAPTERS:
        importlib.import_module(f"lab.mutants.{chapter}")
    order = {f"lab.mutants.{chapter}": at for at, chapter in enumerate(CHAPTERS)}
    # One may have been imported before, by its name.
    return tuple(sorted(_MUTANTS.values(), key=lambda one: order[one.client.__module__]))
