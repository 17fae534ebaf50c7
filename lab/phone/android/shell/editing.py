"""Commands that change text line by line or sign by sign: sed, sort, tr, uniq."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.android.shell.text import MAX_LINE, inputs, matcher

MAX_COMMANDS = 100
"""Of one script of sed's."""

_ADDRESS = re.compile(r"(?:(\d{1,9})|(\$)|/((?:[^/\\]|\\.)*)/)\s*")
_FLAGS = re.compile(r"[gpiI]*")


@dataclass(frozen=True, slots=True)
class _Edit:
    """One command of sed's."""

    name: str
    line: int = 0
    """Of the input, from 1; 0 for any."""
    last: bool = False
    """Only the input's last line."""
    where: re.Pattern[str] | None = None
    """What a line must match."""
    pattern: re.Pattern[str] | None = None
    replacement: str = ""
    """Python's."""
    flags: str = ""

    def meant(self, text: str, line: int, *, last: bool) -> bool:
        """Tell whether it is for this line."""
        if self.line:
            return line == self.line
        if self.last:
            return last
        return self.where is None or self.where.search(text) is not None


def _sed(process: Process) -> int:
    found, rest = options(process, "nEru", "e")
    if "e" not in found and not rest:
        raise CommandFailed("sed: no pattern")
    script = found["e"] if "e" in found else rest.pop(0)
    edits = list(_read_script(script, {"E": ""} if {"E", "r"} & found.keys() else {}))
    lines = _lines(process, rest)
    for number, text in enumerate(lines, 1):
        if len(text) > MAX_LINE:
            raise CommandFailed(f"sed: a line is longer than {MAX_LINE} characters")
        if not _edit(process, edits, text, number, len(lines), quiet="n" in found):
            break
    return 0


def _edit(
    process: Process, edits: list[_Edit], text: str, number: int, count: int, *, quiet: bool
) -> bool:
    """Edit and print one line; False where that is the last one to be."""
    for edit in edits:
        if not edit.meant(text, number, last=number == count):
            continue
        if edit.name == "d":
            return True
        if edit.name == "p":
            process.out.line(text)
        elif edit.name == "q":
            if not quiet:
                process.out.line(text)
            return False
        elif edit.pattern is not None:
            limit = 0 if "g" in edit.flags else 1
            text, changes = edit.pattern.subn(edit.replacement, text, count=limit)
            if changes and "p" in edit.flags:
                process.out.line(text)
    if not quiet:
        process.out.line(text)
    return True


def _read_script(script: str, kind: dict[str, str]) -> Iterator[_Edit]:
    """Read ``[ADDRESS]COMMAND`` between semicolons. Raises CommandFailed."""
    at = 0
    for _ in range(MAX_COMMANDS):
        while script[at : at + 1] in (";", "\n", " "):
            at += 1
        if at == len(script):
            return
        line, last, where = 0, False, None
        if (match := _ADDRESS.match(script, at)) is not None:
            at = match.end()
            line, last = int(match[1] or 0), bool(match[2])
            where = None if match[3] is None else matcher(match[3], kind, "sed")[0]
        name = script[at : at + 1]
        at += 1
        if name in ("d", "p", "q"):
            yield _Edit(name, line, last, where)
        elif name == "s":
            pattern, replacement, flags, at = _substitution(script, at, kind)
            yield _Edit(name, line, last, where, pattern, replacement, flags)
        else:
            raise CommandFailed(f"sed: this phone's sed has d, p, q and s, not '{name}'")
        if script[at : at + 1] not in ("", ";", "\n", " "):
            raise CommandFailed(f"sed: bad pattern '{script[:40]}'")
    raise CommandFailed(f"sed: more than {MAX_COMMANDS} commands")


def _substitution(
    script: str, at: int, kind: dict[str, str]
) -> tuple[re.Pattern[str], str, str, int]:
    """Read what follows an ``s``: what to replace, by what, the flags, and where they end."""
    sign = script[at : at + 1]
    parts: list[str] = []
    if sign and not sign.isalnum() and sign not in "\\\n":
        start = at = at + 1
        while at < len(script) and len(parts) < 2:
            if script[at] == "\\":
                at += 1
            elif script[at] == sign:
                parts.append(script[start:at].replace(f"\\{sign}", sign))
                start = at + 1
            at += 1
    if len(parts) < 2:
        raise CommandFailed(f"sed: bad pattern '{script[:40]}'")
    match = _FLAGS.match(script, at)
    flags = match[0] if match is not None else ""
    wanted = {**kind, **({"i": ""} if "i" in flags.lower() else {})}
    pattern = matcher(parts[0], wanted, "sed")[0]
    replacement = _replacement(parts[1], pattern.groups)
    return pattern, replacement, flags, at + len(flags)


def _replacement(text: str, groups: int) -> str:
    r"""Return Python's way to write a replacement: ``&`` is all that was found, ``\1`` a part."""
    made: list[str] = []
    for match in re.finditer(r"\\(.)|(&)|([^\\&]+)|\\", text, re.DOTALL):
        if match[2]:
            made.append(r"\g<0>")
        elif match[1] and match[1] in "123456789":
            if int(match[1]) > groups:
                raise CommandFailed(f"sed: no group {match[1]} in the pattern")
            made.append(rf"\g<{match[1]}>")
        else:
            plain = {"n": "\n", "t": "\t"}.get(match[1] or "", match[1] or match[3] or "\\")
            made.append(plain.replace("\\", r"\\"))
    return "".join(made)


def _sort(process: Process) -> int:
    found, paths = options(process, "nru")
    lines = sorted(_lines(process, paths))
    if "n" in found:
        lines.sort(key=_leading_number)
    if "u" in found:
        kept: dict[object, str] = {}
        for line in lines:
            kept.setdefault(_leading_number(line) if "n" in found else line, line)
        lines = list(kept.values())
    process.print_lines(reversed(lines) if "r" in found else lines)
    return 0


def _leading_number(line: str) -> float:
    match = re.match(r"\s*-?\d{1,18}(\.\d{1,18})?", line, re.ASCII)
    return 0.0 if match is None else float(match[0])


def _uniq(process: Process) -> int:
    found, paths = options(process, "cdu")
    for line, group in groupby(_lines(process, paths)):
        count = len(list(group))
        if ("d" in found and count == 1) or ("u" in found and count > 1):
            continue
        process.out.line(f"{count:7} {line}" if "c" in found else line)
    return 0


def _lines(process: Process, paths: list[str]) -> list[str]:
    lines = b"".join(inputs(process, paths)).decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


_CLASSES = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
    "[:space:]": "\t\n\v\f\r ",
    "[:blank:]": "\t ",
}
_SET_PIECE = re.compile(
    r"(\[:[a-z]+:\])|(\\[0-7]{1,3}|\\.|[^\\])(?:-(\\[0-7]{1,3}|\\.|[^\\]))?|\\", re.DOTALL
)


def _tr(process: Process) -> int:
    found, sets = options(process, "cCds")
    wanted = 1 if ("d" in found) is not ("s" in found) else 2
    if not sets or len(sets) > 2 or (len(sets) < 2 and wanted == 2):
        raise CommandFailed(f"tr: Needs {wanted} argument{'s' if wanted > 1 else ''}")
    first, second = _set(sets[0]), _set(sets[1]) if len(sets) > 1 else ""
    if {"c", "C"} & found.keys():
        first = "".join(chr(each) for each in range(256) if chr(each) not in first)
    text = process.stdin.decode("latin-1")
    if "d" in found:
        text = text.translate(dict.fromkeys(map(ord, first)))
    elif second:
        padded = second[: len(first)].ljust(len(first), second[-1])
        mapped: dict[int, str] = {}
        for before, after in zip(first, padded, strict=True):
            mapped[ord(before)] = after
        text = text.translate(mapped)
    if "s" in found:
        squeezed = set(second or first)
        text = "".join(
            sign if sign in squeezed else "".join(group) for sign, group in groupby(text)
        )
    process.out.write(text.encode("latin-1"))
    return 0


def _set(text: str) -> str:
    """Return the signs that a set means, as the bytes that they are. Raises CommandFailed."""
    signs: list[str] = []
    for match in _SET_PIECE.finditer(text.encode("utf-8", "replace").decode("latin-1")):
        if match[1]:
            if match[1] not in _CLASSES:
                raise CommandFailed(f"tr: unknown class {match[1][:20]}")
            signs.append(_CLASSES[match[1]])
        elif match[3]:
            first, last = ord(_sign(match[2])), ord(_sign(match[3]))
            if last < first:
                raise CommandFailed(f"tr: {match[0][:20]} is in reverse order")
            signs.extend(chr(each) for each in range(first, last + 1))
        else:
            signs.append(_sign(match[2] or "\\"))
    return "".join(signs)


def _sign(text: str) -> str:
    if len(text) == 1:
        return text
    if text[1] in "01234567":
        return chr(int(text[1:], 8) & 0xFF)
    return {"n": "\n", "t": "\t", "r": "\r"}.get(text[1], text[1])


COMMANDS = {"sed": _sed, "sort": _sort, "tr": _tr, "uniq": _uniq}
