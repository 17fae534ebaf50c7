"""The shell's grammar: lists, pipes, redirections and compound commands, as in Android's mksh.

What is not understood is refused, never guessed at. Without: functions, ``case``, here documents,
arithmetic, background jobs.
"""

from __future__ import annotations

import re

from lab.phone.android.shell.tree import (
    Condition,
    Direction,
    For,
    Group,
    If,
    Loop,
    Node,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Word,
)
from lab.phone.android.shell.words import Incomplete, Reader, SyntaxFailed

MAX_COMMAND = 16 * 1024 * 1024
"""Characters of a command line; a file may be in it."""

_BLANK = re.compile(r"(?:[ \t]+|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_REDIRECT = re.compile(r"(\d?)(>>|>&|<&|<<|<|>)")
_CONTROL = re.compile(r"&&|\|\||;;|[;&|\n()]")
_SEMICOLON = re.compile(r";(?!;)")
_RESERVED = re.compile(
    r"(if|then|elif|else|fi|for|while|until|do|done|case|esac|function|\{|\}|!)"
    r"(?=[ \t\n;&|()<>]|\\\n|\Z)"
)
_IN = re.compile(r"in(?=[ \t\n;&|()<>]|\\\n|\Z)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=[ \t\n;&|()<>]|\\\n|\Z)")
_FUNCTION = re.compile(r"[^ \t\n'\"\\$`;&|<>()]+[ \t]*\([ \t]*\)")

_BEGINNINGS = frozenset({"if", "for", "while", "until", "{", "!"})
_UNKNOWN = frozenset({"case", "esac", "function"})


def parse(line: str) -> Script:
    """Return the pipelines of a command line. Raises SyntaxFailed, nothing else; Incomplete where
    more lines may make it one."""
    if len(line) > MAX_COMMAND:
        raise SyntaxFailed("the command line is too long")
    if "\0" in line:
        raise SyntaxFailed("syntax error: unexpected NUL character")
    return _Parser(line).whole()


class _Parser(Reader):
    """Reads commands; words are read by its base."""

    def whole(self) -> Script:
        """Read everything."""
        script = self._list()
        if not self.at_end:
            raise self._unexpected()
        return script

    def script_until(self, end: str) -> Script:
        script = self._list()
        self._expect_sign(end)
        return script

    def script_of(self, text: str) -> Script:
        return _Parser(text, 0, self.depth).whole()

    def _list(self) -> Script:
        """Read pipelines up to what cannot begin one."""
        pipelines: list[Pipeline] = []
        condition = Condition.ALWAYS
        while True:
            self._skip_lines()
            pipeline = self._pipeline(condition)
            if pipeline is None:
                if condition is not Condition.ALWAYS:
                    raise self._unexpected()
                return tuple(pipelines)
            pipelines.append(pipeline)
            self._skip()
            sign = self._control()
            if sign not in ("\n", *Condition):
                return tuple(pipelines)
            self.at += len(sign)
            condition = Condition.ALWAYS if sign == "\n" else Condition(sign)

    def _body(self) -> Script:
        """Read the commands of a compound one: there must be some."""
        script = self._list()
        if not script:
            raise self._unexpected()
        return script

    def _pipeline(self, condition: Condition) -> Pipeline | None:
        negated = self._take("!")
        commands: list[Node] = []
        while True:
            command = self._command()
            if command is None:
                if commands or negated:
                    raise self._unexpected()
                return None
            commands.append(command)
            self._skip()
            if self._control() != "|":
                return Pipeline(condition, tuple(commands), negated)
            self.at += 1
            self._skip_lines()

    def _command(self) -> Node | None:
        self._skip()
        if self._control() == "(":
            self.at += 1
            return self._group(")", subshell=True)
        word = self._reserved()
        if word is None:
            return self._simple()
        if word in _UNKNOWN:
            raise SyntaxFailed(f"{word}: this phone's shell does not know that")
        if word == "!" or word not in _BEGINNINGS:
            return None
        self.at += len(word)
        if word == "{":
            return self._group("}", subshell=False)
        self.deeper()
        if word == "if":
            return self._if()
        if word == "for":
            return self._for()
        condition = self._body()
        body = self._do()
        return Loop(condition, body, word == "until", self._redirections())

    def _group(self, end: str, *, subshell: bool) -> Group:
        self.deeper()
        body = self._body()
        if subshell:
            self._expect_sign(end)
        else:
            self._expect(end)
        self.depth -= 1
        return Group(body, subshell, self._redirections())

    def _if(self) -> If:
        branches: list[tuple[Script, Script]] = []
        otherwise: Script = ()
        while True:
            condition = self._body()
            self._expect("then")
            branches.append((condition, self._body()))
            if self._take("elif"):
                continue
            if self._take("else"):
                otherwise = self._body()
            self._expect("fi")
            self.depth -= 1
            return If(tuple(branches), otherwise, self._redirections())

    def _for(self) -> For:
        self._skip()
        found = self.match(_NAME)
        if found is None:
            raise self._unexpected()
        words: list[Word] | None = None
        self._skip_lines()
        if self.match(_IN) is not None:
            words = []
            while self._word_ahead():
                words.append(self.word())
        self.match(_SEMICOLON)
        return For(
            found[0], None if words is None else tuple(words), self._do(), self._redirections()
        )

    def _do(self) -> Script:
        self._skip_lines()
        self._expect("do")
        body = self._body()
        self._expect("done")
        self.depth -= 1
        return body

    def _simple(self) -> Simple | None:
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirections: list[Redirection] = []
        if _FUNCTION.match(self.text, self.at) is not None:
            raise SyntaxFailed("this phone's shell has no functions")
        while True:
            self._skip()
            if (found := self.match(_REDIRECT)) is not None:
                redirections.append(self._redirection(found))
            elif not self._word_ahead():
                break
            elif not words and (found := self.match(_ASSIGNMENT)) is not None:
                assignments.append((found[1], self.word()))
            else:
                words.append(self.word())
        if not words and not assignments and not redirections:
            return None
        return Simple(tuple(words), tuple(assignments), tuple(redirections))

    def _redirections(self) -> tuple[Redirection, ...]:
        """Read what follows a compound command."""
        redirections: list[Redirection] = []
        self._skip()
        while (found := self.match(_REDIRECT)) is not None:
            redirections.append(self._redirection(found))
            self._skip()
        return tuple(redirections)

    def _redirection(self, found: re.Match[str]) -> Redirection:
        sign = found[2]
        if sign in ("<<", "<&"):
            raise SyntaxFailed(f"syntax error: unexpected '{sign}'")
        direction = Direction(sign)
        default = 0 if direction is Direction.READ else 1
        descriptor = int(found[1]) if found[1] else default
        allowed = (0,) if direction is Direction.READ else (1, 2)
        if descriptor not in allowed:
            raise SyntaxFailed(f"{descriptor}: bad file descriptor")
        if not self._word_ahead():
            raise self._unexpected()
        target = self.word()
        if direction is Direction.SAME_AS and target.literal not in ("1", "2"):
            shown = "" if target.literal is None else target.literal[:20]
            raise SyntaxFailed(f"{shown}: bad file descriptor")
        return Redirection(descriptor, direction, target)

    def _word_ahead(self) -> bool:
        """Whether a word comes next, past blanks."""
        self._skip()
        return not self.at_end and not self._control() and self.text[self.at] not in "<>"

    def _skip(self) -> None:
        self.match(_BLANK)
        # Words have been taken whole, so a # here begins one.
        self.match(_COMMENT)

    def _skip_lines(self) -> None:
        self._skip()
        while self._control() == "\n":
            self.at += 1
            self._skip()

    def _control(self) -> str:
        """Return the control operator that is next, empty where there is none."""
        found = _CONTROL.match(self.text, self.at)
        return "" if found is None else found[0]

    def _reserved(self) -> str | None:
        found = _RESERVED.match(self.text, self.at)
        return None if found is None else found[1]

    def _take(self, word: str) -> bool:
        """Read a reserved word if it is next."""
        self._skip()
        if self._reserved() != word:
            return False
        self.at += len(word)
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _expect_sign(self, sign: str) -> None:
        self._skip()
        if self._control() != sign:
            raise self._unexpected()
        self.at += len(sign)

    def _unexpected(self) -> SyntaxFailed:
        self._skip()
        if self.at_end:
            return Incomplete("syntax error: unexpected EOF")
        sign = self._control() or self._reserved() or self.text[self.at]
        return SyntaxFailed(
            "syntax error: unexpected " + ("newline" if sign == "\n" else f"'{sign}'")
        )


__all__ = ["MAX_COMMAND", "Incomplete", "SyntaxFailed", "parse"]
