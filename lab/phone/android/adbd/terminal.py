"""A terminal on the phone's side: it echoes, lets lines be edited, and knows Ctrl-C and Ctrl-D."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.phone.android.shell.process import Input

MAX_LINE = 4096
"""Bytes of a line that is being typed; more are not taken, as on a real terminal."""
MAX_WAITING = 1024 * 1024
"""Bytes that were typed and not read."""

_INTERRUPT, _END, _KILL, _WORD = 0x03, 0x04, 0x15, 0x17
_BACKSPACES = (0x08, 0x7F)
_LINE_ENDS = (0x0A, 0x0D)
_PART = 4096


class Terminal:
    """Between what a client types and a shell that reads lines.

    ``keys`` is what is typed; ``show`` writes to the client and returns False where it has gone;
    ``gone`` is set when it has.
    """

    def __init__(self, keys: Input, show: Callable[[bytes], bool], gone: threading.Event) -> None:
        self._keys = keys
        self._show = show
        self._gone = gone
        self._changed = threading.Condition()
        self._typed = bytearray()
        self._waiting = bytearray()
        self._ends = 0
        """How many Ctrl-D on an empty line have not been read."""
        self._closed = False
        self._foreground: threading.Event | None = None
        listening = threading.Thread(target=self._listen, name="adbd terminal", daemon=True)
        listening.start()

    @contextmanager
    def foreground(self) -> Iterator[threading.Event]:
        """Give a command the terminal, and the event that ends it: set by Ctrl-C, and when the
        client leaves."""
        hung_up = threading.Event()
        with self._changed:
            self._foreground = hung_up
            if self._gone.is_set():
                hung_up.set()
        try:
            yield hung_up
        finally:
            with self._changed:
                self._foreground = None

    def read(self, size: int) -> bytes:
        """Return what comes next of the lines that were typed; waits for a line. Nothing at the
        end, and where the command has been interrupted."""
        with self._changed:
            self._changed.wait_for(self._has_news)
            part = bytes(self._waiting[:size])
            del self._waiting[:size]
            if not part and self._ends:
                self._ends -= 1
            return part

    def _has_news(self) -> bool:
        interrupted = self._foreground is not None and self._foreground.is_set()
        return bool(self._waiting) or self._ends > 0 or self._closed or interrupted

    def write(self, content: bytes) -> bool:
        """Show output, with the line ends that a terminal wants; False where nobody sees it."""
        return self._show(content.replace(b"\n", b"\r\n"))

    def _listen(self) -> None:
        while part := self._keys.read(_PART):
            with self._changed:
                shown = b"".join(self._key(key) for key in part)
                self._changed.notify_all()
            if shown and not self._show(shown):
                break
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        # Nothing more is typed, but what runs may still be looked at.
        self._gone.wait()
        with self._changed:
            if self._foreground is not None:
                self._foreground.set()
            self._changed.notify_all()

    def _key(self, key: int) -> bytes:
        """Take a key; return what is to be seen of it."""
        if key in _LINE_ENDS:
            self._pass_on(b"\n")
            return b"\r\n"
        if key == _INTERRUPT:
            self._typed.clear()
            self._waiting.clear()
            if self._foreground is None:
                # A new line for the shell, which prompts again.
                self._waiting += b"\n"
            else:
                self._foreground.set()
            return b"^C\r\n"
        if key == _END:
            if self._typed:
                self._pass_on(b"")
            else:
                self._ends += 1
            return b""
        if key in _BACKSPACES:
            return self._take_back(1)
        if key == _KILL:
            return self._take_back(len(self._typed))
        if key == _WORD:
            kept = bytes(self._typed).rstrip(b" ").rpartition(b" ")
            return self._take_back(len(self._typed) - len(kept[0] + kept[1]))
        if len(self._typed) >= MAX_LINE:
            return b"\a"
        self._typed.append(key)
        return bytes([key]) if key >= 0x20 or key == 0x09 else bytes([0x5E, key ^ 0x40])

    def _pass_on(self, end: bytes) -> None:
        if len(self._waiting) + len(self._typed) < MAX_WAITING:
            self._waiting += self._typed + end
        self._typed.clear()

    def _take_back(self, count: int) -> bytes:
        """Erase bytes; those that continue a character take no room on the screen."""
        erased = bytes(self._typed[len(self._typed) - count :]) if count else b""
        if count == 1:
            while erased and erased[0] & 0xC0 == 0x80 and len(erased) < len(self._typed):
                erased = bytes(self._typed[len(self._typed) - len(erased) - 1 :])
        del self._typed[len(self._typed) - len(erased) :]
        return b"\b \b" * sum(byte & 0xC0 != 0x80 for byte in erased)
