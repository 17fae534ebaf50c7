"""What words become when a command is run: values, fields, file names (POSIX, XCU 2.6)."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterable

from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import CommandFailed
from lab.phone.android.shell.tree import Literal, Script, Substitution, Variable, Word
from lab.phone.android.shell.words import LENGTH
from lab.phone.files import FileError

MAX_WORDS = 10_000
"""Arguments of one command, file names from patterns included."""
MAX_TEXT = 16 * 1024 * 1024
"""Characters of all arguments of one command."""
MAX_PATTERN = 200
"""Characters of the pattern in ``${NAME#pattern}`` and its like."""
MAX_TRIMMED = 2000
"""Characters of a value that such a pattern is tried on, at every place."""

BLANKS = " \t\n"
_MAGIC = re.compile(r"[*?\[]")

Names = Callable[[str], Iterable[str]]
"""Returns the names in a folder. Raises FileError."""
Write = Callable[[Script], str]
"""Runs a script and returns what it writes."""

Spend = Callable[[int], None]
"""Told how many characters words have come to. May raise what ends the script."""


class Expansion:
    """Expands words in a scope; methods raise CommandFailed."""

    def __init__(self, scope: Scope, names: Names, write: Write, spend: Spend) -> None:
        self._scope = scope
        self._names = names
        self._write = write
        self._spend = spend

    def fields(self, words: Iterable[Word]) -> list[str]:
        """Return the arguments that ``words`` become."""
        expanded: list[str] = []
        left = MAX_TEXT
        for word in words:
            fields = _Fields(self._scope.variables.get("IFS", BLANKS))
            self._add(fields, word)
            for text, pattern in fields.done():
                found = [] if pattern is None else self._files(pattern)
                expanded += found or [text]
                length = len(text) + sum(map(len, found))
                self._spend(length)
                left -= length
                if len(expanded) > MAX_WORDS or left < 0:
                    raise CommandFailed(f"{SHELL}: Argument list too long")
        return expanded

    def text(self, word: Word) -> str:
        """Return what a word becomes where it stays one: in assignments and redirections."""
        fields = _Fields("")
        self._add(fields, word)
        text = " ".join(text for text, _ in fields.done())
        self._spend(len(text))
        if len(text) > MAX_TEXT:
            raise CommandFailed(f"{SHELL}: Out of memory")
        return text

    def _add(self, fields: _Fields, word: Word, *, inserted: bool = False) -> None:
        """Add a word's parts; one that is put in a variable's place is cut like a value."""
        for part in word.parts:
            if isinstance(part, Literal):
                (fields.add_value if inserted else fields.add)(part.text, quoted=part.quoted)
            elif isinstance(part, Substitution):
                fields.add_value(self._write(part.script), quoted=part.quoted)
            elif part.name == "@" and not part.operator:
                fields.add_each(self._scope.arguments[1:], quoted=part.quoted)
            else:
                self._add_variable(fields, part)

    def _add_variable(self, fields: _Fields, part: Variable) -> None:
        value = self._scope.get(part.name)
        operator, word = part.operator, part.word
        if operator == LENGTH:
            fields.add_value(str(len(value or "")), quoted=part.quoted)
        elif word is None:
            fields.add_value(value or "", quoted=part.quoted)
        elif operator in ("#", "##", "%", "%%"):
            fields.add_value(_trim(value or "", operator, self.text(word)), quoted=part.quoted)
        else:
            self._add_instead(fields, part, word, value)

    def _add_instead(self, fields: _Fields, part: Variable, word: Word, value: str | None) -> None:
        """``${NAME-word}`` and its like; with a colon, empty counts as not set."""
        is_set = value is not None and (value != "" or not part.operator.startswith(":"))
        kind = part.operator[-1]
        if kind == "+":
            if is_set:
                self._add(fields, word, inserted=True)
        elif is_set:
            fields.add_value(value or "", quoted=part.quoted)
        elif kind == "-":
            self._add(fields, word, inserted=True)
        elif kind == "?" or not part.name.isidentifier():
            raise CommandFailed(f"{SHELL}: {part.name}: {self.text(word) or 'parameter not set'}")
        else:
            text = self.text(word)
            self._scope.set(part.name, text)
            fields.add_value(text, quoted=part.quoted)

    def _files(self, pattern: str) -> list[str]:
        """Return the files that a pattern means; a relative one begins in the shell's folder."""
        parts = pattern.split("/")
        relative = bool(parts[0])
        start = self._scope.identity.folder.rstrip("/") if relative else ""
        found = [start]
        for part in parts if relative else parts[1:]:
            if not found:
                return []
            found = [path for folder in found for path in self._matching(folder, part)]
            if len(found) > MAX_WORDS:
                raise CommandFailed(f"{SHELL}: Argument list too long")
        return sorted(path.removeprefix(f"{start}/") if relative else path for path in found)

    def _matching(self, folder: str, part: str) -> list[str]:
        if not _MAGIC.search(re.sub(r"\[[*?\[]\]", "", part)):
            path = f"{folder}/{_unescaped(part)}"
            return [path] if not part or self._exists(path) else []
        try:
            names = list(self._names(folder or "/"))
        except FileError:
            return []
        hidden = part.startswith(".")
        return [
            f"{folder}/{name}"
            for name in names
            # A file's own path stands for itself; it is no folder to look into.
            if "/" not in name
            and fnmatch.fnmatchcase(name, part)
            and name.startswith(".") == hidden
        ]

    def _exists(self, path: str) -> bool:
        try:
            names = list(self._names(posixpath.dirname(path)))
        except FileError:
            return False
        return posixpath.basename(path) in names


class _Fields:
    """The fields that a word is cut into, each with its text and, where it has an unquoted
    pattern, that pattern for ``fnmatch``."""

    def __init__(self, separators: str) -> None:
        self._separators = separators
        self._done: list[tuple[str, str | None]] = []
        self._text: list[str] | None = None
        self._pattern: list[str] = []
        self._is_pattern = False

    def add(self, text: str, *, quoted: bool) -> None:
        """Add to the field at hand."""
        if self._text is None:
            if not text and not quoted:
                return
            self._text = []
        self._text.append(text)
        if quoted:
            self._pattern.append(re.sub(r"[*?\[]", r"[\g<0>]", text))
        else:
            self._pattern.append(text)
            self._is_pattern = self._is_pattern or _MAGIC.search(text) is not None

    def add_value(self, value: str, *, quoted: bool) -> None:
        """Add a value; unquoted, it is cut at the separators."""
        if quoted or not self._separators:
            self.add(value, quoted=quoted)
            return
        for text, separator in cut(value, self._separators):
            self.add(text, quoted=False)
            if separator.strip(BLANKS) and self._text is None:
                self.add("", quoted=True)
            if separator:
                self._finish()

    def add_each(self, values: Iterable[str], *, quoted: bool) -> None:
        """Add values that are a field each."""
        for number, value in enumerate(values):
            if number:
                self._finish()
            self.add_value(value, quoted=quoted)

    def done(self) -> list[tuple[str, str | None]]:
        """Return all fields."""
        self._finish()
        return self._done

    def _finish(self) -> None:
        if self._text is not None:
            pattern = "".join(self._pattern) if self._is_pattern else None
            self._done.append(("".join(self._text), pattern))
        self._text, self._pattern, self._is_pattern = None, [], False


def cut(value: str, separators: str) -> list[tuple[str, str]]:
    """Cut a value into texts, each with the separator behind it; blanks count once."""
    blanks = "".join(sign for sign in separators if sign in BLANKS)
    others = "".join(sign for sign in separators if sign not in BLANKS)
    blank = f"[{re.escape(blanks)}]" if blanks else r"(?!)"
    pattern = f"{blank}+"
    if others:
        pattern = f"{blank}*[{re.escape(others)}]{blank}*|{blank}+"
    pieces = re.split(f"({pattern})", value)
    return list(zip(pieces[::2], [*pieces[1::2], ""], strict=True))


def _trim(value: str, operator: str, pattern: str) -> str:
    """Take the shortest (``#``, ``%``) or longest match off the front or the end."""
    if len(pattern) > MAX_PATTERN:
        raise CommandFailed(f"{SHELL}: a pattern is longer than {MAX_PATTERN} characters")
    if not _MAGIC.search(pattern):
        return value.removeprefix(pattern) if operator[0] == "#" else value.removesuffix(pattern)
    if len(value) > MAX_TRIMMED:
        raise CommandFailed(f"{SHELL}: too long to trim: more than {MAX_TRIMMED} characters")
    matcher = re.compile(fnmatch.translate(pattern))
    cuts: Iterable[int] = range(len(value) + 1)
    if operator in ("##", "%"):
        cuts = reversed(range(len(value) + 1))
    for cut in cuts:
        taken, kept = value[:cut], value[cut:]
        if operator[0] == "%":
            taken, kept = kept, taken
        if matcher.match(taken) is not None:
            return kept
    return value


def _unescaped(pattern: str) -> str:
    return re.sub(r"\[([*?\[])\]", r"\1", pattern)
