"""Failure reports as they travel, and the queue in which they wait until they are delivered."""

from __future__ import annotations

import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.model.pins import Pin
from lab.phone.sdk.storage import read_bounded, write_atomically

MAX_BODY = 256 << 10
"""Bytes of one report."""
MAX_PINS = 256
MAX_DEVICE = 128
"""Characters of the device's name."""
CAPACITY = 256
"""Reports that wait at most."""
FOLDER = "reports"


@dataclass(frozen=True, slots=True)
class Failure:
    """A pin validation that failed for certain."""

    host: str
    port: int
    at: float
    """Epoch seconds on the phone's clock."""
    error: str
    """The documented error name."""
    chain: tuple[bytes, ...]
    """DER as served, leaf first."""
    pins: tuple[Pin, ...]
    """Every pin that is published for the host, expired or not."""


@dataclass(frozen=True, slots=True)
class QueuedReport:
    """A report that is yet to be delivered."""

    id: str
    """Chosen once: sent a second time it is still the same report."""
    host: str
    error: str
    body: bytes


def write_report(failure: Failure, device: str = "") -> QueuedReport:
    """Write a report: JSON with the field names of RFC 7469 section 3, and ``report-id``,
    ``error`` and ``device``. Nothing of what the app asked for or would have sent is in it.

    A chain that makes it too large for a collector is cut short at the end: else an attacker
    could choose one that no report gets through with.
    """
    identifier = str(uuid.uuid4())
    pems = [ssl.DER_cert_to_PEM_cert(der) for der in failure.chain]
    fields = {
        "report-id": identifier,
        "date-time": _rfc3339(failure.at),
        "hostname": failure.host,
        "port": failure.port,
        "served-certificate-chain": pems,
        "known-pins": [f"{pin.kind}={pin.digest}" for pin in failure.pins[:MAX_PINS]],
        "error": failure.error,
    }
    if name := "".join(filter(str.isprintable, device))[:MAX_DEVICE]:
        fields["device"] = name
    while len(body := json.dumps(fields).encode()) > MAX_BODY and len(pems) > 1:
        pems.pop()
    return QueuedReport(identifier, failure.host, failure.error, body)


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _read_report(body: bytes) -> QueuedReport:
    """Read what ``write_report`` wrote. Raises ValueError."""
    read = json.loads(body)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    identifier, host, error = (read.get(name) for name in ("report-id", "hostname", "error"))
    if not (isinstance(identifier, str) and isinstance(host, str) and isinstance(error, str)):
        raise ValueError("not a report")
    return QueuedReport(identifier, host, error, body)


class ReportQueue:
    """Reports in the order in which they came, each in a file of its own in ``directory``.

    At most ``capacity`` wait. The first about each host and error is kept for as long as
    possible, and of each error for certain (there are fewer kinds than places): a flood cannot
    wash away that something happened. May be used from any thread.
    """

    def __init__(
        self, directory: Path, complain: Callable[[str], None], capacity: int = CAPACITY
    ) -> None:
        self._folder = directory / FOLDER
        self._complain = complain
        self._capacity = capacity
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: dict[Path, QueuedReport] = {}
        self._load()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, report: QueuedReport) -> None:
        """Put a report last, on disk before this returns. Complains where the disk fails: the
        report then lives as long as the process does."""
        with self._lock:
            self._number += 1
            path = self._folder / f"{self._number:012}.json"
            try:
                write_atomically(path, report.body)
            except OSError as error:
                self._complain(f"a failure report could not be stored: {error.strerror}")
            self._waiting[path] = report
            self._make_room()

    def first(self) -> QueuedReport | None:
        """Return the report that has waited longest."""
        with self._lock:
            return next(iter(self._waiting.values()), None)

    def remove(self, report: QueuedReport) -> None:
        """Forget a report; nothing happens where it is not there any more."""
        with self._lock:
            path = next((p for p, r in self._waiting.items() if r.id == report.id), None)
            if path is not None:
                self._drop(path)

    def _make_room(self) -> None:
        while len(self._waiting) > self._capacity:
            path = _victim(self._waiting.items())
            self._complain(f"too many failure reports: one about {self._waiting[path].host} lost")
            self._drop(path)

    def _drop(self, path: Path) -> None:
        del self._waiting[path]
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._complain(f"a failure report could not be removed: {error.strerror}")

    def _load(self) -> None:
        for path in sorted(self._folder.glob("[0-9]*.json")):
            try:
                self._waiting[path] = _read_report(read_bounded(path, MAX_BODY))
                self._number = max(self._number, int(path.stem))
            except (OSError, ValueError, RecursionError):
                self._waiting.pop(path, None)
                self._complain(f"{path.name} is no failure report and is ignored")
        self._make_room()


def _victim(waiting: Iterable[tuple[Path, QueuedReport]]) -> Path:
    """Return what to lose: the oldest that is not the first of its kind."""
    entries = list(waiting)
    seen_about: set[tuple[str, str]] = set()
    for path, report in entries:
        if (report.host, report.error) in seen_about:
            return path
        seen_about.add((report.host, report.error))
    seen: set[str] = set()
    for path, report in entries:
        if report.error in seen:
            return path
        seen.add(report.error)
    return entries[0][0]
