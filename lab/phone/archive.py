"""Zip archives from outside, such as the packages of apps: one file of them, with limits."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

MAX_DIRECTORY = 4 * 1024 * 1024
"""Bytes of the archive's list of files."""

# PKWARE's APPNOTE.TXT, sections 4.3.15 and 4.3.16.
_END = struct.Struct("<4sHHHHIIH")
_END_SIGN, _LARGE_SIGN = b"PK\x05\x06", b"PK\x06\x07"
_LARGE_LOCATOR = 20
_MAX_COMMENT = 65535


class BadArchive(Exception):
    """It is no archive, or one of too many files; ``str()`` says which."""


class NotInArchive(Exception):
    """The file is not there, or is too long; ``str()`` says which."""


def read_one(archive: Path, choose: Callable[[Sequence[str]], str | None], limit: int) -> bytes:
    """Return the file of an archive that ``choose`` picks from the names of all, ``limit`` bytes
    at most. Raises BadArchive, NotInArchive."""
    try:
        with archive.open("rb") as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as opened:
                name = choose(opened.namelist())
                if name is None or name not in opened.NameToInfo:
                    raise NotInArchive(
                        "it has no such file" if name is None else f"it has no {name}"
                    )
                with opened.open(name) as member:
                    content = member.read(limit + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        # Of zipfile for what is encrypted, compressed in a way it does not know, or nonsense.
        RuntimeError,
        NotImplementedError,
        ValueError,
        struct.error,
    ) as error:
        raise BadArchive(f"not an archive: {error}") from None
    if len(content) > limit:
        raise NotInArchive("it is too long")
    return content


def _check_directory(file: io.BufferedReader) -> None:
    """See to it that the list of files is short enough to be read. Raises BadArchive."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - _END.size - _MAX_COMMENT))
    tail = file.read()
    at = tail.rfind(_END_SIGN)
    if at < 0 or len(tail) - at < _END.size:
        raise BadArchive("not an archive")
    size = _END.unpack_from(tail, at)[5]
    if size > MAX_DIRECTORY or tail.find(_LARGE_SIGN, max(0, at - _LARGE_LOCATOR), at) >= 0:
        raise BadArchive("the archive has too many files")
    file.seek(0)
