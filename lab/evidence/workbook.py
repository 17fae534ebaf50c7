"""The MAS checklist as a spreadsheet (XLSX): the same bytes for the same run.

Entries of the archive are stored, not compressed: what a compression gives depends on the version
of zlib.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from lab.evidence.assessed import Assessed, Read, assess, context_of
from lab.evidence.checklist import checklist
from lab.evidence.evaluating import LIMITS
from lab.evidence.mapping import mas_data
from lab.evidence.matrix import adversary_name
from lab.evidence.plain import finite, plain, utc, zulu
from lab.evidence.run import RunReport
from lab.evidence.tally import details, headline, overall, tally
from lab.evidence.taxonomies import controls
from lab.evidence.text import clipped
from lab.evidence.words import why

CHECKLIST_SHEET, SCENARIOS_SHEET, ABOUT_SHEET = "MAS Checklist", "Scenarios", "About"
HEADER_ROW = 7
"""Where OWASP's own checklist has its header, below the versions in row 5."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: the earliest that a ZIP archive can tell (APPNOTE 4.4.6)."""
LONGEST_CELL = 4_000
"""Characters; XLSX takes 32,767."""
FORMULA = ("=", "+", "-", "@", "\t")
"""How a text begins that a spreadsheet calculates where a hand types it in."""

CHECKLIST_COLUMNS = (
    ("MASVS-ID", 20), ("Platform", 10), ("MASTG test", 18), ("Description", 60), ("L1", 5),
    ("L2", 5), ("R", 5), ("P", 5), ("Device", 16), ("Status", 12), ("Relation", 14),
    ("Comment", 90),
)  # fmt: skip
SCENARIO_COLUMNS = (
    ("No.", 6), ("Case", 7), ("Name", 30), ("Title", 44), ("Variant", 16), ("Adversary", 17),
    ("Device", 14), ("Verdict", 16), ("Why", 80), ("Attempts", 9), ("Seconds", 9), ("MASVS", 24),
    ("MASTG", 28), ("Relation", 14), ("MASWE", 46), ("CWE", 16), ("ADA MASA", 20), ("Evidence", 34),
)  # fmt: skip

Value = str | int | float


def render(report: RunReport, read: Read) -> bytes:
    """Return the file: checklist, all scenarios, and what they rest on."""
    # Here, because most uses of the lab write none.
    from xlsxwriter import Workbook

    told = assess(report, read)
    written = io.BytesIO()
    book = Workbook(written, {"in_memory": True})
    at = utc(report.info.started_at) or datetime(*EARLIEST, tzinfo=UTC)
    book.set_properties({"author": "TrustPin MITM Lab", "created": at.replace(tzinfo=None)})
    _checklist(Sheet(book, CHECKLIST_SHEET), report, told)
    _scenarios(Sheet(book, SCENARIOS_SHEET), told)
    _about(Sheet(book, ABOUT_SHEET), report, read)
    book.close()
    return _stored(written)


class Sheet:
    """One sheet; rows and columns are counted from 1, as a reader does."""

    def __init__(self, book: Any, name: str) -> None:
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True})
        # A text that looks like a formula stays a text for whoever edits the cell.
        self._quoted = book.add_format({"quote_prefix": True})

    def row(self, at: int, values: Sequence[Value], *, bold: bool = False) -> None:
        """Write ``values`` from column A on."""
        for column, value in enumerate(values):
            if not isinstance(value, str):
                self._sheet.write_number(at - 1, column, value)
                continue
            text = clipped(plain(value), LONGEST_CELL)
            # Not "write", which takes some texts for formulas, numbers or links.
            quoted = self._quoted if text.startswith(FORMULA) else None
            self._sheet.write_string(at - 1, column, text, self._bold if bold else quoted)

    def widths(self, widths: Iterable[int]) -> None:
        """Set the columns' widths, in characters."""
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)

    def table(
        self, header: int, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[Value]]
    ) -> None:
        """Write a table that can be filtered, whose header stays in view."""
        self.widths(width for _, width in columns)
        self.row(header, [name for name, _ in columns], bold=True)
        for at, row in enumerate(rows, header + 1):
            self.row(at, row)
        self._sheet.freeze_panes(header, 0)
        self._sheet.autofilter(header - 1, 0, header - 1 + len(rows), len(columns) - 1)


def _checklist(sheet: Sheet, report: RunReport, told: Sequence[Assessed]) -> None:
    versions = mas_data()["versions"]
    sheet.row(1, ["OWASP MAS checklist, as far as a run of the TrustPin MITM Lab fills it in"])
    sheet.row(2, [f"Run {report.info.run_id}; see the sheet {ABOUT_SHEET!r} for what it rests on"])
    sheet.row(5, [f"MASTG version (commit): {versions['mastg']}"])
    sheet.row(6, [f"MASVS version: {versions['masvs']}"])
    rows: list[list[Value]] = [
        [
            item.control,
            item.test.platform if item.test else "all",
            item.test.id if item.test else "none",
            item.test.title if item.test else f"{controls()[item.control]} (the lab's own cases)",
            *("x" if profile in item.profiles else "" for profile in ("L1", "L2", "R", "P")),
            item.device,
            item.status.value,
            item.relation.value,
            item.comment,
        ]
        for item in checklist(told, report.info.devices)
    ]
    sheet.table(HEADER_ROW, CHECKLIST_COLUMNS, rows)


def _scenarios(sheet: Sheet, told: Iterable[Assessed]) -> None:
    sheet.table(1, SCENARIO_COLUMNS, [_scenario(n, one) for n, one in enumerate(told, 1)])


def _scenario(number: int, one: Assessed) -> list[Value]:
    result, mapping = one.result, one.mapping
    weakness = None if mapping is None else mapping.maswe
    return [
        number,
        result.case,
        result.slug,
        result.title,
        result.variant,
        adversary_name(result.adversary),
        result.device,
        result.verdict.value,
        why(result),
        result.attempts,
        round(finite(result.seconds), 3),
        ", ".join(mapping.masvs) if mapping else "",
        ", ".join(test.id for test in mapping.mastg) if mapping else "",
        mapping.relation.value if mapping else "",
        f"{weakness.id} {weakness.alias} (until 2026: {weakness.beta_id})" if weakness else "",
        ", ".join(f"CWE-{number}" for number in mapping.cwe) if mapping else "",
        ", ".join(mapping.ada) if mapping else "",
        one.evidence or "",
    ]


def _about(sheet: Sheet, report: RunReport, read: Read) -> None:
    info, data, context = report.info, mas_data(), context_of(read)
    counts = tally(report.results)
    rows: list[tuple[str, str]] = [
        ("Verdict", str(overall(counts, complete=info.complete))),
        ("In short", " ".join([headline(counts), *details(counts)])),
        ("Complete", "yes" if info.complete else f"no: {info.incomplete_because}"),
        ("Run", info.run_id),
        ("Started", zulu(info.started_at) or ""),
        ("Ended", zulu(info.ended_at) or ""),
        ("Lab", info.lab),
    ]
    if context is not None:
        rows += [
            ("Commit of the lab", context.lab_commit or "not known"),
            ("Executed by", context.executed_by or "not known"),
        ]
    for device in info.devices:
        app = f"{device.app} {device.app_version}".strip()
        text = f"{device.model}, {device.os}; app {app}, SDK {device.sdk}"
        rows.append((f"Device {device.id}", text))
    rows += [(f"Version of {name.upper()}", text) for name, text in data["versions"].items()]
    rows.append(("Mapping drawn up", data["dated"]))
    rows += [("Source", text) for text in data["sources"]]
    rows += [("Limit", text) for text in LIMITS]
    rows += [("How to read it", text) for text in NOTES]
    for at, row in enumerate(rows, 1):
        sheet.row(at, row)
    sheet.widths((24, 120))


NOTES = (
    "A status is the outcome of a test's own rule (satisfies), of a deprecated test's procedure "
    "(procedure), or of cases that no published test asks for (lab-own). A static test that is "
    "only seen from outside (corroborates) counts as not tested.",
    "What came to no verdict counts as not tested. Scenarios that attack another client than the "
    "app, and those that no control asks for, are on the sheet of scenarios alone.",
    "The evidence files are in the run's bundle; 'trustpin-lab verify' checks it. Nobody is "
    "'MASVS certified' by this sheet.",
    "OWASP MASVS, MASTG and MASWE are CC BY-SA 4.0; ids and titles are theirs, the rest is not.",
)


def _stored(written: io.BytesIO) -> bytes:
    """Return an archive with the same entries, in order, without compression and without times."""
    out = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(out, "w") as into:
        for name in sorted(source.namelist()):
            into.writestr(zipfile.ZipInfo(name, EARLIEST), source.read(name))
    return out.getvalue()
