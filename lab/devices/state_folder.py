"""Where the lab keeps what outlives a run: the undo journals, and who has which device."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TRUSTPIN_LAB_STATE"
"""Environment variable that names the folder; everything is kept in there where it is set."""
COMMON_LEASES = Path("/tmp/trustpin-lab-leases")  # noqa: S108 - one that all users have in common
"""Who has which device, where ``TRUSTPIN_LAB_STATE`` is not set. Not in anybody's home: a phone
on this machine's USB is there for all of its users."""

PRIVATE = 0o700
COMMON = 0o1777
"""Everybody may add files, and change but one's own."""

_LONGEST_NAME = 40
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


class StateError(Exception):
    """Something could not be kept or read; the message says which file, and why."""


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of this user, and make it where it is missing.

    ``$TRUSTPIN_LAB_STATE``, else ``$XDG_STATE_HOME/trustpin-lab``, else
    ``~/.local/state/trustpin-lab`` (XDG Base Directory Specification 0.8). Raises StateError.
    """
    seen = os.environ if environ is None else environ
    named = seen.get(VARIABLE)
    return _made(Path(named).absolute() if named else _xdg(seen) / "trustpin-lab", PRIVATE)


def journals_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the undo journals' folder, and make it where it is missing. Raises StateError."""
    return _made(state_folder(environ) / "journals", PRIVATE)


def leases_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the leases, and make it where it is missing. Raises StateError."""
    seen = os.environ if environ is None else environ
    if not seen.get(VARIABLE):
        # Somebody else may have been there first, and lead the lab to another place.
        if COMMON_LEASES.is_symlink():
            raise StateError(f"{COMMON_LEASES}: a link; remove it, or set {VARIABLE} to a folder")
        return _made(COMMON_LEASES, COMMON)
    return _made(state_folder(seen) / "leases", COMMON)


def file_name_of(key: str) -> str:
    """Return a file name for any text: legible, of letters that every file system knows, and
    another one for another text, even where upper and lower case are the same."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    legible = _UNSAFE.sub("-", key)[:_LONGEST_NAME].strip("-")
    return f"{legible or 'device'}-{digest[:16]}"


def reason(error: OSError) -> str:
    """Say in the system's own words what went wrong."""
    return error.strerror or str(error)


def _xdg(environ: Mapping[str, str]) -> Path:
    named = Path(environ.get("XDG_STATE_HOME", ""))
    # A relative path is to be ignored, says the specification.
    if named.is_absolute():
        return named
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        raise StateError(f"there is no home folder; set {VARIABLE} to a folder") from None
    return home.absolute() / ".local" / "state"


def _made(folder: Path, mode: int) -> Path:
    try:
        # Parents belong to the user, too: what is kept may tell the phone's Wi-Fi networks.
        _make_parents(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode)
            # mkdir leaves out what the umask does not let through.
            folder.chmod(mode)
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        raise StateError(f"{folder}: the lab cannot keep its state here: {reason(error)}") from None
    except ValueError as error:
        raise StateError(f"{str(folder)!r}: not a folder's name: {error}") from None
    if not is_folder:
        raise StateError(f"{folder}: the lab cannot keep its state here: not a folder")
    return folder


def _make_parents(folder: Path) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        with contextlib.suppress(FileExistsError):
            parent.mkdir(PRIVATE)
