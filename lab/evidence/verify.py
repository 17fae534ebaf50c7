"""Checks a bundle, offline: every file, the signature, and whether the verdicts follow.

A bundle whose run was killed has no attestation; then its journal is what it is checked by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from lab.evidence.canonical import Digest, NotCanonical, digest_of, read_canonical
from lab.evidence.finding import Finding
from lab.evidence.journal import read_journal
from lab.evidence.layout import (
    ATTESTATION,
    JOURNAL,
    MANIFEST,
    MARKER,
    SIGNER,
    TIMESTAMP,
    UNLISTED,
)
from lab.evidence.manifest import Manifest, read_manifest
from lab.evidence.record import RecordInvalid
from lab.evidence.signing import KeyUnusable, NotSigned, Verifier
from lab.evidence.statement import PAYLOAD_TYPE
from lab.evidence.timestamp import Unstamped, stamped_at
from lab.evidence.verify_crew import NotChecked
from lab.evidence.verify_files import compare
from lab.evidence.verify_follows import Followed, Progress, follow


class NoBundle(NotChecked):
    """There is nothing to check; the message says why."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of checking a bundle."""

    run_id: str
    complete: bool
    """The run got to everything, and the bundle is whole."""
    findings: tuple[Finding, ...]
    key_id: str
    """Id of the key by which the signature was checked."""
    key_was_named: bool
    """The key came from the user; else from the bundle itself, whoever made it."""
    files: int
    judged: int
    """How many scenarios were judged again."""
    captures: int
    """How many captures were compared with the records."""
    stamped: datetime | None
    """When a timestamp authority saw the manifest; None where none was asked."""
    stamp_trusted: bool
    """That authority is one that the user trusts."""

    @property
    def good(self) -> bool:
        """Nothing breaks the bundle; it may be incomplete."""
        return not any(finding.breaks for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Signed:
    """What signatures vouch for."""

    run_id: str
    files: Mapping[str, Digest]
    complete: bool
    closed: bool
    """By the attestation: there is nothing else."""
    said: Any = None
    """The statement."""
    stamped: datetime | None = None


def verify(
    folder: Path,
    key: Verifier | None = None,
    roots: Iterable[x509.Certificate] = (),
    progress: Progress = lambda done, total: None,
) -> Verification:
    """Check the bundle in ``folder``: with the public key ``key``, else with its own; timestamps
    by authorities under ``roots``. Raises NoBundle where there is none, NotChecked and OSError."""
    trusted = tuple(roots)
    verifier = key or _own_key(folder)
    findings: list[Finding] = []
    if (folder / SIGNER).exists() and (folder / SIGNER).read_bytes() != verifier.pem:
        findings.append(Finding(SIGNER, "it is not the key that the bundle is checked with"))
    signed = _signed(folder, verifier, trusted, findings)
    followed = Followed((), 0, 0)
    if signed is not None:
        apart = frozenset({*UNLISTED, *(() if signed.closed else (JOURNAL,))})
        files = list(compare(folder, signed.files, apart=apart, closed=signed.closed))
        findings += _without_marker(files, signed)
        if not any(finding.breaks for finding in findings):
            # What was not signed is not worth judging.
            followed = follow(
                folder,
                signed.files,
                progress,
                closed=signed.closed,
                complete=signed.complete,
                said=signed.said,
            )
            findings += followed.findings
    elif key is None and {finding.path for finding in findings} & {ATTESTATION, JOURNAL}:
        findings.append(Finding(SIGNER, "or this was changed: --key would tell which"))
    marked = (folder / MARKER).exists()
    return Verification(
        run_id="" if signed is None else signed.run_id,
        complete=signed is not None and signed.complete and not marked,
        findings=tuple(findings),
        key_id=verifier.key_id,
        key_was_named=key is not None,
        files=0 if signed is None else len(signed.files),
        judged=followed.judged,
        captures=followed.captures,
        stamped=None if signed is None else signed.stamped,
        stamp_trusted=bool(trusted),
    )


def _own_key(folder: Path) -> Verifier:
    if not folder.is_dir():
        raise NoBundle(f"{folder} is no folder")
    if not (folder / ATTESTATION).exists() and not (folder / JOURNAL).exists():
        raise NoBundle(f"{folder} is no bundle: it has neither {ATTESTATION} nor {JOURNAL}")
    try:
        return Verifier.load(folder / SIGNER)
    except KeyUnusable as error:
        raise NoBundle(f"no key to check it with (--key names one): {error}") from None


def _signed(
    folder: Path,
    verifier: Verifier,
    roots: tuple[x509.Certificate, ...],
    findings: list[Finding],
) -> _Signed | None:
    """Return what is vouched for; None where nothing is, which is then among ``findings``."""
    if (folder / ATTESTATION).exists():
        return _attested(folder, verifier, roots, findings)
    if not (folder / MARKER).exists() or not (folder / JOURNAL).exists():
        findings.append(Finding(ATTESTATION, "missing"))
        return None
    try:
        vouched = read_journal((folder / JOURNAL).read_bytes(), verifier)
    except NotSigned as error:
        findings.append(Finding(JOURNAL, str(error)))
        return None
    if vouched.torn:
        findings.append(Finding(JOURNAL, "its last line was cut short", breaks=False))
    text = "missing: the run was killed before it was signed, or somebody took it away"
    findings.append(Finding(ATTESTATION, text, breaks=False))
    return _Signed("", vouched.files, complete=False, closed=False)


def _attested(
    folder: Path,
    verifier: Verifier,
    roots: tuple[x509.Certificate, ...],
    findings: list[Finding],
) -> _Signed | None:
    try:
        payload = verifier.payload((folder / ATTESTATION).read_bytes(), PAYLOAD_TYPE)
        said = read_canonical(payload)
        rests_on = {
            item["name"]: item["digest"]["sha256"] for item in said["predicate"]["configuration"]
        }
    except (NotSigned, NotCanonical) as error:
        findings.append(Finding(ATTESTATION, str(error)))
        return None
    except (KeyError, TypeError):
        findings.append(Finding(ATTESTATION, "not a test-result statement"))
        return None
    contents = dict(_contents(folder, rests_on, findings))
    try:
        manifest: Manifest = read_manifest(contents[MANIFEST])
    except KeyError:
        return None
    except (NotCanonical, RecordInvalid) as error:
        findings.append(Finding(MANIFEST, str(error)))
        return None
    stamped = None
    if TIMESTAMP in contents:
        try:
            stamped = stamped_at(contents[TIMESTAMP], contents[MANIFEST], roots)
        except Unstamped as error:
            findings.append(Finding(TIMESTAMP, str(error)))
    return _Signed(
        manifest.run_id, manifest.files, manifest.complete, closed=True, said=said, stamped=stamped
    )


def _contents(
    folder: Path, rests_on: Mapping[str, str], findings: list[Finding]
) -> Iterator[tuple[str, bytes]]:
    """Yield manifest and timestamp, as far as they are what the statement rests on."""
    for name in (MANIFEST, TIMESTAMP):
        path = folder / name
        if not path.exists():
            if name in rests_on or name == MANIFEST:
                findings.append(Finding(name, "missing"))
            continue
        content = path.read_bytes()
        if name not in rests_on:
            findings.append(Finding(name, "added: the statement does not rest on it"))
        elif digest_of(content).sha256 != rests_on[name]:
            findings.append(Finding(name, "changed: the statement rests on another content"))
        else:
            yield name, content


def _without_marker(files: list[Finding], signed: _Signed) -> Iterator[Finding]:
    """Yield ``files``; the mark of a run that was killed in its last instant is no addition."""
    for finding in files:
        if finding.path == MARKER and MARKER not in signed.files:
            text = "it marks the bundle as incomplete, which was signed as complete"
            yield Finding(MARKER, text, breaks=False)
        else:
            yield finding
