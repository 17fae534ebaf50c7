"""What else of a bundle is made from the results: connections, look-ups, flows, the app's log.

Pure functions from results to files, so that a verifier can make them again and compare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.evidence.evidence_record import iso
from lab.evidence.layout import APP_LOG, CONNECTIONS, FLOWS, LOOKUPS
from lab.evidence.record import ScenarioResult, compact, to_json
from lab.evidence.redaction import GONE
from lab.model.trial import Phase
from lab.model.wire import LEAKED, ConnectionRecord, WireClass

_REQUEST = re.compile(
    r"(?P<method>\S+) (?P<path>\S*) (?P<version>\S+) \[(?P<names>[^\]]*)(?P<whole>\]?)"
)
WITHHELD = "Values of headers and bodies are never kept; what was answered is the attack's own."


@dataclass(frozen=True, slots=True)
class Share:
    """What some results add to the derived files."""

    connections: bytes
    lookups: bytes
    entries: tuple[Mapping[str, Any], ...]
    """Of the HTTP archive."""
    log: bytes


def derived(results: Iterable[ScenarioResult], lab: str) -> dict[str, bytes]:
    """Return the content of the derived files by name. ``lab`` is the lab's version."""
    return joined((share(results),), lab)


def share(results: Iterable[ScenarioResult]) -> Share:
    """Return what ``results`` add."""
    told = tuple(results)
    return Share(
        connections=_lines(_connections(told)),
        lookups=_lines(_lookups(told)),
        entries=tuple(_entries(told)),
        log="".join(f"{line}\n" for line in _log(told)).encode(),
    )


def joined(shares: Iterable[Share], lab: str) -> dict[str, bytes]:
    """Return what ``shares``, in the order of the results, come to. ``lab`` is the lab's
    version."""
    whole = merged(shares)
    archive = json.dumps(_archive(whole.entries, lab), indent=1, ensure_ascii=False)
    return {
        CONNECTIONS: whole.connections,
        LOOKUPS: whole.lookups,
        FLOWS: archive.encode() + b"\n",
        APP_LOG: whole.log,
    }


def merged(shares: Iterable[Share]) -> Share:
    """Return ``shares``, in the order of the results, as one."""
    parts = tuple(shares)
    return Share(
        connections=b"".join(part.connections for part in parts),
        lookups=b"".join(part.lookups for part in parts),
        entries=tuple(entry for part in parts for entry in part.entries),
        log=b"".join(part.log for part in parts),
    )


def har(results: Iterable[ScenarioResult], lab: str) -> dict[str, Any]:
    """Return the requests that were read, as an HTTP archive (HAR 1.2)."""
    return _archive(list(_entries(results)), lab)


def _entries(results: Iterable[ScenarioResult]) -> Iterator[dict[str, Any]]:
    for result, phase in _phases(results):
        for seen in phase.connections:
            if seen.wire_class in LEAKED and seen.request is not None:
                yield _entry(result, phase, seen)


def _archive(entries: Sequence[Mapping[str, Any]], lab: str) -> dict[str, Any]:
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "TrustPin MITM Lab", "version": lab},
            "entries": entries,
            "comment": WITHHELD,
        }
    }


def _entry(result: ScenarioResult, phase: Phase, seen: ConnectionRecord) -> dict[str, Any]:
    head = _REQUEST.match(seen.request or "")
    said: Mapping[str, str] = {} if head is None else head.groupdict()
    scheme = "http" if seen.wire_class is WireClass.CLEARTEXT else "https"
    names = [name for name in said.get("names", "").split(", ") if name]
    empty: dict[str, Any] = {"cookies": [], "headers": [], "headersSize": -1, "bodySize": -1}
    # A request line that was cut short in the record has no path that could be trusted.
    path = said.get("path", "") or "/"
    path = path if path.startswith("/") else "/"
    return {
        "startedDateTime": iso(seen.opened_at),
        "time": _milliseconds(seen),
        "request": {
            **empty,
            "method": said.get("method", "GET"),
            "url": f"{scheme}://{seen.host or seen.sni or seen.peer}:{seen.port or 0}{path}",
            "httpVersion": said.get("version", ""),
            "headers": [{"name": name, "value": GONE} for name in names],
            "queryString": [],
        },
        "response": {
            **empty,
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
        },
        "cache": {},
        "timings": {"send": 0, "wait": _milliseconds(seen), "receive": 0},
        "connection": str(seen.id),
        "comment": f"{result.case} {result.slug} {result.device}, {phase.name}",
    }


def _milliseconds(seen: ConnectionRecord) -> float:
    return 0 if seen.closed_at is None else max(0, round((seen.closed_at - seen.opened_at) * 1000))


def _phases(results: Iterable[ScenarioResult]) -> Iterator[tuple[ScenarioResult, Phase]]:
    for result in results:
        for phase in () if result.trial is None else result.trial.phases:
            # What a scenario shares with the one before it is told there.
            if not phase.shared:
                yield result, phase


def _told(
    results: Iterable[ScenarioResult], of: Callable[[Phase], Iterable[object]]
) -> Iterator[dict[str, Any]]:
    for result, phase in _phases(results):
        for item in of(phase):
            yield {"scenario": result.node, "phase": phase.name.value, **to_json(item)}


def _connections(results: Iterable[ScenarioResult]) -> Iterator[dict[str, Any]]:
    return _told(results, lambda phase: phase.connections)


def _lookups(results: Iterable[ScenarioResult]) -> Iterator[dict[str, Any]]:
    return _told(results, lambda phase: phase.lookups)


def _lines(items: Iterable[object]) -> bytes:
    texts = (compact(i) for i in items)
    return "".join(f"{text}\n" for text in texts).encode()


def _log(results: Iterable[ScenarioResult]) -> Iterator[str]:
    for result, phase in _phases(results):
        lines = (*phase.outcome.log, *phase.outcome.system_log)
        if lines:
            yield f"== {result.node} {phase.name}"
            yield from (line for text in lines for line in text.splitlines() or [""])
