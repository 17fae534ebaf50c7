"""Hosts and attacks against devices: the table that terminal and HTML report have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lab.evidence.mapping import by_slug
from lab.evidence.record import ScenarioResult
from lab.evidence.tally import worst
from lab.model.attack import Adversary
from lab.model.verdict import Verdict

TLS_VERSION = re.compile(r"tls1\.[0-9]")

ADVERSARIES = {
    Adversary.ROGUE_CA.value: "Rogue CA",
    Adversary.COMPROMISED_CA.value: "Compromised CA",
    Adversary.ROGUE_WIFI.value: "Rogue Wi-Fi",
    "none": "No adversary",
}


def adversary_name(value: str) -> str:
    """Return an adversary as a reader knows it."""
    return ADVERSARIES.get(value, value)


def host_of(result: ScenarioResult) -> str:
    """Return the host that is attacked, also where the attack was not carried out; empty where
    nobody can tell."""
    if result.trial is not None:
        return result.trial.host
    entry = by_slug().get(result.slug)
    return entry.host if entry is not None else ""


def split_variant(variant: str) -> tuple[str, str]:
    """Return the TLS version of a variant (empty where it has none), and the rest of it."""
    parts = [part.strip() for part in variant.split(",") if part.strip()]
    version = next((part for part in parts if TLS_VERSION.fullmatch(part)), "")
    return version, ", ".join(part for part in parts if part != version)


def tls_name(version: str) -> str:
    """Return ``TLS 1.3`` for ``tls1.3``; anything else as it is."""
    return f"TLS {version[3:]}" if TLS_VERSION.fullmatch(version) else version


@dataclass(frozen=True, slots=True)
class Column:
    """One device under one TLS version."""

    device: str
    version: str
    """Empty for scenarios in which no handshake takes place."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The results of one row for one column; ``span`` columns wide."""

    results: tuple[ScenarioResult, ...]
    span: int = 1

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict in this cell, None where nothing belongs here."""
        return worst([r.verdict for r in self.results]) if self.results else None


@dataclass(frozen=True, slots=True)
class Row:
    """One attack."""

    case: str
    title: str
    variant: str
    cells: tuple[Cell, ...]

    @property
    def host(self) -> str:
        """The host that is attacked; empty where none is known."""
        results = (result for cell in self.cells for result in cell.results)
        return next((host for host in map(host_of, results) if host), "")


@dataclass(frozen=True, slots=True)
class Group:
    """The attacks of one adversary."""

    adversary: str
    rows: tuple[Row, ...]

    @property
    def by_host(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """The rows of each host, the host with the most rows first."""
        hosts: dict[str, list[Row]] = {}
        for row in self.rows:
            hosts.setdefault(row.host, []).append(row)
        ordered = sorted(hosts.items(), key=lambda item: (-len(item[1]), item[0]))
        return tuple((host, tuple(rows)) for host, rows in ordered)


@dataclass(frozen=True, slots=True)
class Matrix:
    """All results, each in its place."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]

    @property
    def devices(self) -> tuple[tuple[str, int], ...]:
        """Each device with its number of columns, in order."""
        names = dict.fromkeys(column.device for column in self.columns)
        return tuple((n, sum(c.device == n for c in self.columns)) for n in names)


def natural(case: str) -> tuple[str, int, str]:
    """Return a key that sorts case ids as a reader counts: C2 before C10."""
    found = re.match(r"([^0-9]*)([0-9]{1,9})(.*)", case)
    return (found[1], int(found[2]), found[3]) if found else (case, 0, "")


def make_matrix(results: Iterable[ScenarioResult]) -> Matrix:
    """Arrange ``results``: rows by adversary and case, columns by device and TLS version.

    Devices and titles keep the order in which they come. A row without TLS versions fills all
    columns of its device.
    """
    found: dict[tuple[str, str, str, str], dict[Column, list[ScenarioResult]]] = {}
    versions: dict[str, set[str]] = {}
    for result in results:
        version, rest = split_variant(result.variant)
        row = (result.adversary, result.case, result.title, rest)
        column = Column(result.device, version)
        found.setdefault(row, {}).setdefault(column, []).append(result)
        versions.setdefault(result.device, set()).add(version)
    shown = {device: _shown(seen) for device, seen in versions.items()}
    known = [*ADVERSARIES, *sorted({row[0] for row in found} - ADVERSARIES.keys())]
    groups = (
        Group(
            adversary,
            tuple(
                Row(case, title, rest, _cells(found[adversary, case, title, rest], shown))
                for _, case, title, rest in sorted(
                    (row for row in found if row[0] == adversary), key=lambda row: natural(row[1])
                )
            ),
        )
        for adversary in known
    )
    columns = tuple(Column(device, version) for device in shown for version in shown[device])
    return Matrix(columns, tuple(group for group in groups if group.rows))


def _shown(versions: set[str]) -> tuple[str, ...]:
    return tuple(sorted(versions - {""})) or ("",)


def _cells(
    found: dict[Column, list[ScenarioResult]], shown: dict[str, tuple[str, ...]]
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for device, versions in shown.items():
        without = tuple(found.get(Column(device, ""), ()))
        by_version = [tuple(found.get(Column(device, v), ())) for v in versions if v]
        if without and not any(by_version):
            cells.append(Cell(without, len(versions)))
        elif by_version:
            # A result without a version beside others with one belongs to all of them.
            cells.extend(Cell(results + without) for results in by_version)
        else:
            cells.append(Cell(without))
    return tuple(cells)
