"""Commands that work on files: ln, ls, mkdir, pwd, realpath, rm, rmdir, screencap, touch."""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.phone.android.accounts import name_of
from lab.phone.android.shell.process import Command, CommandFailed, Process, options
from lab.phone.files import FileError, PhoneFiles, Status

MAX_FILES = 10_000
"""Files that one command works on."""
_NAMESPACE = re.compile(r"/proc/(\d{1,9}|self)/ns/mnt", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    status: Status


def mode_text(status: Status) -> str:
    """Return a mode as ``ls -l`` shows it."""
    kind = stat.S_IFDIR if status.is_folder else stat.S_IFREG
    return stat.filemode(kind | status.attributes.mode)


def below(files: PhoneFiles, path: str) -> list[str]:
    """Return a path and, where it is a folder, all that is in it; folders before their contents.

    Raises FileError, also for more than MAX_FILES.
    """
    found = [path]
    for each in found:
        if files.status(each).is_folder:
            found += [posixpath.join(each, name) for name in files.names(each)]
        if len(found) > MAX_FILES:
            raise FileError(path, "Argument list too long")
    return found


def each_path(process: Process, paths: list[str], work: Callable[[str], None]) -> int:
    """Call ``work`` with each path; one that cannot be worked on does not keep from the rest."""
    code = 0
    for path in paths:
        try:
            work(path)
        except FileError as error:
            process.complain(str(error))
            code = 1
    return code


def _ls(process: Process) -> int:
    found, paths = options(process, "1aAldhnrtSp")
    files = process.files
    shown: list[tuple[str, list[_Entry]]] = []
    alone: list[_Entry] = []

    def look(path: str) -> None:
        status = files.status(path)
        if "d" in found or not status.is_folder:
            alone.append(_Entry(path, status))
            return
        entries = []
        for name in files.names(path):
            if name[:1] != "." or "a" in found or "A" in found:
                entries.append(_Entry(name, files.status(posixpath.join(path, name))))
        if "a" in found:
            entries = [_Entry(".", status), _Entry("..", files.status(f"{path}/..")), *entries]
        shown.append((path, entries))

    code = each_path(process, paths or ["."], look)
    process.print_lines(_lines(alone, found))
    for number, (path, entries) in enumerate(shown):
        if len(shown) > 1 or (shown and alone):
            process.print_lines([*([""] if number or alone else []), f"{path}:"])
        if "l" in found:
            process.out.line(f"total {sum(-(-entry.status.size // 1024) for entry in entries)}")
        process.print_lines(_lines(entries, found))
    return code


def _lines(entries: list[_Entry], found: dict[str, str]) -> list[str]:
    """Return a folder's entries as ``ls`` shows them."""
    if "S" in found:
        entries = sorted(entries, key=lambda entry: -entry.status.size)
    elif "t" in found:
        entries = sorted(entries, key=lambda entry: -entry.status.modified)
    if "r" in found:
        entries = entries[::-1]
    names = [
        entry.name + ("/" if "p" in found and entry.status.is_folder else "") for entry in entries
    ]
    if "l" not in found:
        return names
    named = str if "n" in found else name_of
    rows = [
        (
            mode_text(entry.status),
            str(2 if entry.status.is_folder else 1),
            named(entry.status.attributes.uid),
            named(entry.status.attributes.gid),
            str(entry.status.size),
            f"{datetime.fromtimestamp(entry.status.modified, UTC):%Y-%m-%d %H:%M}",
            name,
        )
        for entry, name in zip(entries, names, strict=True)
    ]
    user, group, size = (max((len(row[at]) for row in rows), default=0) for at in (2, 3, 4))
    return [
        f"{mode} {links} {owner:<{user}} {owners:<{group}} {length:>{size}} {at} {name}"
        for mode, links, owner, owners, length, at, name in rows
    ]


def _mkdir(process: Process) -> int:
    found, paths = options(process, "pv", "m")
    if not paths:
        raise CommandFailed("mkdir: Needs 1 argument")
    mode = _octal(process, found["m"]) if "m" in found else 0o755
    files = process.files

    def make(path: str) -> None:
        if files.exists(path) and "p" not in found:
            raise FileError(path, "File exists")
        if "p" not in found and not files.exists(posixpath.dirname(files.clean_path(path))):
            raise FileError(path, "No such file or directory")
        files.make_folder(path, mode=mode)

    return each_path(process, paths, make)


def _rmdir(process: Process) -> int:
    _, paths = options(process, "p")
    files = process.files

    def remove(path: str) -> None:
        if not files.status(path).is_folder:
            raise FileError(path, "Not a directory")
        if files.names(path):
            raise FileError(path, "Directory not empty")
        files.remove(path, recursive=True)

    return each_path(process, paths, remove)


def _rm(process: Process) -> int:
    found, paths = options(process, "rRfv")
    force = "f" in found
    if not paths and not force:
        raise CommandFailed("rm: Needs 1 argument")
    files = process.files

    def remove(path: str) -> None:
        try:
            files.remove(path, recursive="r" in found or "R" in found)
        except FileError as error:
            if not (force and error.reason in ("No such file or directory", "Not a directory")):
                raise

    return each_path(process, paths, remove)


def _touch(process: Process) -> int:
    found, paths = options(process, "acm", "d")
    at: float | None = None
    if "d" in found:
        match = re.fullmatch(r"@(\d{1,10}(?:\.\d{1,9})?)", found["d"], re.ASCII)
        if match is None:
            raise CommandFailed(f"touch: bad date '{found['d'][:40]}'")
        at = float(match[1])
    files = process.files

    def touch(path: str) -> None:
        if files.exists(path) or "c" not in found:
            files.touch(path, at)

    return each_path(process, paths, touch)


def _ln(process: Process) -> int:
    _, paths = options(process, "sfnvrT")
    if not paths:
        raise CommandFailed("ln: Needs 1 argument")
    raise CommandFailed(
        f"ln: cannot create link from '{paths[0]}' to '{paths[-1]}': Operation not permitted"
    )


def _realpath(process: Process) -> int:
    found, paths = options(process, "efmnq")
    files = process.files

    def tell(path: str) -> None:
        clean = files.clean_path(path)
        match = _NAMESPACE.fullmatch(clean)
        if match is not None and process.identity.root:
            pid = process.identity.namespace if match[1] == "self" else int(match[1])
            process.out.line(f"mnt:[{process.system.mounts.number(pid)}]")
            return
        if process.name == "readlink" and not {"e", "f", "m"} & found.keys():
            # There are no links: nothing is to be read.
            files.status(path)
            raise FileError(path, "Invalid argument")
        if "m" not in found:
            files.status(posixpath.dirname(clean))
        process.out.line(clean)

    return each_path(process, paths, tell)


def _pwd(process: Process) -> int:
    process.out.line(process.identity.folder)
    return 0


def _octal(process: Process, text: str) -> int:
    if re.fullmatch(r"[0-7]{1,4}", text) is None:
        raise CommandFailed(f"{process.name}: bad mode '{text[:20]}'")
    return int(text, 8)


def _screencap(process: Process) -> int:
    _, paths = options(process, "p", "d")
    picture = process.screen.picture()
    if paths:
        process.files.write(paths[0], picture)
    else:
        process.out.write(picture)
    return 0


COMMANDS: dict[str, Command] = {
    "ln": _ln,
    "ls": _ls,
    "mkdir": _mkdir,
    "pwd": _pwd,
    "readlink": _realpath,
    "realpath": _realpath,
    "rm": _rm,
    "rmdir": _rmdir,
    "screencap": _screencap,
    "touch": _touch,
}
