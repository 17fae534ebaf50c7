"""The manifest of a bundle: every file by its digest."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import TypeAdapter

from lab.evidence.canonical import Digest, canonical, digest_of_file, read_canonical
from lab.evidence.layout import UNLISTED
from lab.evidence.record import RecordInvalid, to_json, validated

FORMAT: Literal["trustpin-lab-manifest/1"] = "trustpin-lab-manifest/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle consists of."""

    run_id: str
    complete: bool
    """Every scenario that was selected came to a verdict."""
    incomplete_because: str
    redacted: Mapping[str, int]
    """How much was taken out of all files before they were hashed, by kind."""
    files: Mapping[str, Digest] = field(default_factory=dict)
    """Every file but the manifest, its timestamp and the attestation, by its path."""
    format: Literal["trustpin-lab-manifest/1"] = FORMAT


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the content of ``manifest.json``: canonical JSON."""
    return canonical(to_json(manifest))


def read_manifest(content: bytes) -> Manifest:
    """Return the manifest of ``manifest.json``. Raises NotCanonical and RecordInvalid."""
    made = validated(_manifests(), read_canonical(content))
    odd = next((name for name in made.files if not _is_inside(name)), None)
    if odd is not None:
        raise RecordInvalid(f"files: {odd!r} is not a path inside the bundle")
    return made


@cache
def _manifests() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return str(path) == name and not path.is_absolute() and not {"..", "."} & set(path.parts)


def listed(folder: Path) -> dict[str, Digest]:
    """Return the digest of every file that a manifest lists, by its path. Raises OSError."""
    return {name: digest_of_file(folder / name) for name in walk(folder) if name not in UNLISTED}


def walk(folder: Path) -> Iterator[str]:
    """Yield the path of everything in ``folder`` that is no folder, sorted. Raises OSError."""

    def stop(error: OSError) -> None:
        raise error

    found = [
        (Path(place) / name).relative_to(folder).as_posix()
        for place, folders, files in os.walk(folder, onerror=stop)
        for name in (*files, *(f for f in folders if (Path(place) / f).is_symlink()))
    ]
    yield from sorted(found)


def is_file(path: Path) -> bool:
    """Tell whether ``path`` is a file of its own: no link, no device. Raises OSError."""
    return stat.S_ISREG(path.lstat().st_mode)
