"""Commands that find something: command, env, find, which."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lab.phone.android.shell.builtins import BUILTINS
from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.files import FileError

FOLDER = "/system/bin"
MAX_FOUND = 100_000
"""Files and folders that find looks at."""


def _where(process: Process, name: str) -> str | None:
    """Return what is run by that name, None where nothing is."""
    if not process.shell.knows(name):
        return None
    if name in BUILTINS or name.startswith("/"):
        return name
    return f"{FOLDER}/{name}"


def _which(process: Process) -> int:
    _, names = options(process, "a")
    found = [_where(process, name) for name in names]
    process.print_lines(path for path in found if path is not None)
    return 0 if names and None not in found else 1


def _command(process: Process) -> int:
    words = list(process.arguments)
    if words[:1] == ["-p"]:
        del words[0]
    if words[:1] in (["-v"], ["-V"]):
        found = [_where(process, name) for name in words[1:]]
        process.print_lines(path for path in found if path is not None)
        return 0 if found and None not in found else 1
    return process.call(words) if words else 0


def _env(process: Process) -> int:
    if process.arguments:
        raise CommandFailed("env: this phone's env only tells what is exported")
    process.print_lines(f"{name}={value}" for name, value in sorted(process.environment.items()))
    return 0


Want = Callable[[str, bool], bool]


@dataclass(slots=True)
class _Search:
    """What ``find`` is asked for."""

    folders: list[str] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    """Each is called with a name and with whether it is a folder's."""
    most: int = 10**6
    least: int = 0
    """Depths below a starting point, which is 0."""
    end: str = "\n"


def _find(process: Process) -> int:
    search = _read_search(list(process.arguments))
    finder = _Finder(process, search)
    for folder in search.folders or ["."]:
        for path in finder.below(folder, 0):
            process.out.write((path + search.end).encode("utf-8", "replace"))
    return finder.code


class _Finder:
    def __init__(self, process: Process, search: _Search) -> None:
        self._process = process
        self._search = search
        self._left = MAX_FOUND
        self.code = 0

    def below(self, path: str, depth: int) -> Iterator[str]:
        """Yield what is wanted of ``path`` and of all that is in it."""
        self._left -= 1
        if self._left < 0 or self._process.hung_up.is_set():
            raise CommandFailed("find: too many files")
        files, search = self._process.files, self._search
        try:
            is_folder = files.status(path).is_folder
            name = posixpath.basename(path.rstrip("/")) or path
            if depth >= search.least and all(want(name, is_folder) for want in search.wants):
                yield path
            names = files.names(path) if is_folder and depth < search.most else ()
        except FileError as error:
            self._process.complain(str(error))
            self.code = 1
            return
        for name in names:
            yield from self.below(posixpath.join(path, name), depth + 1)


def _read_search(words: list[str]) -> _Search:
    """Read the arguments of ``find``. Raises CommandFailed."""
    search = _Search()
    while words and not words[0].startswith("-"):
        search.folders.append(words.pop(0))
    while words:
        word = words.pop(0)
        if word in ("-print", "-a"):
            continue
        if word == "-print0":
            search.end = "\0"
            continue
        if word not in ("-name", "-iname", "-type", "-maxdepth", "-mindepth"):
            raise CommandFailed(f"find: bad arg '{word[:40]}'")
        if not words:
            raise CommandFailed(f"find: {word} needs 1 argument")
        _apply(search, word, words.pop(0))
    return search


def _apply(search: _Search, word: str, value: str) -> None:
    if word == "-name":
        search.wants.append(lambda name, _: fnmatch.fnmatchcase(name, value))
    elif word == "-iname":
        search.wants.append(lambda name, _: fnmatch.fnmatchcase(name.lower(), value.lower()))
    elif word == "-type":
        if value not in ("d", "f"):
            raise CommandFailed(f"find: bad -type '{value[:20]}'")
        search.wants.append(lambda _, is_folder: is_folder is (value == "d"))
    elif not value.isascii() or not value.isdigit():
        raise CommandFailed(f"find: bad number '{value[:20]}'")
    elif word == "-maxdepth":
        search.most = int(value[:6])
    else:
        search.least = int(value[:6])


COMMANDS = {"command": _command, "env": _env, "find": _find, "which": _which}
