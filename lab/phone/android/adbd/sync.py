"""``sync:``: files of the phone, read and written (AOSP, packages/modules/adb/SYNC.TXT)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from lab.phone.android.adbd.stream import Stream
from lab.phone.android.adbd.sync_files import Status, SyncFiles
from lab.phone.android.system import AndroidSystem
from lab.phone.files import MAX_FILE, MAX_PATH, FileError

DATA_SIZE = 64 * 1024
"""Bytes of one block of a file, the protocol's limit."""
MAX_REQUEST = MAX_PATH + 20
"""Bytes of a path and a mode."""

_REQUEST = struct.Struct("<4sI")
_STAT = struct.Struct("<4sIII")
_STAT_2 = struct.Struct("<4sIQQIIIIQqqq")
_ENTRY = struct.Struct("<4sIIII")
_NO_ENTRY = 2
"""ENOENT."""


class _Unreadable(Exception):
    """The client has lost the thread: its next bytes cannot be told apart."""


class SyncService:
    """Serves one sync session: requests one after the other, until QUIT."""

    def __init__(self, system: AndroidSystem) -> None:
        self._files = SyncFiles(system)

    def __call__(self, stream: Stream) -> None:
        stream.accept()
        session = _Session(stream, self._files)
        try:
            while session.serve_next():
                pass
        except _Unreadable as error:
            session.fail(str(error))


class _Session:
    def __init__(self, stream: Stream, files: SyncFiles) -> None:
        self._stream = stream
        self._files = files
        self._requests: dict[bytes, Callable[[str], None]] = {
            b"STAT": self._stat,
            b"STA2": lambda path: self._stat_2(b"STA2", path),
            b"LST2": lambda path: self._stat_2(b"LST2", path),
            b"LIST": self._list,
            b"SEND": self._receive,
            b"RECV": self._send,
        }

    def serve_next(self) -> bool:
        """Carry out a request; False after the last one. Raises _Unreadable, StreamClosed."""
        name, length = self._header()
        if name == b"QUIT":
            return False
        request = self._requests.get(name)
        if request is None:
            raise _Unreadable(f"unknown command {name.hex()}")
        if length > MAX_REQUEST:
            raise _Unreadable("path too long")
        path = self._stream.read_exactly(length).decode("utf-8", "replace")
        try:
            request(path)
        except FileError as error:
            self.fail(str(error))
        return True

    def fail(self, reason: str) -> None:
        """Say that a request cannot be carried out."""
        text = reason.encode("utf-8", "replace")[:MAX_PATH]
        self._stream.write(_REQUEST.pack(b"FAIL", len(text)) + text)

    def _header(self) -> tuple[bytes, int]:
        name, length = _REQUEST.unpack(self._stream.read_exactly(_REQUEST.size))
        return name, length

    def _stat(self, path: str) -> None:
        status = self._files.status(path)
        shown = (0, 0, 0) if status is None else _short(status)
        self._stream.write(_STAT.pack(b"STAT", *shown))

    def _stat_2(self, name: bytes, path: str) -> None:
        status = self._files.status(path)
        if status is None:
            self._stream.write(_STAT_2.pack(name, _NO_ENTRY, *(0,) * 10))
            return
        times = (status.modified,) * 3
        links = 2 if status.is_folder else 1
        fields = (0, 1, status.number, status.mode, links, status.uid, status.gid, status.size)
        self._stream.write(_STAT_2.pack(name, *fields, *times))

    def _list(self, path: str) -> None:
        entries = bytearray()
        for name, status in self._files.entries(path):
            encoded = name.encode("utf-8", "replace")
            entries += _ENTRY.pack(b"DENT", *_short(status), len(encoded)) + encoded
        self._stream.write(bytes(entries) + _ENTRY.pack(b"DONE", 0, 0, 0, 0))

    def _send(self, path: str) -> None:
        content = memoryview(self._files.read(path))
        blocks = bytearray()
        for start in range(0, len(content), DATA_SIZE):
            block = content[start : start + DATA_SIZE]
            blocks += _REQUEST.pack(b"DATA", len(block))
            blocks += block
        self._stream.write(bytes(blocks) + _REQUEST.pack(b"DONE", 0))

    def _receive(self, request: str) -> None:
        path, _, mode = request.rpartition(",")
        content = bytearray()
        failure = None
        if not path or not mode.isascii() or not mode.isdigit():
            failure = FileError(request[:100], "Invalid argument")
        while True:
            name, length = self._header()
            if name == b"DONE":
                break
            if name != b"DATA" or length > DATA_SIZE:
                raise _Unreadable("invalid data message")
            block = self._stream.read_exactly(length)
            if failure is None and len(content) + length > MAX_FILE:
                failure = FileError(path, "File too large")
            if failure is None:
                content += block
        # Only now: a client that still sends need not listen.
        if failure is not None:
            raise failure
        self._files.write(path, bytes(content), int(mode), modified=length)
        self._stream.write(_REQUEST.pack(b"OKAY", 0))


def _short(status: Status) -> tuple[int, int, int]:
    """Return mode, size and time as the first version of the protocol has room for them."""
    return status.mode, min(status.size, 0xFFFFFFFF), max(0, min(status.modified, 0xFFFFFFFF))
