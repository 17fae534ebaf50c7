"""Files that are there completely or not at all, and that outlive a loss of power."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
"""What is kept may tell of the networks that a phone knows."""


def make_folder(folder: Path) -> None:
    """Make ``folder`` where it is missing; its parent is there. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(PRIVATE_FOLDER)
        sync(folder.parent)


def write(path: Path, content: bytes) -> None:
    """Write a file. When this returns, it is on disk; a crash before leaves what was there.
    Raises OSError. Two processes must not write the same file at once."""
    unfinished = path.with_name(f".{path.name}.new")
    try:
        # What a crash left there.
        unfinished.unlink(missing_ok=True)
        with open(unfinished, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file, for good. Raises OSError."""
    path.unlink(missing_ok=True)
    sync(path.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder that nobody needs any more, with all that is in it."""
    # What cannot be removed is in nobody's way, and will be tried again.
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        sync(folder.parent)


def read(path: Path, limit: int) -> bytes:
    """Return at most ``limit`` bytes of a file, and one more of a longer one. Raises OSError."""
    if not path.is_file():
        raise OSError("not a file")
    with path.open("rb") as file:
        return file.read(limit + 1)


def sync(path: Path) -> None:
    """Have a file or a folder's list of files written to disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """Do that with all files in a folder, and with the folder. Raises OSError."""
    for path in folder.iterdir():
        if path.is_file():
            sync(path)
    sync(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
