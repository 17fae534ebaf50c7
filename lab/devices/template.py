"""Text with blanks: ``{url}`` is filled in by the lab, ``${TOKEN}`` from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from lab.devices.problems import nearest

_TOKEN = re.compile(
    r"(?P<literal>\{\{|\}\})"
    r"|(?P<variable>\$\{(?!\{)(?P<name>[^{}]*)\})"
    r"|\{(?P<blank>[^{}]*)\}"
    r"|(?P<stray>[{}])"
)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class TemplateError(ValueError):
    """The text is not a template; the message says what is wrong with it."""


class Unset(LookupError):
    """An environment variable that a template asks for is not set; holds its name."""


class _Kind(Enum):
    TEXT = auto()
    BLANK = auto()
    VARIABLE = auto()


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was checked when it was read. ``{{`` and ``}}`` stand for single braces."""

    source: str
    """The text as it was written; it never holds the value of a variable."""
    parts: tuple[tuple[_Kind, str], ...]

    @classmethod
    def parse(cls, source: str, known: frozenset[str]) -> Template:
        """Read ``source``, which may use the blanks that are ``known``. Raises TemplateError."""
        if "\0" in source:
            raise TemplateError("a NUL character cannot be passed to a program; remove it")
        parts: list[tuple[_Kind, str]] = []
        at = 0
        for token in _TOKEN.finditer(source):
            parts.append((_Kind.TEXT, source[at : token.start()]))
            parts.append(_part(token, known))
            at = token.end()
        parts.append((_Kind.TEXT, source[at:]))
        return cls(source, tuple((kind, text) for kind, text in parts if text))

    @property
    def blanks(self) -> frozenset[str]:
        """The names of the blanks that the lab fills in."""
        return frozenset(text for kind, text in self.parts if kind is _Kind.BLANK)

    @property
    def variables(self) -> frozenset[str]:
        """The names of the environment variables."""
        return frozenset(text for kind, text in self.parts if kind is _Kind.VARIABLE)

    def fill(self, values: Mapping[str, str], environ: Mapping[str, str]) -> str:
        """Return the text with every blank filled in. Raises Unset, and KeyError where
        ``values`` lacks a blank."""
        return "".join(_value(kind, text, values, environ) for kind, text in self.parts)

    def given(self, name: str, value: str) -> Template:
        """Return this template with the blank ``name`` filled in for good."""
        parts = tuple(
            (_Kind.TEXT, value) if part == (_Kind.BLANK, name) else part for part in self.parts
        )
        return Template(self.source, parts)


def _part(token: re.Match[str], known: frozenset[str]) -> tuple[_Kind, str]:
    if token["literal"]:
        return _Kind.TEXT, token["literal"][0]
    if token["stray"]:
        raise TemplateError(f"a single {token['stray']!r}; write it twice where a brace is meant")
    if token["variable"]:
        if not _VARIABLE_NAME.match(token["name"]):
            raise TemplateError(
                f"{token['variable']!r} names no environment variable; write ${{NAME}} with "
                "letters, digits and underscores"
            )
        return _Kind.VARIABLE, token["name"]
    blank = token["blank"]
    if blank not in known:
        hint = nearest(blank, known, form="{{{}}}")
        raise TemplateError(f"unknown placeholder '{{{blank}}}'{hint}")
    return _Kind.BLANK, blank


def _value(kind: _Kind, text: str, values: Mapping[str, str], environ: Mapping[str, str]) -> str:
    if kind is _Kind.BLANK:
        return values[text]
    if kind is _Kind.VARIABLE:
        if text not in environ:
            raise Unset(text)
        return environ[text]
    return text
