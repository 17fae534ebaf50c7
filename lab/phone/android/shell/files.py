"""Commands that work on files: ls, mkdir, rm, screencap."""

from __future__ import annotations

from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.files import FileError


def _ls(process: Process) -> int:
    found, paths = options(process, "1aAldh")
    code = 0
    for path in paths or ["/"]:
        try:
            names = (path,) if "d" in found else process.phone.files.names(path)
        except FileError as error:
            process.complain(str(error))
            code = 1
            continue
        shown = [name for name in names if "a" in found or "A" in found or name[:1] != "."]
        if "l" in found:
            shown = [_long(process, path, name) for name in shown]
        process.print_lines(shown)
    return code


def _long(process: Process, folder: str, name: str) -> str:
    """Return a line of ``ls -l``, without the times: the phone's files have none of its own."""
    host = process.phone.files.host_path(name if name == folder else f"{folder}/{name}")
    try:
        kind, size = ("drwxr-xr-x", 0) if host.is_dir() else ("-rw-r--r--", host.stat().st_size)
    except OSError:
        raise FileError(name, "No such file or directory") from None
    return f"{kind} 1 root root {size:8} {name}"


def _mkdir(process: Process) -> int:
    found, paths = options(process, "pv", "m")
    if not paths:
        raise CommandFailed("mkdir: Needs 1 argument")
    for path in paths:
        host = process.phone.files.host_path(path)
        if host.exists() and "p" not in found:
            raise FileError(path, "File exists")
        if not host.parent.is_dir() and "p" not in found:
            raise FileError(path, "No such file or directory")
        process.phone.files.make_folder(path)
    return 0


def _rm(process: Process) -> int:
    found, paths = options(process, "rRfv")
    force = "f" in found
    if not paths and not force:
        raise CommandFailed("rm: Needs 1 argument")
    code = 0
    for path in paths:
        if force and not process.phone.files.host_path(path).exists():
            continue
        try:
            process.phone.files.remove(path, recursive="r" in found or "R" in found)
        except FileError as error:
            process.complain(str(error))
            code = 1
    return code


def _screencap(process: Process) -> int:
    _, paths = options(process, "p", "d")
    picture = process.screen.picture()
    if paths:
        process.phone.files.write(paths[0], picture)
    else:
        process.out.write(picture)
    return 0


COMMANDS = {"ls": _ls, "mkdir": _mkdir, "rm": _rm, "screencap": _screencap}
