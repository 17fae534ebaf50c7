"""The decorator that turns a function into a catalogue entry, and the list of all entries."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.ground import Attack, Expecting
from lab.catalogue.hosts import HOST
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
from lab.model.publication import RIGHT, Publication
from lab.model.wire import TlsVersion

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

ANCHORS: Mapping[Trust, str | None] = {
    Trust.NONE: None,
    Trust.USER: "user_root",
    Trust.SYSTEM: "compromised_root",
}
"""Which of the run's roots goes into the store, where an entry names no other."""


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
