"""``cp`` and ``mv``."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from lab.phone.android.shell.files import below, each_path
from lab.phone.android.shell.process import Command, CommandFailed, Process, options
from lab.phone.files import FileError, PhoneFiles

_UMASK = 0o022


def _cp(process: Process) -> int:
    found, paths = options(process, "rRafpnvT")
    if "a" in found:
        found |= {"r": "", "p": ""}
    recursive = bool({"r", "R"} & found.keys())

    def copy(source: str, target: str) -> None:
        files = process.files
        if files.status(source).is_folder and not recursive:
            raise FileError(source, "Is a directory")
        start = files.clean_path(source)
        if f"{files.clean_path(target)}/".startswith(f"{start}/"):
            raise FileError(target, "Invalid argument")
        for path in below(files, start):
            to = target + path[len(start) :]
            if not ("n" in found and files.exists(to)):
                _copy_one(files, path, to, keep="p" in found)

    return _each_to(process, paths, copy)


def _copy_one(files: PhoneFiles, source: str, target: str, *, keep: bool) -> None:
    status = files.status(source)
    mode = status.attributes.mode & ~_UMASK
    is_new = not files.exists(target)
    if status.is_folder:
        files.make_folder(target, mode=mode)
    else:
        content = files.read(source)
        if is_new and not files.exists(posixpath.dirname(files.clean_path(target))):
            raise FileError(target, "No such file or directory")
        files.write(target, content, mode=mode)
    if keep:
        kept = status.attributes
        files.change(target, mode=kept.mode)
        files.touch(target, status.modified)
        if files.status(target).attributes != kept:
            files.change(target, uid=kept.uid, gid=kept.gid)


def _mv(process: Process) -> int:
    found, paths = options(process, "fnvT")
    files = process.files

    def move(source: str, target: str) -> None:
        files.status(source)
        if not ("n" in found and files.exists(target)):
            files.move(source, target)

    return _each_to(process, paths, move)


def _each_to(process: Process, paths: list[str], work: Callable[[str, str], None]) -> int:
    """Call ``work`` with each of the first paths and where it is to go: the last of them, or into
    it where that is a folder."""
    if len(paths) < 2:
        raise CommandFailed(f"{process.name}: Needs 2 arguments")
    files, last = process.files, paths[-1]
    is_folder = files.exists(last) and files.status(last).is_folder
    if len(paths) > 2 and not is_folder:
        raise CommandFailed(f"{process.name}: '{last}' not directory")

    def one(path: str) -> None:
        name = posixpath.basename(files.clean_path(path))
        work(path, posixpath.join(last, name) if is_folder else last)

    return each_path(process, paths[:-1], one)


COMMANDS: dict[str, Command] = {"cp": _cp, "mv": _mv}
