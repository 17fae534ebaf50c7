"""The shell's grammar: words, quotes, lists, pipes and redirections, as in Android's mksh.

No expansions but file name patterns. What is not understood is refused, never guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_COMMAND = 16 * 1024 * 1024
"""Characters of a command line; a file may be in it."""


class SyntaxFailed(Exception):
    """The command line is not one; ``str()`` is what the shell says."""


class Condition(StrEnum):
    """When a pipeline of a list is run."""

    ALWAYS = ";"
    IF_SUCCEEDED = "&&"
    IF_FAILED = "||"


@dataclass(frozen=True, slots=True)
class Word:
    """One word, quotes removed."""

    text: str
    pattern: str | None = None
    """Where it has unquoted ``*``, ``?`` or ``[``: the same for ``fnmatch``, what was quoted
    escaped."""


class Direction(StrEnum):
    """What a redirection does."""

    READ = "<"
    WRITE = ">"
    APPEND = ">>"
    SAME_AS = ">&"


@dataclass(frozen=True, slots=True)
class Redirection:
    """One redirection of a file descriptor."""

    descriptor: int
    direction: Direction
    target: Word


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """A command with its arguments and redirections, in the order written."""

    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands of which each reads what the one before writes."""

    condition: Condition
    commands: tuple[SimpleCommand, ...]


_BLANK = re.compile(r"[ \t]+|\\\n")
_COMMENT = re.compile(r"#[^\n]*")
_REDIRECT = re.compile(r"(\d?)(>>|>&|<&|<<|<|>)")
_CONTROL = re.compile(r"&&|\|\||;;|[;&|\n()]")
_PLAIN = re.compile(r"[^ \t\n'\"\\$`;&|<>()*?\[]+")
_SINGLE = re.compile(r"'([^']*)'")
_EXPANSION = re.compile(r"\$[A-Za-z0-9_?$!#*@({\-]|`")
_DOUBLE_PLAIN = re.compile(r"[^\"\\$`]+")


def parse(line: str) -> tuple[Pipeline, ...]:
    """Return the pipelines of a command line. Raises SyntaxFailed, nothing else."""
    if len(line) > MAX_COMMAND:
        raise SyntaxFailed("the command line is too long")
    if "\0" in line:
        raise SyntaxFailed("syntax error: unexpected NUL character")
    return _Parser(line).parse()


class _Parser:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def parse(self) -> tuple[Pipeline, ...]:
        pipelines: list[Pipeline] = []
        condition = Condition.ALWAYS
        while True:
            pipeline = self._pipeline(condition)
            if pipeline is not None:
                pipelines.append(pipeline)
            sign = self._control()
            if pipeline is None and (sign not in ("\n", "") or condition is not Condition.ALWAYS):
                if sign == "\n":
                    continue  # A line may end after && and ||.
                raise _unexpected(sign)
            if sign == "":
                return tuple(pipelines)
            if sign not in ("\n", *Condition):
                raise _unexpected(sign)
            condition = Condition.ALWAYS if sign == "\n" else Condition(sign)

    def _pipeline(self, condition: Condition) -> Pipeline | None:
        commands: list[SimpleCommand] = []
        while True:
            command = self._command()
            if command is None:
                if commands:
                    raise _unexpected(self._control())
                return None
            commands.append(command)
            if self._peek() != "|" or self._line.startswith("||", self._at):
                return Pipeline(condition, tuple(commands))
            self._at += 1
            while self._peek() == "\n":
                self._at += 1

    def _command(self) -> SimpleCommand | None:
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            self._skip()
            if (match := _REDIRECT.match(self._line, self._at)) is not None:
                redirections.append(self._redirection(match))
            elif self._at == len(self._line) or _CONTROL.match(self._line, self._at):
                break
            else:
                words.append(self._word())
        return SimpleCommand(tuple(words), tuple(redirections)) if words or redirections else None

    def _redirection(self, match: re.Match[str]) -> Redirection:
        sign = match[2]
        if sign in ("<<", "<&"):
            raise _unexpected(sign)
        direction = Direction(sign)
        default = 0 if direction is Direction.READ else 1
        descriptor = int(match[1]) if match[1] else default
        allowed = (0,) if direction is Direction.READ else (1, 2)
        if descriptor not in allowed:
            raise SyntaxFailed(f"{descriptor}: bad file descriptor")
        self._at = match.end()
        self._skip()
        if self._at == len(self._line) or _CONTROL.match(self._line, self._at):
            raise _unexpected(self._control())
        if _REDIRECT.match(self._line, self._at):
            raise _unexpected(self._line[self._at])
        target = self._word()
        if direction is Direction.SAME_AS and target.text not in ("1", "2"):
            raise SyntaxFailed(f"{target.text[:20]}: bad file descriptor")
        return Redirection(descriptor, direction, target)

    def _word(self) -> Word:
        text: list[str] = []
        pattern: list[str] = []
        is_pattern = False
        while self._at < len(self._line):
            sign = self._line[self._at]
            if (plain := _PLAIN.match(self._line, self._at)) is not None:
                part = plain[0]
                self._at = plain.end()
            elif sign == "'":
                part = self._single()
            elif sign == '"':
                part = self._double()
            elif sign == "\\":
                part = self._escaped()
            elif sign == "$" or sign == "`":
                part = self._dollar()
            elif sign in "*?[":
                self._at += 1
                text.append(sign)
                pattern.append(sign)
                is_pattern = True
                continue
            else:
                break
            text.append(part)
            pattern.append(re.sub(r"[*?\[]", r"[\g<0>]", part))
        return Word("".join(text), "".join(pattern) if is_pattern else None)

    def _single(self) -> str:
        match = _SINGLE.match(self._line, self._at)
        if match is None:
            raise SyntaxFailed("no closing quote")
        self._at = match.end()
        return match[1]

    def _double(self) -> str:
        parts: list[str] = []
        self._at += 1
        while True:
            if self._at == len(self._line):
                raise SyntaxFailed("no closing quote")
            sign = self._line[self._at]
            if sign == '"':
                self._at += 1
                return "".join(parts)
            if sign == "\\":
                following = self._line[self._at + 1 : self._at + 2]
                self._at += 2 if following else 1
                special = following in ('"', "\\", "$", "`")
                parts.append(
                    following if special else "" if following == "\n" else sign + following
                )
            elif sign in "$`":
                parts.append(self._dollar())
            else:
                plain = _DOUBLE_PLAIN.match(self._line, self._at)
                assert plain is not None, "every other sign has been dealt with"
                parts.append(plain[0])
                self._at = plain.end()

    def _escaped(self) -> str:
        following = self._line[self._at + 1 : self._at + 2]
        self._at += 1 + len(following)
        return "" if following == "\n" else following or "\\"

    def _dollar(self) -> str:
        match = _EXPANSION.match(self._line, self._at)
        if match is not None:
            raise SyntaxFailed(f"{match[0]}: this phone's shell has no variables")
        self._at += 1
        return "$"

    def _skip(self) -> None:
        while (match := _BLANK.match(self._line, self._at)) is not None:
            self._at = match.end()
        # Words have been taken whole, so a # here begins one.
        if (match := _COMMENT.match(self._line, self._at)) is not None:
            self._at = match.end()

    def _peek(self) -> str:
        self._skip()
        return self._line[self._at : self._at + 1]

    def _control(self) -> str:
        """Return the next control operator, empty at the end."""
        self._skip()
        match = _CONTROL.match(self._line, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]


def _unexpected(sign: str) -> SyntaxFailed:
    shown = {"": "EOF", "\n": "newline"}.get(sign, f"'{sign}'")
    return SyntaxFailed(f"syntax error: unexpected {shown}")
