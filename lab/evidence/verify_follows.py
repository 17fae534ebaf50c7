"""Whether all of a bundle follows from its raw records; on every core where there is much of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.evidence.canonical import Digest
from lab.evidence.context import context_from_json
from lab.evidence.finding import Finding
from lab.evidence.layout import ATTESTATION, CONTEXT, PAGE, RECORDS, RESULTS, VERDICTS
from lab.evidence.record import RecordInvalid
from lab.evidence.renderers import RENDERERS
from lab.evidence.statement import statement
from lab.evidence.verify_crew import crew
from lab.evidence.verify_records import Share, judge_again, of_this_lab, unique
from lab.evidence.verify_reports import compare_reports
from lab.evidence.verify_summaries import (
    compare_certificates,
    compare_derived,
    compare_results,
    results_told,
)

SHARE = 48
"""Records that one process looks at without a break."""

Progress = Callable[[int, int], None]
"""Is told how many records were looked at, of how many."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of it."""

    findings: tuple[Finding, ...]
    judged: int
    captures: int


def follow(
    folder: Path,
    files: Mapping[str, Digest],
    progress: Progress,
    *,
    closed: bool,
    complete: bool,
    said: Any,
) -> Followed:
    """Look at every file that was signed, ``files``, and judge every record again.

    The bundle is ``closed`` by an attestation with the statement ``said``, or only as far as its
    journal goes, which promises no summaries. Raises OSError and NotChecked.
    """
    records = sorted(name for name in files if name.startswith(f"{RECORDS}/"))
    there = frozenset(files)
    with crew(sum(files[name].size for name in records)) as executor:
        # What takes longest and cannot be shared out comes first.
        reports = list(_reports(executor, folder, there, records)) if closed else []
        told = {
            name: executor.submit(results_told, folder, name)
            for name in (RESULTS, VERDICTS)
            if closed and name in there
        }
        parts = list(_shares(executor, folder, records, files))
        for looked_at in _counted(parts):
            progress(looked_at, len(records))
        shares = [part.result() for part, _ in parts]
        contexts = unique(context for share in shares for context in share.contexts)
        findings = [finding for share in shares for finding in share.findings]
        findings += compare_certificates(folder, files, shares)
        ours = all(map(of_this_lab, contexts))
        if not ours:
            text = "made by another version of the lab: what its catalogue says is not compared"
            findings.append(Finding("", text, breaks=False))
        if closed:
            for name in sorted(told):
                results = told[name].result()
                findings += compare_results(name, results, shares, complete=complete)
            if ours:
                findings += compare_derived(folder, there, shares)
            if CONTEXT in there:
                findings += _restated(folder, said, shares, complete=complete)
            if ours:
                # Two of them may have found the same.
                findings += dict.fromkeys(f for report in reports for f in report.result())
    return Followed(
        findings=tuple(findings),
        judged=sum(share.judged for share in shares),
        captures=sum(share.captures for share in shares),
    )


def _reports(
    executor: Executor, folder: Path, there: frozenset[str], records: Sequence[str]
) -> Iterator[Future[tuple[Finding, ...]]]:
    """Have the reports made again: the page takes as long as all others together."""
    files = [renderer.file for renderer in RENDERERS if renderer.file in there]
    if RESULTS in there and records:
        for some in ([PAGE], [name for name in files if name != PAGE]):
            if set(some) <= there:
                yield executor.submit(compare_reports, folder, frozenset(some), records[0])


def _shares(
    executor: Executor, folder: Path, records: Sequence[str], files: Mapping[str, Digest]
) -> Iterator[tuple[Future[Share], int]]:
    """Have the records judged again, and tell of how many each share is."""
    for start in range(0, len(records), SHARE):
        names = records[start : start + SHARE]
        # As it was signed; whether the file is still that was looked at before.
        previous = files[records[start - 1]].sha256 if start else None
        yield (
            executor.submit(judge_again, folder, names, start + 1, previous),
            len(names),
        )


def _counted(parts: Iterable[tuple[Future[Share], int]]) -> Iterator[int]:
    """Yield how many records were looked at, each time that there are more."""
    size_of = dict(parts)
    looked_at = 0
    for part in as_completed(size_of):
        looked_at += size_of[part]
        yield looked_at


def _restated(
    folder: Path, said: Any, shares: Sequence[Share], *, complete: bool
) -> Iterator[Finding]:
    """Yield where the statement ``said`` is not what follows from the records."""
    try:
        context = context_from_json(json.loads((folder / CONTEXT).read_bytes()))
    except (RecordInvalid, ValueError, RecursionError) as error:
        yield Finding(CONTEXT, f"not a context: {error}")
        return
    if any(other != context for share in shares for other in share.contexts):
        yield Finding(CONTEXT, "the records tell of another context")
    facts = {device: told for share in shares for device, told in share.facts.items()}
    results = [result for share in shares for result in share.told]
    due = statement(results, context, facts.values(), {}, complete=complete)
    told = dict(said["predicate"], configuration=[])
    if not results:
        due["subject"] = said.get("subject")
    if due != said | {"predicate": told}:
        yield Finding(ATTESTATION, "the statement is not what follows from the records")
