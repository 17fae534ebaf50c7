"""The shell's words: quotes, escapes, variables and substitutions, as in Android's mksh."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.phone.android.shell.tree import Literal, Part, Script, Substitution, Variable, Word

MAX_DEPTH = 20
"""How deep substitutions and compound commands may be nested."""

_PLAIN = re.compile(r"[^ \t\n'\"\\$`;&|<>()]+")
_PLAIN_IN_BRACES = re.compile(r"[^'\"\\$`}]+")
_PLAIN_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_PLAIN_IN_BOTH = re.compile(r"[^\"\\$`}]+")
_SINGLE = re.compile(r"'([^']*)'")
_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*|[0-9?#@*$])")
_UNKNOWN = re.compile(r"\$([!\-])")
_BRACED = re.compile(r"\$\{(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]|[?#@*$](?=[^}]*\}))")
_OPERATOR = re.compile(r":[-=+?]|##|%%|[-=+?#%]")
_BACKQUOTED = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)

LENGTH = "length"
"""Operator of ``${#NAME}``."""


class SyntaxFailed(Exception):
    """The command line is not one; ``str()`` is what the shell says."""


class Incomplete(SyntaxFailed):
    """The command line is not one yet: more lines may make it one."""


@dataclass(slots=True)
class Reader:
    """A place in a text, and how to read on from there. Methods raise SyntaxFailed."""

    text: str
    at: int = 0
    depth: int = 0

    @property
    def at_end(self) -> bool:
        """Whether there is nothing more."""
        return self.at >= len(self.text)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match at this place, and go on behind it."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def deeper(self) -> None:
        """Begin something nested."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SyntaxFailed("syntax error: nested too deep")

    def script_until(self, end: str) -> Script:
        """Read the commands up to ``end``, and ``end``."""
        raise NotImplementedError

    def script_of(self, text: str) -> Script:
        """Read a text of its own."""
        raise NotImplementedError

    def word(self) -> Word:
        """Read the word that begins here."""
        return Word(tuple(self._parts(_PLAIN, quoted=False)))

    def _parts(self, plain: re.Pattern[str], *, quoted: bool, end: str = "") -> list[Part]:
        """Read parts up to ``end``, which is passed over; without one, as far as the word goes."""
        parts: list[Part] = []
        while not self.at_end:
            sign = self.text[self.at]
            if end and sign == end:
                self.at += 1
                return parts
            if (found := self.match(plain)) is not None:
                parts.append(Literal(found[0], quoted))
            elif sign == "\\":
                parts.append(self._escaped(quoted))
            elif sign == "'" and not quoted:
                parts.append(self._single())
            elif sign == '"' and not quoted:
                self.at += 1
                # The empty one makes a word even of "".
                parts.append(Literal("", quoted=True))
                parts += self._parts(_PLAIN_IN_QUOTES, quoted=True, end='"')
            elif sign == '"':
                # Quotes within ${...} within quotes.
                self.at += 1
            elif sign in "$`":
                parts.append(self._expansion(quoted))
            else:
                break
        if end:
            raise Incomplete("no closing quote" if end == '"' else f"no closing '{end}'")
        return parts

    def _single(self) -> Literal:
        found = self.match(_SINGLE)
        if found is None:
            raise Incomplete("no closing quote")
        return Literal(found[1], quoted=True)

    def _escaped(self, quoted: bool) -> Literal:
        following = self.text[self.at + 1 : self.at + 2]
        self.at += 1 + len(following)
        if following == "\n":
            return Literal("")
        if quoted and following not in ('"', "\\", "$", "`"):
            return Literal("\\" + following, quoted=True)
        return Literal(following or "\\", quoted=True)

    def _expansion(self, quoted: bool) -> Part:
        text, at = self.text, self.at
        if text.startswith("$((", at):
            raise SyntaxFailed("$((: this phone's shell does not calculate")
        if text.startswith("$(", at):
            self.at += 2
            self.deeper()
            script = self.script_until(")")
            self.depth -= 1
            return Substitution(script, quoted)
        if text[at] == "`":
            return self._backquoted(quoted)
        if text.startswith("${", at):
            return self._braced(quoted)
        if (found := self.match(_UNKNOWN)) is not None:
            raise SyntaxFailed(f"{found[0]}: this phone's shell does not know that")
        if (found := self.match(_NAME)) is not None:
            return Variable(found[1], quoted)
        self.at += 1
        return Literal("$", quoted)

    def _backquoted(self, quoted: bool) -> Substitution:
        found = self.match(_BACKQUOTED)
        if found is None:
            raise Incomplete("no closing quote")
        special = r'\\([\\$`"])' if quoted else r"\\([\\$`])"
        self.deeper()
        script = self.script_of(re.sub(special, r"\1", found[1]))
        self.depth -= 1
        return Substitution(script, quoted)

    def _braced(self, quoted: bool) -> Variable:
        begin = self.at
        found = self.match(_BRACED)
        if found is None:
            raise self._bad(begin)
        length, name = found[1], found[2]
        if self.text.startswith("}", self.at):
            self.at += 1
            return Variable(name, quoted, LENGTH if length else "")
        operator = self.match(_OPERATOR)
        if operator is None or length:
            raise self._bad(begin)
        self.deeper()
        plain = _PLAIN_IN_BOTH if quoted else _PLAIN_IN_BRACES
        word = Word(tuple(self._parts(plain, quoted=quoted, end="}")))
        self.depth -= 1
        return Variable(name, quoted, operator[0], word)

    def _bad(self, begin: int) -> SyntaxFailed:
        shown = self.text[begin : begin + 20]
        if "}" not in self.text[begin:]:
            return Incomplete("no closing '}'")
        return SyntaxFailed(f"{shown}: bad substitution")
