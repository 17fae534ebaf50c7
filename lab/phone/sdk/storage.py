"""What the SDK keeps in the app's private directory about its configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.pinning.jws import MAX_SIZE
from lab.pki.credential import write_private

TOKEN = "configuration.jws"  # noqa: S105 - a file's name
STATE = "configuration.json"
MAX_STATE = 8192
"""Bytes of the state file."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was found. Nothing in it is trusted before its signature is checked again."""

    token: bytes | None = None
    """The last good configuration, compact JWS."""
    fetched_at: float = 0.0
    """When it was fetched: epoch seconds on the phone's clock."""
    highest: int | None = None
    """The highest version that was ever trusted, None where none is known."""


class ConfigurationFiles:
    """The last good configuration and the highest version, in two files of ``directory``.

    Two, because the version must outlive a configuration that cannot be used any more. They
    belong to one project (``scope``): another's are left alone until they are written over.
    """

    def __init__(self, directory: Path, scope: str, complain: Callable[[str], None]) -> None:
        self._directory = directory
        self._scope = scope
        self._complain = complain

    def load(self) -> Stored:
        """Return what is there; what is damaged is complained about and counts as missing."""
        state = self._read(STATE, MAX_STATE)
        if state is None:
            return Stored()
        try:
            scope, fetched_at, highest = _parse(state)
        except (ValueError, RecursionError):
            self._complain(f"{STATE} is damaged and ignored")
            return Stored()
        if scope != self._scope:
            self._complain(f"{STATE} belongs to another project and is ignored")
            return Stored()
        return Stored(self._read(TOKEN, MAX_SIZE), fetched_at, highest)

    def save(self, token: bytes, fetched_at: float, highest: int) -> None:
        """Replace what is there. Complains where that fails: the app goes on without."""
        state = {"scope": self._scope, "fetched_at": float(fetched_at), "highest_version": highest}
        try:
            # The state last: an old state beside a new token only makes that look older.
            write_atomically(self._directory / TOKEN, token)
            write_atomically(self._directory / STATE, json.dumps(state).encode())
        except OSError as error:
            self._complain(f"the configuration could not be stored: {error.strerror}")

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            return read_bounded(self._directory / name, limit)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(f"{name} is ignored: {error.strerror}")
            return None
        except ValueError as error:
            self._complain(f"{name} is ignored: {error}")
            return None


def _parse(state: bytes) -> tuple[str, float, int]:
    read = json.loads(state)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    scope, fetched_at, highest = (
        read.get(name) for name in ("scope", "fetched_at", "highest_version")
    )
    if not isinstance(scope, str):
        raise ValueError("no scope")
    if not isinstance(fetched_at, float) or not math.isfinite(fetched_at):
        raise ValueError("no time")
    if not isinstance(highest, int) or isinstance(highest, bool):
        raise ValueError("no version")
    return scope, fetched_at, highest


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a file of at most ``limit`` bytes. Raises OSError, ValueError for a larger one."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"longer than {limit} bytes")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file, readable by its owner only, that is there in full or not at all.

    Makes the folders above it. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = path.with_name(path.name + ".new")
    try:
        write_private(written, content)
        written.replace(path)
    except OSError:
        with suppress(OSError):
            written.unlink()
        raise
