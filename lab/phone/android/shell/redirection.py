"""Redirections: where a command's streams lead instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lab.phone.android.shell.flow import Streams
from lab.phone.android.shell.streams import Given, Nowhere, Output
from lab.phone.android.shell.tree import Direction, Redirection, Word
from lab.phone.files import FileError, PhoneFiles

NULL = "/dev/null"


@contextmanager
def redirected(
    redirections: Sequence[Redirection],
    streams: Streams,
    files: PhoneFiles,
    expand: Callable[[Word], str],
) -> Iterator[Streams]:
    """Give the streams that redirections lead to; what goes to files is written at the end.

    Raises FileError, CommandFailed.
    """
    written: dict[str, tuple[bytes, Output]] = {}
    try:
        for redirection in redirections:
            target = expand(redirection.target)
            if redirection.direction is Direction.READ:
                content = b"" if target == NULL else files.read(target)
                streams = replace(streams, source=Given(content))
                continue
            output: Output
            if redirection.direction is Direction.SAME_AS:
                output = streams.out if target == "1" else streams.err
            elif target == NULL:
                output = Nowhere()
            elif target in written:
                output = written[target][1]
            else:
                before = _content(files, target, redirection.direction)
                # Made before the command runs, as a shell does: the command may read it.
                files.write(target, before)
                output = Output()
                written[target] = (before, output)
            if redirection.descriptor == 1:
                streams = replace(streams, out=output)
            else:
                streams = replace(streams, err=output)
        yield streams
    finally:
        for path, (before, output) in written.items():
            files.write(path, before + bytes(output.content))


def _content(files: PhoneFiles, path: str, direction: Direction) -> bytes:
    """Return what of a file stays."""
    if direction is not Direction.APPEND:
        return b""
    try:
        return files.read(path)
    except FileError:
        return b""
