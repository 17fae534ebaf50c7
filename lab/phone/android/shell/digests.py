"""Commands that turn content into other letters: base64, md5sum, sha1sum, sha256sum."""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import partial

from lab.phone.android.shell.process import Command, CommandFailed, Process, options
from lab.phone.android.shell.text import inputs, number
from lab.phone.files import FileError


def _digest(algorithm: str, process: Process) -> int:
    found, paths = options(process, "b")
    code = 0
    for path in paths or ["-"]:
        try:
            content = process.stdin if path == "-" else process.files.read(path)
        except FileError as error:
            process.complain(str(error))
            code = 1
            continue
        # What it is used for is up to whoever asks.
        digest = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
        process.out.line(digest if "b" in found else f"{digest}  {path}")
    return code


def _base64(process: Process) -> int:
    found, paths = options(process, "di", "w")
    content = b"".join(inputs(process, paths))
    if "d" in found:
        try:
            process.out.write(base64.b64decode(b"".join(content.split()), validate=True))
        except binascii.Error:
            raise CommandFailed("base64: bad input") from None
        return 0
    width = number(process, found.get("w", "76"))
    text = base64.b64encode(content)
    step = width if width > 0 else max(len(text), 1)
    for at in range(0, len(text), step):
        process.out.write(text[at : at + step] + (b"\n" if width > 0 else b""))
    return 0


COMMANDS: dict[str, Command] = {
    "base64": _base64,
    **{f"{name}sum": partial(_digest, name) for name in ("md5", "sha1", "sha224", "sha256")},
    **{f"{name}sum": partial(_digest, name) for name in ("sha384", "sha512")},
}
