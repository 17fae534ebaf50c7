"""JSON of which there is one form only (RFC 8785), and the digests of files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785


class NotCanonical(ValueError):
    """Bytes are not the one form of any JSON value; the message says why."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies a file's content."""

    sha256: str
    """Lower-case hex."""
    size: int
    """Bytes."""


def canonical(value: Any) -> bytes:
    """Return the one form of ``value`` (RFC 8785). Raises ValueError where it has none."""
    return rfc8785.dumps(value)


def read_canonical(content: bytes) -> Any:
    """Return the JSON value of ``content``. Raises NotCanonical where it is not its one form."""
    try:
        value = json.loads(content)
        same = canonical(value) == content
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {error}") from None
    if not same:
        raise NotCanonical("not in canonical form (RFC 8785)")
    return value


def digest_of(content: bytes) -> Digest:
    """Return what identifies ``content``."""
    return Digest(hashlib.sha256(content).hexdigest(), len(content))


def digest_of_file(path: Path) -> Digest:
    """Return what identifies the file at ``path``. Raises OSError."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Digest(sha256, file.tell())
