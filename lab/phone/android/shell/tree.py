"""What a command line is once it has been read: a tree of frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that means itself."""

    text: str
    quoted: bool = False
    """Where not, ``*``, ``?`` and ``[`` in it are a file name pattern."""


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of a variable or of a special parameter (``?``, ``#``, ``@``, ``*``, ``$``,
    ``0`` to ``9``)."""

    name: str
    quoted: bool = False
    operator: str = ""
    """Of ``${NAME<operator>word}``; ``#`` before the name is ``length``."""
    word: Word | None = None


@dataclass(frozen=True, slots=True)
class Substitution:
    """What a script writes, without the line ends at its end."""

    script: Script
    quoted: bool = False


Part: TypeAlias = Literal | Variable | Substitution


@dataclass(frozen=True, slots=True)
class Word:
    """One word, in the parts that it is made of."""

    parts: tuple[Part, ...] = ()

    @property
    def literal(self) -> str | None:
        """The word itself where nothing is put in the place of any part."""
        if not all(isinstance(part, Literal) for part in self.parts):
            return None
        return "".join(part.text for part in self.parts if isinstance(part, Literal))


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
class Simple:
    """A command with its assignments, arguments and redirections, in the order written."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """``{ ...; }``, or ``( ... )`` with variables of its own."""

    body: Script
    subshell: bool
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """``if``, ``elif`` and ``else``."""

    branches: tuple[tuple[Script, Script], ...]
    """Conditions and what is run where they hold."""
    otherwise: Script = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """``while`` and ``until``."""

    condition: Script
    body: Script
    until: bool
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """``for NAME in WORD...``; without ``in`` over the script's own arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: Script
    redirections: tuple[Redirection, ...] = ()


Node: TypeAlias = Simple | Group | If | Loop | For


class Condition(StrEnum):
    """When a pipeline of a list is run."""

    ALWAYS = ";"
    IF_SUCCEEDED = "&&"
    IF_FAILED = "||"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands of which each reads what the one before writes."""

    condition: Condition
    commands: tuple[Node, ...]
    negated: bool = False


Script: TypeAlias = tuple[Pipeline, ...]
