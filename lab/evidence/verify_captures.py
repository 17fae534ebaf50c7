"""Whether captures tell the same as the records, by tshark, a program that is not the lab's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.evidence.evidence_record import file_name
from lab.evidence.fields import EvidenceRecord
from lab.evidence.finding import Finding
from lab.evidence.layout import CAPTURES, RECORDS

TIMEOUT = 60
"""Seconds for all captures of a run."""
FIELDS = ("frame.interface_id", "tls.handshake.extensions_server_name", "tls.handshake.certificate")


@dataclass(frozen=True, slots=True)
class Seen:
    """What tshark finds in one capture."""

    names: Counter[str]
    """How many ClientHellos ask for each name."""
    certificates: frozenset[str]
    """SHA-256 of each certificate's DER."""


def has_tshark() -> bool:
    """Tell whether captures can be looked into on this machine."""
    return all(map(shutil.which, ("tshark", "mergecap")))


def compare_captures(folder: Path, records: Iterable[EvidenceRecord]) -> Iterator[Finding]:
    """Yield what the records tell and their captures do not."""
    wanted = [
        (f"{RECORDS}/{file_name(number, record.result)}", record, artefact.path)
        for number, record in enumerate(records, 1)
        for artefact in record.observation.artefacts
        if artefact.path.startswith(f"{CAPTURES}/")
    ]
    paths = sorted({capture for _, _, capture in wanted})
    if not paths:
        return
    try:
        seen = look_into([folder / path for path in paths])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        yield Finding(CAPTURES, f"tshark cannot read them: {error}")
        return
    of = dict(zip(paths, seen, strict=True))
    for name, record, capture in wanted:
        yield from (Finding(name, text) for text in _differences(record, of[capture], capture))


def look_into(paths: Sequence[Path]) -> list[Seen]:
    """Return what tshark finds in each capture of the lab's. Raises OSError, ValueError and
    SubprocessError."""
    fields = [part for field in FIELDS for part in ("-e", field)]
    with tempfile.TemporaryDirectory() as folder:
        # One file, an interface for each capture: to start tshark takes longer than to read.
        merged = str(Path(folder) / "captures.pcapng")
        _run(["mergecap", "-a", "-I", "none", "-w", merged, *map(str, paths)])
        # The secrets that the captures carry show the certificates of TLS 1.3.
        told = _run(["tshark", "-n", "-r", merged, "-Y", "tls.handshake", "-T", "fields", *fields])
    names: list[Counter[str]] = [Counter() for _ in paths]
    certificates: list[set[str]] = [set() for _ in paths]
    for line in told.splitlines():
        interface, name, chain = line.split("\t")
        names[int(interface)].update(part for part in name.split(",") if part)
        for encoded in filter(None, chain.split(",")):
            der = bytes.fromhex(encoded.replace(":", ""))
            certificates[int(interface)].add(hashlib.sha256(der).hexdigest())
    return [Seen(*both) for both in zip(names, map(frozenset, certificates), strict=True)]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    return done.stdout


def _differences(record: EvidenceRecord, seen: Seen, capture: str) -> Iterator[str]:
    own = [c for c in record.observation.connections if not c.foreign]
    told = Counter(c.sni for c in own if c.sni is not None)
    for name, count in told.items():
        if seen.names[name] < count:
            yield (
                f"{count} connections that ask for {name}, but {seen.names[name]} ClientHellos "
                f"in {capture}"
            )
    served = {d for c in own if c.sni is not None for d in c.chain_sha256}
    lacking = served - seen.certificates
    if lacking and seen.certificates:
        yield f"the served certificate {min(lacking)[:16]}… is not in {capture}"
