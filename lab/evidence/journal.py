"""The journal of a bundle under way: signed digests, line by line, each bound to the one before.

A process that is killed leaves what it wrote until then, and the lines that vouch for it. Nobody
can take a line out of the middle, or put one in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from lab.evidence.canonical import Digest, NotCanonical, canonical, digest_of, read_canonical
from lab.evidence.record import RecordInvalid, to_json, validated
from lab.evidence.signing import NotSigned, Seal, Verifier

LINE_TYPE = "application/vnd.trustpin-lab.seal+json"
FORMAT: Literal["trustpin-lab-seal/1"] = "trustpin-lab-seal/1"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what was new since the line before."""

    run_id: str
    number: int
    """From 1."""
    previous: str
    """SHA-256 of the line before it, without its end; empty for the first."""
    files: Mapping[str, Digest]
    format: Literal["trustpin-lab-seal/1"] = FORMAT


class Journal:
    """Writes the journal of a run. Raises OSError, as the file does."""

    def __init__(self, path: Path, run_id: str, seal: Seal) -> None:
        self._path, self._run_id, self._seal = path, run_id, seal
        self._number, self._previous = 0, ""

    def add(self, files: Mapping[str, Digest]) -> None:
        """Vouch for ``files``, by their path."""
        self._number += 1
        line = Line(self._run_id, self._number, self._previous, files)
        envelope = self._seal.envelope(canonical(to_json(line)), LINE_TYPE)
        with self._path.open("ab") as file:
            file.write(envelope + b"\n")
        self._previous = digest_of(envelope).sha256


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a journal vouches for."""

    files: Mapping[str, Digest]
    lines: int
    torn: bool
    """The last line was cut short, as it is where the process was killed while it wrote it."""


def read_journal(content: bytes, verifier: Verifier) -> Vouched:
    """Return what a journal vouches for. Raises NotSigned, which names the line that is not as it
    was written."""
    whole, _, rest = content.rpartition(b"\n")
    files: dict[str, Digest] = {}
    previous, number, run_id = "", 0, None
    for number, envelope in enumerate(whole.split(b"\n") if whole else (), 1):
        try:
            payload = verifier.payload(envelope, LINE_TYPE)
            line = validated(_lines(), read_canonical(payload))
        except (NotSigned, NotCanonical, RecordInvalid) as error:
            raise NotSigned(f"line {number}: {error}") from None
        if (line.number, line.previous) != (number, previous) or run_id not in (None, line.run_id):
            raise NotSigned(f"line {number}: it does not follow from the line before it")
        files.update(line.files)
        previous, run_id = digest_of(envelope).sha256, line.run_id
    if not number:
        raise NotSigned("there is no line")
    return Vouched(files, number, bool(rest))


@cache
def _lines() -> TypeAdapter[Line]:
    return TypeAdapter(Line)
