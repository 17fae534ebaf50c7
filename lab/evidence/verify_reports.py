"""Whether the reports of a bundle are those that its results come to: they are made again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lab.evidence.evidence_record import evidence_from_json
from lab.evidence.finding import Finding
from lab.evidence.layout import RESULTS
from lab.evidence.record import RecordInvalid
from lab.evidence.renderers import RENDERERS, Renderer
from lab.evidence.run import RunReport, report_from_json
from lab.evidence.verify_records import of_this_lab
from lab.evidence.writer import reader


def compare_reports(folder: Path, files: Collection[str], record: str) -> tuple[Finding, ...]:
    """Return what of the reports called ``files`` is not what ``results.json`` comes to.

    They can be made again where the run was made by this very lab, as the file called ``record``
    says, and with the same tools. Raises OSError.
    """
    try:
        context = evidence_from_json(json.loads((folder / record).read_bytes())).context
    except (RecordInvalid, ValueError, RecursionError):
        # That is found out where the records are judged.
        return ()
    if not of_this_lab(context):
        return ()
    try:
        report = report_from_json(json.loads((folder / RESULTS).read_bytes()))
    except (RecordInvalid, ValueError, RecursionError) as error:
        return (Finding(RESULTS, f"not the results of a run: {error}"),)
    return tuple(
        finding
        for renderer in RENDERERS
        if renderer.file in files
        for finding in _compared(folder, renderer, report, context.tools)
    )


def _compared(
    folder: Path, renderer: Renderer, report: RunReport, tools: Mapping[str, str]
) -> Iterator[Finding]:
    others = [name for name in renderer.packages if tools.get(name) != _installed(name)]
    if others:
        text = f"not made again: it was made with another version of {', '.join(others)}"
        yield Finding(renderer.file, text, breaks=False)
    elif (folder / renderer.file).read_bytes() != renderer.render(report, reader(folder)):
        yield Finding(renderer.file, "it does not follow from the results")


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
