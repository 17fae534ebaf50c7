"""Commands that work on what is known of files: chcon, chgrp, chmod, chown, restorecon, stat."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lab.phone.android.accounts import name_of, number_of
from lab.phone.android.shell.files import below, each_path, mode_text
from lab.phone.android.shell.process import Command, CommandFailed, Process, options
from lab.phone.files import FileError

_CLAUSE = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)")
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}
_UMASK = 0o022
MAX_FORMAT = 200
"""Characters of stat's format."""


def changed_mode(text: str, mode: int, *, is_folder: bool) -> int:
    """Return what chmod makes of a mode; ``text`` is octal or clauses such as ``u+rw,go-w``.

    Raises ValueError.
    """
    if re.fullmatch(r"[0-7]{1,4}", text):
        return int(text, 8)
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise ValueError(text)
        letters = match[3]
        if "X" in letters:
            letters = letters.replace("X", "x" if is_folder or mode & 0o111 else "")
        who = 0
        for letter in match[1]:
            who |= _WHO[letter]
        mask = who or (0o7777 & ~_UMASK)
        bits = 0
        for letter in letters:
            bits |= _BITS[letter]
        bits &= mask
        if match[2] == "+":
            mode |= bits
        elif match[2] == "-":
            mode &= ~bits
        else:
            mode = (mode & ~((who or 0o7777) & 0o777)) | bits
    return mode


def _chmod(process: Process) -> int:
    # A mode may begin with a minus, as options do.
    found, rest = "", list(process.arguments)
    while rest and rest[0] in ("-R", "-v", "-f", "--"):
        found += rest.pop(0)
    if len(rest) < 2:
        raise CommandFailed("chmod: Needs 2 arguments")
    text, files = rest[0], process.files

    def change(path: str) -> None:
        for each in below(files, path) if "R" in found else [path]:
            status = files.status(each)
            try:
                mode = changed_mode(text, status.attributes.mode, is_folder=status.is_folder)
            except ValueError:
                raise CommandFailed(f"chmod: bad mode '{text[:40]}'") from None
            files.change(each, mode=mode)

    return each_path(process, rest[1:], change)


def _chown(process: Process) -> int:
    found, paths = options(process, "Rvfh")
    if len(paths) < 2:
        raise CommandFailed(f"{process.name}: Needs 2 arguments")
    owner, colon, group = paths[0].replace(".", ":", 1).partition(":")
    if process.name == "chgrp":
        owner, group = "", paths[0]
    try:
        uid = number_of(owner) if owner else None
        gid = number_of(group) if group else (uid if colon else None)
    except ValueError:
        raise CommandFailed(f"{process.name}: bad user/group '{paths[0][:40]}'") from None
    files = process.files

    def change(path: str) -> None:
        for each in below(files, path) if "R" in found else [path]:
            files.change(each, uid=uid, gid=gid)

    return each_path(process, paths[1:], change)


def _chcon(process: Process) -> int:
    """Take a label, which nothing on this phone looks at."""
    found, paths = options(process, "hRvFrnD")
    wanted = paths[1:] if process.name == "chcon" else paths
    if not wanted:
        raise CommandFailed(f"{process.name}: Needs {1 + (process.name == 'chcon')} arguments")
    files = process.files

    def label(path: str) -> None:
        files.status(path)
        if not process.identity.root:
            raise FileError(path, "Operation not permitted")
        # Fails where nothing about the file can be changed.
        files.change(path)

    del found
    return each_path(process, wanted, label)


def _stat(process: Process) -> int:
    found, paths = options(process, "tL", "c")
    if not paths:
        raise CommandFailed("stat: Needs 1 argument")
    if len(found.get("c", "")) > MAX_FORMAT:
        raise CommandFailed("stat: the format is too long")
    files = process.files

    def tell(path: str) -> None:
        status = files.status(path)
        attributes = status.attributes
        moment = datetime.fromtimestamp(status.modified, UTC)
        values = {
            "n": path,
            "a": f"{attributes.mode:o}",
            "A": mode_text(status),
            "u": str(attributes.uid),
            "U": name_of(attributes.uid),
            "g": str(attributes.gid),
            "G": name_of(attributes.gid),
            "s": str(status.size),
            "F": "directory" if status.is_folder else "regular file",
            "Y": str(int(status.modified)),
            "y": f"{moment:%Y-%m-%d %H:%M:%S.%f}000 +0000",
            "i": str(status.number),
            "h": "2" if status.is_folder else "1",
            "%": "%",
        }
        shown = found.get("c", _SHOWN)
        process.out.line(re.sub(r"%(.)", lambda match: values.get(match[1], match[0]), shown))

    return each_path(process, paths, tell)


_SHOWN = (
    "  File: %n\n  Size: %s\t %F\nDevice: -\t Inode: %i\t Links: %h\n"
    "Access: (%a/%A)\tUid: (%u/ %U)\tGid: (%g/ %G)\nModify: %y"
)

COMMANDS: dict[str, Command] = {
    "chcon": _chcon,
    "chgrp": _chown,
    "chmod": _chmod,
    "chown": _chown,
    "restorecon": _chcon,
    "stat": _stat,
}
