"""``shell:`` and ``exec:``: command lines of the phone's shell on a stream."""

from __future__ import annotations

import struct
from contextlib import nullcontext
from dataclasses import dataclass

from lab.phone.android.adbd.stream import Stream, StreamClosed
from lab.phone.android.adbd.terminal import Terminal
from lab.phone.android.shell import Shell
from lab.phone.android.shell.process import Live

_FRAME = struct.Struct("<BI")
_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = range(5)
"""Kinds of frames of the second shell protocol (AOSP, shell_protocol.h); 5 tells the size of the
window, which is of no use here."""
MAX_FRAME = 1024 * 1024
"""Bytes of one frame from the client."""


@dataclass(frozen=True, slots=True)
class ShellRequest:
    """What an OPEN of ``shell[,OPTION...]:COMMAND`` asks for."""

    command: str
    """Empty for a shell that reads its commands from the standard input."""
    framed: bool
    """Whether it speaks the second shell protocol: outputs apart, and an exit code."""
    terminal: bool
    """Whether there is a person at a terminal."""


def shell_request(name: str) -> ShellRequest | None:
    """Read the name of a service; None where it is no shell."""
    head, colon, command = name.partition(":")
    kind, *options = head.split(",")
    if not colon or kind not in ("shell", "exec"):
        return None
    terminal = kind == "shell" and ("pty" in options or (not command and "raw" not in options))
    return ShellRequest(command, kind == "shell" and "v2" in options, terminal)


class ShellService:
    """Runs one command line, or a shell that reads them."""

    def __init__(self, shell: Shell, request: ShellRequest) -> None:
        self._shell = shell
        self._request = request

    def __call__(self, stream: Stream) -> None:
        stream.accept()
        channel = _Framed(stream) if self._request.framed else _Plain(stream)
        run = self._at_terminal if self._request.terminal else self._run
        channel.exit(run(stream, channel))

    def _run(self, stream: Stream, channel: _Plain | _Framed) -> int:
        out, err = Live(channel.write_out), Live(channel.write_err)
        if self._request.command:
            return self._shell.execute(
                self._request.command, channel, out, err, hung_up=stream.hung_up
            )
        return self._shell.interact(
            channel, out, err, foreground=lambda: nullcontext(stream.hung_up), prompts=False
        )

    def _at_terminal(self, stream: Stream, channel: _Plain | _Framed) -> int:
        terminal = Terminal(channel, channel.write_out, stream.hung_up)
        out = Live(terminal.write)
        if not self._request.command:
            return self._shell.interact(
                terminal, out, out, foreground=terminal.foreground, prompts=True
            )
        with terminal.foreground() as hung_up:
            return self._shell.execute(self._request.command, terminal, out, out, hung_up=hung_up)


class _Plain:
    """Both outputs in one, no exit code."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def write_out(self, content: bytes) -> bool:
        try:
            self._stream.write(content)
        except StreamClosed:
            return False
        return True

    def write_err(self, content: bytes) -> bool:
        return self.write_out(content)

    def exit(self, code: int) -> None:
        """There is no telling it."""


class _Framed:
    """The second shell protocol: a byte that says what it is, a length, and content."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0
        self._at_end = False

    def read(self, size: int) -> bytes:
        """Return what comes next on the standard input; nothing at its end."""
        try:
            while not self._left and not self._at_end:
                self._next_frame()
        except StreamClosed:
            self._at_end = True
        if self._at_end:
            return b""
        part = self._stream.read(min(size, self._left))
        self._left -= len(part)
        self._at_end = not part
        return part

    def _next_frame(self) -> None:
        """Go on to the next frame with input. Raises StreamClosed."""
        kind, length = _FRAME.unpack(self._stream.read_exactly(_FRAME.size))
        if length > MAX_FRAME:
            # Whatever follows could not be told apart any more.
            self._stream.close()
            raise StreamClosed
        if kind == _STDIN:
            self._left = length
        elif kind == _CLOSE_STDIN:
            self._at_end = True
        else:
            self._stream.read_exactly(length)

    def write_out(self, content: bytes) -> bool:
        return self._write(_STDOUT, content)

    def write_err(self, content: bytes) -> bool:
        return self._write(_STDERR, content)

    def exit(self, code: int) -> None:
        self._write(_EXIT, bytes([code & 0xFF]))

    def _write(self, kind: int, content: bytes) -> bool:
        try:
            self._stream.write(_FRAME.pack(kind, len(content)) + content)
        except StreamClosed:
            return False
        return True
