"""A YAML file as plain values that remember the line they stand on.

The node graph is walked here rather than by a YAML constructor: no tag can make an object, an
alias cannot unfold into more than the file's own size allows, and every value keeps its line.
"""

from __future__ import annotations

import re
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from lab.devices.problems import Path, Problem, SettingsError, quote, spell

LARGEST = 256 * 1024
"""Bytes; a hundred devices take a fifth of it."""

DEEPEST = 24
MOST_VALUES = 50_000

_LINE = re.compile(r"line (\d+)")
_STANDARD = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Document:
    """The content of a file, and the line on which each of its values begins."""

    content: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """For a member of a mapping, the line of its key."""
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of ``path``, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def at(self, path: Path, text: str) -> Problem:
        """Return a problem with the value at ``path``."""
        return Problem(self.line(path), spell(path), text)


def read_document(file: File) -> Document:
    """Read ``file``. Raises SettingsError where it cannot be read or is not YAML; lesser mistakes
    are the document's ``problems``."""
    name = str(file)
    text = _decode(name, _read(name, file))
    document = Document()
    node = _compose(name, text)
    if node is not None:
        try:
            document.content = _Walk(document).value(node, (), 0)
        except _TooMuch as error:
            raise SettingsError(name, [error.problem]) from None
    return document


def _read(name: str, file: File) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise SettingsError(name, [Problem(0, "", "not a file; give the path of a YAML file")])
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        missing = "no such file; create it, or name another one (docs/devices.md shows how)"
        raise SettingsError(name, [Problem(0, "", missing)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(name, [Problem(0, "", f"cannot be read: {reason}")]) from None
    if len(content) > LARGEST:
        large = f"larger than {LARGEST // 1024} KiB; this is not a list of devices"
        raise SettingsError(name, [Problem(0, "", large)])
    return content


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f"not UTF-8 (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        raise SettingsError(name, [Problem(line, "", text)]) from None


def _compose(name: str, text: str) -> Node | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A name that is given away twice would silently mean another thing below.
            warnings.simplefilter("error", ReusedAnchorWarning)
            node: Node | None = YAML(typ="safe", pure=True).compose(text)
            return node
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(p) for p in (error.context, error.problem) if p)
        problem = Problem(mark.line + 1 if mark else 1, "", f"not valid YAML: {_flat(what)}")
    except ReusedAnchorWarning as error:
        again = _LINE.findall(str(error))
        what = f"{str(error).strip().partition(chr(10))[0]}; rename one of them"
        problem = Problem(int(again[-1]) if again else 1, "", _flat(what))
    except RecursionError:
        problem = Problem(1, "", "not valid YAML: nested too deeply")
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"character U+{error.character:04X} is not allowed; remove it"
        problem = Problem(line, "", f"not valid YAML: {what}")
    except Exception as error:  # noqa: BLE001 - what its parser does not expect it raises raw
        problem = Problem(1, "", f"not valid YAML: {_flat(str(error) or type(error).__name__)}")
    raise SettingsError(name, [problem])


def _flat(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= 200 else f"{short[:200]}…"


class _TooMuch(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Walk:
    """Turns nodes into values; mistakes go to the document's problems, limits end the walk."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MOST_VALUES

    def value(self, node: Node, path: Path, depth: int) -> Any:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            # An alias to something around it has no end at all.
            text = "nested too deeply" if depth > DEEPEST else "too many values"
            line = node.start_mark.line + 1
            raise _TooMuch(Problem(line, spell(path[:3]), f"{text}; simplify it"))
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        kind = str(node.tag)
        if not kind.startswith(_STANDARD):
            self._complain(node, path, f"unknown tag {quote(kind)}; remove it")
            return None
        if isinstance(node, MappingNode):
            return dict(self._members(node, path, depth))
        if isinstance(node, SequenceNode):
            return [self.value(n, (*path, i), depth + 1) for i, n in enumerate(node.value)]
        return _scalar(node)

    def _members(self, node: MappingNode, path: Path, depth: int) -> Iterator[tuple[Any, Any]]:
        seen: dict[str | int, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _scalar(key_node) if isinstance(key_node, ScalarNode) else None
            if isinstance(key, bool) or not isinstance(key, str | int):
                self._complain(key_node, path, "a key must be a word or a whole number")
                continue
            here = (*path, key)
            if key in seen:
                first = f"the same key stands on line {seen[key]}"
                self._complain(key_node, here, f"duplicate key; {first}; remove one of them")
                continue
            seen[key] = line
            self._document.lines[here] = line
            yield key, self.value(value_node, here, depth + 1)

    def _complain(self, node: Node, path: Path, text: str) -> None:
        self._document.problems.append(Problem(node.start_mark.line + 1, spell(path), text))


def _scalar(node: Any) -> Any:
    """Return the value of a scalar node (YAML 1.2 core schema; anything else stays text)."""
    text: str = node.value
    kind = str(node.tag).removeprefix(_STANDARD)
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind == "int":
            return int(text.replace("_", ""), 0)
        if kind == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        # Out of the range or form that Python reads: the model then says what is wanted.
        return text
    return text
