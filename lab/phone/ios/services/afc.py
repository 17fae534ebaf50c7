"""``com.apple.afc``: files of the phone's media folder, where computers leave what they bring."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from io import FileIO

from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.afc_files import (
    BLOCK,
    CAPACITY,
    MAX_FILE,
    MAX_HANDLES,
    MediaFolder,
    NoSpace,
)
from lab.phone.ios.services.afc_packets import NUMBER, Operation, Packet, Status, pack, receive

MAX_READ = 4 * 1024 * 1024
"""Bytes of one answer to a read; a client asks again for the rest."""
_LARGEST = (1 << 63) - 1
_SEEK = struct.Struct("<QQq")
_WHENCES = (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END)
_Answer = tuple[Operation, bytes, bytes]
"""An operation, its arguments, its data."""
_BY_ERROR = {
    errno.ENOENT: Status.NOT_FOUND,
    errno.ENOTDIR: Status.NOT_FOUND,
    errno.EISDIR: Status.IS_FOLDER,
    errno.EACCES: Status.DENIED,
    errno.EPERM: Status.DENIED,
    errno.EEXIST: Status.EXISTS,
    errno.ENOTEMPTY: Status.NOT_EMPTY,
    errno.ENOSPC: Status.NO_SPACE,
    errno.EINVAL: Status.INVALID_ARGUMENT,
    errno.ENAMETOOLONG: Status.INVALID_ARGUMENT,
}


class FileService:
    """The service."""

    def __init__(self, handset: Handset) -> None:
        self._folder = MediaFolder(handset.files)
        self._model = lambda: str(handset.values("").get("ProductType") or "iPhone")

    def __call__(self, wire: Wire) -> None:
        session = _Session(self._folder, self._model)
        try:
            while True:
                wire.send(session.answer(receive(wire)))
        finally:
            session.close()


class _Failed(Exception):
    """An operation cannot be carried out."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class _Session:
    """One connection, with the files that are open on it."""

    def __init__(self, folder: MediaFolder, model: Callable[[], str]) -> None:
        self._folder = folder
        self._model = model
        self._open: dict[int, FileIO] = {}
        self._last = 0
        self._operations: dict[int, Callable[[Packet], _Answer]] = {
            Operation.READ_FOLDER: self._read_folder,
            Operation.TRUNCATE_PATH: self._truncate,
            Operation.REMOVE: self._remove,
            Operation.REMOVE_ALL: self._remove,
            Operation.MAKE_FOLDER: self._make_folder,
            Operation.FILE_INFO: self._info,
            Operation.DEVICE_INFO: self._device,
            Operation.OPEN: self._open_file,
            Operation.READ: self._read,
            Operation.WRITE: self._write,
            Operation.SEEK: self._seek,
            Operation.TELL: self._tell,
            Operation.CLOSE: self._close,
            Operation.SET_SIZE: self._set_size,
            Operation.RENAME: self._rename,
            # Nobody else has a file of this session open.
            Operation.LOCK: lambda _: _done(),
            Operation.SET_TIME: self._set_time,
        }

    def answer(self, packet: Packet) -> bytes:
        """Carry out an operation and return the packet that says how it went."""
        try:
            carry_out = self._operations.get(packet.operation)
            if carry_out is None:
                raise _Failed(Status.NOT_SUPPORTED)
            return pack(packet.number, *carry_out(packet))
        except _Failed as failure:
            status = failure.status
        except NoSpace:
            status = Status.NO_SPACE
        except (ValueError, OverflowError):
            status = Status.INVALID_ARGUMENT
        except OSError as error:
            status = _BY_ERROR.get(error.errno or errno.EPERM, Status.UNKNOWN)
        return pack(packet.number, *_done(status))

    def close(self) -> None:
        """Close what is still open."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _read_folder(self, packet: Packet) -> _Answer:
        return _texts(".", "..", *self._folder.names(packet.path()))

    def _truncate(self, packet: Packet) -> _Answer:
        self._folder.truncate(packet.path(behind=1), packet.numbers(1)[0])
        return _done()

    def _remove(self, packet: Packet) -> _Answer:
        self._folder.remove(packet.path(), whole=packet.operation == Operation.REMOVE_ALL)
        return _done()

    def _make_folder(self, packet: Packet) -> _Answer:
        self._folder.make_folder(packet.path())
        return _done()

    def _info(self, packet: Packet) -> _Answer:
        info = self._folder.info(packet.path())
        found = {
            "st_size": info.size,
            "st_blocks": -(-info.size // 512),
            "st_nlink": info.links,
            "st_ifmt": "S_IFDIR" if info.is_folder else "S_IFREG",
            "st_mtime": info.modified,
            "st_birthtime": info.modified,
        }
        return _texts(*(str(each) for pair in found.items() for each in pair))

    def _device(self, _: Packet) -> _Answer:
        free = max(0, CAPACITY - self._folder.used())
        found = {
            "Model": self._model(),
            "FSTotalBytes": CAPACITY,
            "FSFreeBytes": free,
            "FSBlockSize": BLOCK,
        }
        return _texts(*(str(each) for pair in found.items() for each in pair))

    def _open_file(self, packet: Packet) -> _Answer:
        if len(self._open) >= MAX_HANDLES:
            raise _Failed(Status.NO_RESOURCES)
        file = self._folder.open(packet.path(behind=1), packet.numbers(1)[0])
        self._last += 1
        self._open[self._last] = file
        return Operation.OPENED, NUMBER.pack(self._last), b""

    def _read(self, packet: Packet) -> _Answer:
        _, size = packet.numbers(2)
        return Operation.DATA, b"", self._file(packet).read(min(size, MAX_READ)) or b""

    def _write(self, packet: Packet) -> _Answer:
        file = self._file(packet)
        if file.tell() + len(packet.data) > MAX_FILE:
            raise NoSpace
        waiting = memoryview(packet.data)
        while waiting:
            waiting = waiting[file.write(waiting) :]
        return _done()

    def _seek(self, packet: Packet) -> _Answer:
        if len(packet.arguments) < _SEEK.size:
            raise ValueError("too short")
        _, whence, offset = _SEEK.unpack_from(packet.arguments)
        if whence not in _WHENCES:
            raise ValueError("no such place to count from")
        self._file(packet).seek(offset, whence)
        return _done()

    def _tell(self, packet: Packet) -> _Answer:
        return Operation.POSITION, NUMBER.pack(self._file(packet).tell()), b""

    def _close(self, packet: Packet) -> _Answer:
        self._file(packet).close()
        del self._open[packet.numbers(1)[0]]
        return _done()

    def _set_size(self, packet: Packet) -> _Answer:
        size = packet.numbers(2)[1]
        if size > MAX_FILE:
            raise NoSpace
        self._file(packet).truncate(size)
        return _done()

    def _rename(self, packet: Packet) -> _Answer:
        self._folder.rename(*packet.paths())
        return _done()

    def _set_time(self, packet: Packet) -> _Answer:
        self._folder.set_time(packet.path(behind=1), min(packet.numbers(1)[0], _LARGEST))
        return _done()

    def _file(self, packet: Packet) -> FileIO:
        file = self._open.get(packet.numbers(1)[0])
        if file is None:
            raise _Failed(Status.INVALID_ARGUMENT)
        return file


def _done(status: Status = Status.SUCCESS) -> _Answer:
    return Operation.STATUS, NUMBER.pack(status), b""


def _texts(*texts: str) -> _Answer:
    """Return texts with a NUL behind each."""
    found = b"".join(each.encode("utf-8", "surrogateescape") + b"\0" for each in texts)
    return Operation.DATA, b"", found
