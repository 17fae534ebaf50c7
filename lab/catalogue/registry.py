"""The decorator that turns a function into a catalogue entry, and the list of all entries."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lab.catalogue.hosts import HOST
from lab.model.attack import (
    Adversary,
    Concern,
    Control,
    Expectation,
    Need,
    Publication,
    Subject,
    Trust,
)
from lab.model.profile import NEWEST, Profile
from lab.model.serving import HostPlan, Serving
from lab.model.wire import TlsVersion
from lab.pki.hierarchy import LabPki

CHAPTERS = (
    "controls",
    "signers",
    "pins",
    "right_key",
    "pin_sets",
    "configuration",
    "names",
    "validity",
    "chains",
    "network",
    "reporting",
)

BOTH_VERSIONS = (TlsVersion.TLS12, TlsVersion.TLS13)

SECTIONS = ("Served", "Correct client", "Why it goes wrong", "On the wire")


@dataclass(frozen=True)
class Ground:
    """What an attack is made from: the run's authorities and the host under attack."""

    pki: LabPki
    host: str
    now: datetime
    """True time, aware, UTC."""


Attack = Callable[[Ground], Serving | HostPlan | Mapping[str, HostPlan]]
"""Returns what happens to the host under attack or, where others are concerned too, to each."""

Expecting = Callable[[Profile], Expectation]
"""Returns what a correct client does whose SDK is of this profile."""

ANCHORS: Mapping[Trust, str | None] = {
    Trust.NONE: None,
    Trust.USER: "user_root",
    Trust.SYSTEM: "compromised_root",
}
"""Which of the run's roots goes into the store, where an entry names no other."""


@dataclass(frozen=True)
class CatalogueEntry:
    """One attack of the catalogue with everything that is known about it."""

    id: str
    """The catalogue's id, such as ``B4``; variants of a row share it."""
    slug: str
    """The function's name: unique in the catalogue."""
    title: str
    serve: Attack
    adversaries: tuple[Adversary, ...]
    expect: Expectation | Expecting
    """What a correct client does; where SDK versions differ in that, by profile."""
    trust: Trust
    control: Control
    concern: Concern
    host: str
    subject: Subject
    must_be_caught: bool
    """The subject is wrong on purpose: the scenario passes when the judge says FAIL."""
    needs: frozenset[Need]
    configuration: str
    """Name of the configuration that the attempt is made under."""
    anchor: str | None
    """Which root of ``LabPki`` is in the store that ``trust`` names; None where none is."""
    fresh_start: bool
    """The app starts from nothing while the attack is in force: it holds no configuration."""
    asks_configuration: bool | None
    """Whether the app must ask for its configuration meanwhile; None where it does not matter."""
    publishes: Publication
    """What the configuration service hands out meanwhile."""
    repeats: int
    """How often the app makes the attempt."""
    probes_reports: bool
    """One more refusal at the end, whose report must arrive: it shows that no other is to come."""
    clock_offset: float
    """Seconds by which the device's clock is moved for the attempt."""
    versions: tuple[TlsVersion, ...]
    """TLS versions to run under, one scenario each; empty where no handshake takes place."""
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def served(self) -> str:
        """What is put in front of the client."""
        return self.sections["Served"]

    @property
    def explanation(self) -> str:
        """Everything that is said of the attack: the function's docstring."""
        return inspect.getdoc(self.serve) or ""

    @property
    def correct(self) -> str:
        """What a correct client does."""
        return self.sections["Correct client"]

    def expectation(self, profile: Profile = NEWEST) -> Expectation:
        """Return what a correct client does whose SDK is of this profile."""
        return self.expect(profile) if callable(self.expect) else self.expect

    def plans(self, ground: Ground) -> dict[str, HostPlan]:
        """Return what happens to the hosts that this attack concerns while it is armed."""
        made = self.serve(ground)
        if isinstance(made, Mapping):
            return dict(made)
        return {ground.host: made if isinstance(made, HostPlan) else HostPlan(made)}


_ENTRIES: dict[str, CatalogueEntry] = {}


def entry(
    id: str,
    title: str,
    *,
    adversaries: Sequence[Adversary],
    expect: Expectation | Expecting,
    trust: Trust = Trust.SYSTEM,
    control: Control = Control.UNPINNED,
    concern: Concern = Concern.PINNING,
    host: str = HOST,
    subject: Subject = Subject.APP,
    must_be_caught: bool = False,
    needs: Sequence[Need] = (),
    configuration: str = "standard",
    anchor: str | None = None,
    fresh_start: bool = False,
    asks_configuration: bool | None = None,
    publishes: Publication = Publication.RIGHT,
    repeats: int = 1,
    probes_reports: bool = False,
    clock_offset: float = 0.0,
    versions: Sequence[TlsVersion] = BOTH_VERSIONS,
) -> Callable[[Attack], Attack]:
    """Register the decorated function as a catalogue entry.

    Raises ValueError at import where the docstring lacks a section or the name is taken: an
    attack that cannot be explained is not in the catalogue.
    """

    def register(serve: Attack) -> Attack:
        slug = getattr(serve, "__name__", "")
        if slug in _ENTRIES:
            raise ValueError(f"two catalogue entries are called {slug}")
        _ENTRIES[slug] = CatalogueEntry(
            id=id,
            slug=slug,
            title=title,
            serve=serve,
            adversaries=tuple(adversaries),
            expect=expect,
            trust=trust,
            control=control,
            concern=concern,
            host=host,
            subject=subject,
            must_be_caught=must_be_caught,
            needs=frozenset(needs),
            configuration=configuration,
            anchor=anchor or ANCHORS[trust],
            fresh_start=fresh_start,
            asks_configuration=asks_configuration,
            publishes=publishes,
            repeats=repeats,
            probes_reports=probes_reports,
            clock_offset=clock_offset,
            versions=tuple(versions),
            sections=_sections(slug, serve),
        )
        return serve

    return register


def _sections(slug: str, serve: Attack) -> dict[str, str]:
    text = inspect.getdoc(serve) or ""
    pattern = re.compile(rf"^({'|'.join(SECTIONS)}):\s*", re.MULTILINE)
    parts = pattern.split(text)[1:]
    found = {
        name: " ".join(body.split()) for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
    missing = [name for name in SECTIONS if not found.get(name)]
    if missing:
        raise ValueError(f"catalogue entry {slug}: its docstring lacks {', '.join(missing)}")
    return found


def entries() -> tuple[CatalogueEntry, ...]:
    """Return every entry, in the order of the chapters."""
    for chapter in CHAPTERS:
        importlib.import_module(f"lab.catalogue.{chapter}")
    return tuple(_ENTRIES.values())
