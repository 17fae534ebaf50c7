from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.ios.services import afc_files
from lab.phone.ios.services.afc_files import READ, READ_WRITE, WRITE
from lab.phone.ios.services.afc_packets import HEADER, MAGIC, NUMBER, Operation, Status, pack
from tests.patience import eventually
from tests.phone.ios.cable import Cable
from tests.phone.ios.peer import Peer
from tests.phone.ios.plugged import OpenService

BIG = random.Random(1).randbytes(700_000)
FEW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Afc:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.number = 0

    def ask(self, operation: int, arguments: bytes = b"", data: bytes = b"") -> tuple[int, bytes]:
        """Return the operation of the answer and what follows its header."""
        self.number += 1
        self.peer.sock.sendall(pack(self.number, operation, arguments, data))  # type: ignore[arg-type]
        magic, whole, _, number, answer = HEADER.unpack(self.peer.receive(HEADER.size))
        assert (magic, number) == (MAGIC, self.number)
        return answer, self.peer.receive(whole - HEADER.size)

    def status(self, operation: int, arguments: bytes = b"", data: bytes = b"") -> Status:
        answer, content = self.ask(operation, arguments, data)
        assert answer == Operation.STATUS
        return Status(NUMBER.unpack(content)[0])

    def texts(self, operation: int, arguments: bytes = b"") -> list[str]:
        answer, content = self.ask(operation, arguments)
        assert answer == Operation.DATA
        return [each.decode() for each in content.split(b"\0")[:-1]]

    def open(self, path: bytes, mode: int) -> bytes:
        answer, content = self.ask(Operation.OPEN, NUMBER.pack(mode) + path + b"\0")
        assert answer == Operation.OPENED
        return content

    def read(self, handle: bytes, size: int) -> bytes:
        answer, content = self.ask(Operation.READ, handle + NUMBER.pack(size))
        assert answer == Operation.DATA
        return content

    def put(self, path: bytes, content: bytes) -> None:
        handle = self.open(path, WRITE)
        for start in range(0, len(content), 100_000):
            part = content[start : start + 100_000]
            assert self.status(Operation.WRITE, handle, part) is Status.SUCCESS
        assert self.status(Operation.CLOSE, handle) is Status.SUCCESS

    def get(self, path: bytes) -> bytes:
        handle, content = self.open(path, READ), b""
        while part := self.read(handle, 200_000):
            content += part
        assert self.status(Operation.CLOSE, handle) is Status.SUCCESS
        return content

    def info(self, path: bytes) -> dict[str, str]:
        found = self.texts(Operation.FILE_INFO, path + b"\0")
        return dict(zip(found[::2], found[1::2], strict=True))


@pytest.fixture
def afc(service: OpenService) -> Afc:
    return Afc(service("com.apple.afc"))


def test_a_file_comes_and_goes(afc: Afc, cable: Cable) -> None:
    assert afc.status(Operation.MAKE_FOLDER, b"/Books/new\0") is Status.SUCCESS
    afc.put(b"/Books/new/a.epub", BIG)
    assert afc.get(b"Books/new/a.epub") == BIG
    kept = cable.handset.files.host_path("/private/var/mobile/Media/Books/new/a.epub")
    assert kept.read_bytes() == BIG
    info = afc.info(b"/Books/new/a.epub")
    assert (info["st_size"], info["st_ifmt"]) == (str(len(BIG)), "S_IFREG")
    assert int(info["st_blocks"]) == -(-len(BIG) // 512)
    assert afc.info(b"/Books")["st_ifmt"] == "S_IFDIR"
    assert afc.texts(Operation.READ_FOLDER, b"/Books/new\0") == [".", "..", "a.epub"]
    assert afc.status(Operation.RENAME, b"/Books/new/a.epub\0/Books/b\0") is Status.SUCCESS
    assert afc.status(Operation.REMOVE, b"/Books\0") is Status.NOT_EMPTY
    assert afc.status(Operation.REMOVE, b"/Books/b\0") is Status.SUCCESS
    assert afc.status(Operation.REMOVE_ALL, b"/Books\0") is Status.SUCCESS
    assert "Books" not in afc.texts(Operation.READ_FOLDER, b"/\0")


def test_within_a_file(afc: Afc) -> None:
    afc.put(b"/a", b"0123456789")
    handle = afc.open(b"/a", READ_WRITE)
    seek = struct.Struct("<QQq")
    number = NUMBER.unpack(handle)[0]
    assert afc.status(Operation.SEEK, seek.pack(number, 2, -3)) is Status.SUCCESS
    assert afc.ask(Operation.TELL, handle) == (Operation.POSITION, NUMBER.pack(7))
    assert afc.read(handle, 100) == b"789"
    assert afc.status(Operation.SEEK, seek.pack(number, 0, 2)) is Status.SUCCESS
    assert afc.status(Operation.WRITE, handle, b"XY") is Status.SUCCESS
    assert afc.status(Operation.SET_SIZE, handle + NUMBER.pack(6)) is Status.SUCCESS
    assert afc.status(Operation.LOCK, handle + NUMBER.pack(6)) is Status.SUCCESS
    assert afc.get(b"/a") == b"01XY45"
    assert afc.status(Operation.SET_TIME, NUMBER.pack(1_700_000_000 * 10**9) + b"/a\0") == 0
    assert afc.info(b"/a")["st_mtime"] == str(1_700_000_000 * 10**9)
    assert afc.status(Operation.TRUNCATE_PATH, NUMBER.pack(2) + b"/a\0") is Status.SUCCESS
    assert afc.get(b"/a") == b"01"
    assert afc.status(Operation.SEEK, seek.pack(number, 7, 0)) is Status.INVALID_ARGUMENT
    assert afc.status(Operation.SEEK, seek.pack(number, 0, -1)) is Status.INVALID_ARGUMENT


def test_the_device(afc: Afc) -> None:
    found = afc.texts(Operation.DEVICE_INFO)
    about = dict(zip(found[::2], found[1::2], strict=True))
    assert about["Model"] == "iPhone15,4"
    before = int(about["FSFreeBytes"])
    afc.put(b"/a", bytes(5000))
    found = afc.texts(Operation.DEVICE_INFO)
    assert int(found[found.index("FSFreeBytes") + 1]) == before - 5000


REFUSED = (
    (Operation.READ_FOLDER, b"/none\0", Status.NOT_FOUND),
    (Operation.READ_FOLDER, b"", Status.INVALID_ARGUMENT),
    (Operation.READ_FOLDER, b"/\xff\0", Status.INVALID_ARGUMENT),
    (Operation.FILE_INFO, b"/" + b"a" * 5000 + b"\0", Status.INVALID_ARGUMENT),
    (Operation.OPEN, NUMBER.pack(READ) + b"/none\0", Status.NOT_FOUND),
    (Operation.OPEN, NUMBER.pack(WRITE) + b"/DCIM\0", Status.IS_FOLDER),
    (Operation.OPEN, NUMBER.pack(9) + b"/a\0", Status.INVALID_ARGUMENT),
    (Operation.OPEN, b"\1", Status.INVALID_ARGUMENT),
    (Operation.READ, NUMBER.pack(99) * 2, Status.INVALID_ARGUMENT),
    (Operation.CLOSE, NUMBER.pack(99), Status.INVALID_ARGUMENT),
    (Operation.RENAME, b"/a\0", Status.INVALID_ARGUMENT),
    (Operation.RENAME, b"/none\0/b\0", Status.NOT_FOUND),
    (Operation.RENAME, b"/\0/b\0", Status.DENIED),
    (Operation.REMOVE_ALL, b"/\0", Status.DENIED),
    (Operation.REMOVE_ALL, b"/..\0", Status.DENIED),
    (Operation.TRUNCATE_PATH, NUMBER.pack(2**62) + b"/a\0", Status.NO_SPACE),
    (28, b"/a\0/b\0", Status.NOT_SUPPORTED),
    (9999, b"", Status.NOT_SUPPORTED),
)


def test_what_cannot_be_done(afc: Afc) -> None:
    for operation, arguments, status in REFUSED:
        assert afc.status(operation, arguments) is status, (operation, arguments)
    assert afc.texts(Operation.READ_FOLDER, b"/\0")


@FEW
@given(parts=st.lists(st.sampled_from(["..", ".", "a", "/", "phone"]), min_size=1, max_size=8))
def test_nothing_outside_the_media_folder_is_reached(
    afc: Afc, parts: list[str], tmp_path: Path
) -> None:
    path = "/".join(parts).encode()
    media = tmp_path / "phone" / "private/var/mobile/Media"
    outside = {each for each in tmp_path.rglob("*") if not each.is_relative_to(media)}
    afc.ask(Operation.MAKE_FOLDER, path + b"\0")
    afc.ask(Operation.OPEN, NUMBER.pack(WRITE) + path + b"/made\0")
    assert {e for e in tmp_path.rglob("*") if not e.is_relative_to(media)} == outside


@FEW
@given(operation=st.integers(0, 40), arguments=st.binary(max_size=40), data=st.binary(max_size=9))
def test_every_packet_is_answered(afc: Afc, operation: int, arguments: bytes, data: bytes) -> None:
    afc.ask(operation, arguments, data)
    assert afc.ask(Operation.DEVICE_INFO)[0] in (Operation.DATA, Operation.STATUS)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER.pack(b"NOTMAGIC", 40, 40, 1, 3), "a header with a wrong magic"),
        (HEADER.pack(MAGIC, 39, 39, 1, 3), "a packet of 39 bytes"),
        (HEADER.pack(MAGIC, 40, 41, 1, 3), "a packet of 40 bytes, 41 of them before its data"),
        (HEADER.pack(MAGIC, 50, 10, 1, 3), "a packet of 50 bytes, 10 of them before its data"),
        (HEADER.pack(MAGIC, 2**64 - 1, 40, 1, 3), "a packet of 18446744073709551615 bytes"),
        (HEADER.pack(MAGIC, 2**64 - 1, 2**64 - 1, 1, 3), "a packet of 18446744073709551615"),
    ],
)
def test_packets_that_lie(afc: Afc, cable: Cable, header: bytes, said: str) -> None:
    afc.peer.sock.sendall(header)
    assert afc.peer.was_closed()
    assert eventually(lambda: f"com.apple.afc: {said}" in cable.handset.said())


def test_it_is_limited(afc: Afc, monkeypatch: pytest.MonkeyPatch) -> None:
    afc.put(b"/a", bytes(3000))
    monkeypatch.setattr("lab.phone.ios.services.afc.MAX_HANDLES", 2)
    handles = [afc.open(b"/a", READ) for _ in range(2)]
    assert afc.status(Operation.OPEN, NUMBER.pack(READ) + b"/a\0") is Status.NO_RESOURCES
    assert all(afc.status(Operation.CLOSE, each) is Status.SUCCESS for each in handles)
    handle = afc.open(b"/b", WRITE)
    monkeypatch.setattr("lab.phone.ios.services.afc.MAX_FILE", 10)
    assert afc.status(Operation.WRITE, handle, bytes(10)) is Status.SUCCESS
    assert afc.status(Operation.WRITE, handle, b"a") is Status.NO_SPACE
    assert afc.status(Operation.SET_SIZE, handle + NUMBER.pack(11)) is Status.NO_SPACE
    monkeypatch.setattr(afc_files, "CAPACITY", 100)
    assert afc.status(Operation.OPEN, NUMBER.pack(WRITE) + b"/c\0") is Status.NO_SPACE
    assert afc.status(Operation.MAKE_FOLDER, b"/d\0") is Status.NO_SPACE
    assert afc.status(Operation.OPEN, NUMBER.pack(READ) + b"/c\0") is Status.NOT_FOUND
    monkeypatch.setattr(afc_files, "CAPACITY", 10**9)
    monkeypatch.setattr(afc_files, "MAX_FILES", 3)
    assert afc.status(Operation.MAKE_FOLDER, b"/d\0") is Status.NO_SPACE
