"""The decorator that turns a function into a catalogue entry, and the list of all entries."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from lab.catalogue.hosts import HOST, PORT
from lab.catalogue.stage import Launch, Stage
from lab.model.attack import (
    Adversary,
    CollectorFault,
    Concern,
    Control,
    Expectation,
    Figure,
    Need,
    ReportsDue,
    Subject,
    Trust,
)
from lab.model.profile import NEWEST, Profile
from lab.model.publication import RIGHT, Publication
from lab.model.serving import HostPlan, Serving
from lab.model.wire import TlsVersion
from lab.pki.hierarchy import LabPki

CHAPTERS = (
    "controls",
    "signers",
    "pins",
    "pin_kinds",
    "ca_pins",
    "right_key",
    "pin_sets",
    "pin_forms",
    "scope",
    "configuration",
    "signatures",
    "malformed",
    "delivery",
    "carriers",
    "caching",
    "rotation",
    "renewals",
    "names",
    "wildcards",
    "name_constraints",
    "validity",
    "chains",
    "intermediates",
    "certificates",
    "algorithms",
    "keys",
    "protocol",
    "handshakes",
    "negotiation",
    "rough_links",
    "sessions",
    "connections",
    "network",
    "portals",
    "slow_networks",
    "ways_around",
    "neighbours",
    "reporting",
    "collector",
    "collector_faults",
    "reports",
    "promises",
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
    launch: Launch
    """Whether the app is launched while the attack is in force, and what it holds then."""
    before: tuple[Stage, ...]
    """What happens before, stage by stage; the entry itself is the last one."""
    asks_configuration: bool | None
    """Whether the app must ask for its configuration meanwhile; None where it does not matter."""
    publishes: str | None
    """Name of the configuration that the app's owner publishes just before the attempt; None where
    the owner publishes nothing new."""
    hands_out: Publication
    """What the app is handed when it asks for its configuration meanwhile."""
    repeats: int
    """How often the app makes the attempt."""
    probes_reports: bool
    """One more refusal at the end, whose report must arrive: it shows that no other is to come."""
    clock_offset: float
    """Seconds by which the device's clock is moved for the attempt."""
    address: str
    """What the app's URL says in the host's place: the host itself, or another way to write it,
    with a port or without."""
    versions: tuple[TlsVersion, ...]
    """TLS versions to run under, one scenario each; empty where no handshake takes place."""
    collector: CollectorFault = CollectorFault.NONE
    """What is wrong with the collector until the app has come upon it."""
    reports_due: ReportsDue = ReportsDue.EACH
    beside: Mapping[str, Expectation] = field(default_factory=dict)
    """Other hosts that the app asks for, too, under the same attack."""
    beside_first: bool = False
    """Whether it asks for them before the host under attack, else afterwards."""
    relaunches: bool = False
    """The app is ended after the attack and launched again, with what it has stored, before the
    collector is in order and the benign request is made."""
    carries_secrets: bool = False
    """The app holds marked secrets, which must not turn up in any report."""
    measures: tuple[Figure, ...] = ()
    """Figures that are taken before the attempt."""
    tickets: bool = False
    """Whether the benign responder lets its TLS sessions be resumed."""
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port that the app's URL leads to."""
        return urlsplit(f"//{self.address}").port or PORT

    @property
    def fresh_start(self) -> bool:
        """Whether the app starts from nothing while the attack is in force."""
        return self.launch is Launch.AFRESH

    @property
    def usual(self) -> str:
        """Name of the configuration that the benign requests are made under."""
        return "standard" if self.fresh_start else self.configuration

    @property
    def ages(self) -> bool:
        """Whether it matters how old the configuration is that the app holds at the beginning."""
        return self.asks_configuration is not None and not self.stages[0].fresh_start

    @property
    def changes_pins(self) -> bool:
        """Whether the app may hold another configuration afterwards than before."""
        return self.launch is not Launch.RUNS_ON or bool(self.before) or self.publishes is not None

    @property
    def stages(self) -> tuple[CatalogueEntry, ...]:
        """The whole story, each stage as if it were the attack; the entry itself is the last."""
        return (*(self._at(stage) for stage in self.before), self)

    def _at(self, stage: Stage) -> CatalogueEntry:
        return replace(
            self,
            title=stage.title,
            serve=stage.serve,
            expect=stage.expect,
            configuration=stage.publishes or self.configuration,
            publishes=stage.publishes,
            hands_out=stage.hands_out,
            clock_offset=stage.clock_offset,
            launch=stage.launch,
            asks_configuration=stage.asks_configuration,
            before=(),
            repeats=1,
        )

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
    launch: Launch = Launch.RUNS_ON,
    before: Sequence[Stage] = (),
    asks_configuration: bool | None = None,
    publishes: str | None = None,
    hands_out: Publication = RIGHT,
    repeats: int = 1,
    probes_reports: bool = False,
    clock_offset: float = 0.0,
    address: str | None = None,
    versions: Sequence[TlsVersion] = BOTH_VERSIONS,
    collector: CollectorFault = CollectorFault.NONE,
    reports_due: ReportsDue = ReportsDue.EACH,
    beside: Mapping[str, Expectation] | None = None,
    beside_first: bool = False,
    relaunches: bool = False,
    carries_secrets: bool = False,
    measures: Sequence[Figure] = (),
    tickets: bool = False,
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
            launch=Launch.AFRESH if fresh_start else launch,
            before=tuple(before),
            asks_configuration=asks_configuration,
            publishes=publishes,
            hands_out=hands_out,
            repeats=repeats,
            probes_reports=probes_reports,
            clock_offset=clock_offset,
            address=address or host,
            versions=tuple(versions),
            collector=collector,
            reports_due=reports_due,
            beside=dict(beside or {}),
            beside_first=beside_first,
            relaunches=relaunches,
            carries_secrets=carries_secrets,
            measures=tuple(measures),
            tickets=tickets,
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
    order = {f"lab.catalogue.{chapter}": at for at, chapter in enumerate(CHAPTERS)}
    # One may have been imported before, by its name.
    return tuple(sorted(_ENTRIES.values(), key=lambda one: order[one.serve.__module__]))
