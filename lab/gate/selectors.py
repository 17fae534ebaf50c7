"""Which scenarios and which devices a policy means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.core import core
from lab.catalogue.registry import entries
from lab.evidence.record import ScenarioResult
from lab.model.attack import Adversary
from lab.trial.case import cases

ALL, CORE = "all", "core"

_WILD = frozenset("*?[")
_ADVERSARIES = frozenset(map(str, Adversary))


@dataclass(frozen=True, slots=True, order=True)
class Scenario:
    """What makes a scenario the same one in two runs."""

    device: str
    """The device's id."""
    slug: str
    """The catalogue's name of the attack."""
    adversary: str
    variant: str
    """The TLS version; empty where there is none."""
    case: str = field(compare=False)
    """The catalogue's id, such as ``B4``: an attack may be moved to another row."""


def scenario_of(result: ScenarioResult) -> Scenario:
    """Return which scenario ``result`` is of."""
    name = result.slug or result.case
    return Scenario(result.device, name, result.adversary, result.variant, result.case)


@dataclass(frozen=True, slots=True)
class AttackSelector:
    """Attacks by a word: ``all``, ``core``, an adversary, a chapter (its letter or its name), a
    row's id, an attack's name, or a pattern of ids or names."""

    word: str

    def matches(self, scenario: Scenario) -> bool:
        """Tell whether the scenario's attack is meant."""
        word = self.word
        if word == ALL:
            return True
        if word == CORE:
            return scenario.slug in core()
        if word in _ADVERSARIES:
            return scenario.adversary == word
        if word in _letters():
            return scenario.case[:1] == word
        return (
            fnmatchcase(scenario.slug, word)
            or fnmatchcase(scenario.case, word)
            or _chapters().get(scenario.slug) == word
        )


@dataclass(frozen=True, slots=True)
class DeviceTraits:
    """What a run knows of a device, as far as a policy looks at it."""

    id: str
    platform: str = ""
    """As devices.yaml calls it: ``android``, ``command``, ``virtual``…"""
    pool: str = ""
    """The pool that devices.yaml puts it in; empty for none."""
    systems: frozenset[str] = frozenset()
    """What it runs, as it says, such as ``Android 15 (API level 35)``: one operating system, unless
    it was updated between two runs; none where nobody knows."""
    builds: frozenset[str] = frozenset()
    """SHA-256 of what stands for the app, lower-case hex: of one build, unless it was exchanged
    meanwhile; none where nobody knows."""


@dataclass(frozen=True, slots=True)
class DeviceSelector:
    """Devices by id, by a pattern of ids, by platform or by pool; one of the three is given."""

    id: str = ""
    platform: str = ""
    pool: str = ""

    @property
    def names_one(self) -> bool:
        """Whether one certain device is meant, so that it can be missing."""
        return bool(self.id) and not _WILD & set(self.id)

    def matches(self, device: DeviceTraits) -> bool:
        """Tell whether ``device`` is meant."""
        if self.platform:
            return device.platform == self.platform
        if self.pool:
            return device.pool == self.pool
        return fnmatchcase(device.id, self.id)

    def __str__(self) -> str:
        if self.platform:
            return f"of platform {self.platform}"
        return f"in pool {self.pool}" if self.pool else self.id


def together(traits: Iterable[DeviceTraits]) -> dict[str, DeviceTraits]:
    """Return each device by its id, with what several runs know of it."""
    found: dict[str, DeviceTraits] = {}
    for new in traits:
        old = found.get(new.id, new)
        found[new.id] = DeviceTraits(
            new.id,
            old.platform or new.platform,
            old.pool or new.pool,
            old.systems | new.systems,
            old.builds | new.builds,
        )
    return found


def one_matches(selectors: Iterable[DeviceSelector], device: DeviceTraits) -> bool:
    """Tell whether one of ``selectors`` means ``device``."""
    return any(selector.matches(device) for selector in selectors)


def any_matches(selectors: Iterable[AttackSelector], scenario: Scenario) -> bool:
    """Tell whether one of ``selectors`` means the scenario's attack."""
    return any(selector.matches(scenario) for selector in selectors)


def catalogued(attacks: tuple[AttackSelector, ...], device: str) -> Iterator[Scenario]:
    """Yield every scenario that the catalogue has of ``attacks`` for a device."""
    yield from (replace(scenario, device=device) for scenario in _catalogued(attacks))


@cache
def _catalogued(attacks: tuple[AttackSelector, ...]) -> tuple[Scenario, ...]:
    every = (
        Scenario("", case.entry.slug, str(case.adversary), str(case.version or ""), case.entry.id)
        for case in cases()
    )
    return tuple(scenario for scenario in every if any_matches(attacks, scenario))


def known_words() -> frozenset[str]:
    """Return every word but patterns that an attack selector may be."""
    found = entries()
    names = {name for entry in found for name in (entry.id, entry.slug, _chapter(entry))}
    return frozenset({ALL, CORE, *Adversary, *_letters(), *names})


def names_an_attack(word: str) -> bool:
    """Tell whether the catalogue has an attack that ``word`` stands for."""
    if word in known_words():
        return True
    return bool(_WILD & set(word)) and any(
        fnmatchcase(name, word) for entry in entries() for name in (entry.id, entry.slug)
    )


def _chapter(entry: CatalogueEntry) -> str:
    return entry.serve.__module__.rpartition(".")[2]


@cache
def _chapters() -> Mapping[str, str]:
    return {entry.slug: _chapter(entry) for entry in entries()}


@cache
def _letters() -> frozenset[str]:
    return frozenset(entry.id[:1] for entry in entries())
