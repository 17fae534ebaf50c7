from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.files import MAX_FILE, FileError
from lab.phone.state import PhoneState
from tests.phone.android.adbd.peer import OpenStream, Peer

FOLDER, FILE = 0o040000, 0o100000


@pytest.fixture
def sync(peer: Peer) -> OpenStream:
    return peer.open("sync:")


def request(name: bytes, path: str) -> bytes:
    encoded = path.encode()
    return name + struct.pack("<I", len(encoded)) + encoded


def blocks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 65536):
        block = content[start : start + 65536]
        yield b"DATA" + struct.pack("<I", len(block)) + block


def push(sync: OpenStream, path: str, content: bytes, mode: int = FILE | 0o644) -> None:
    sync.send(request(b"SEND", f"{path},{mode}"))
    for block in blocks(content):
        sync.send(block)
    sync.send(b"DONE" + struct.pack("<I", 1_000_000_000))


def pull(sync: OpenStream, path: str) -> bytes:
    sync.send(request(b"RECV", path))
    content = b""
    while True:
        name, length = struct.unpack("<4sI", sync.exactly(8))
        if name == b"DONE":
            return content
        if name == b"FAIL":
            raise FileNotFoundError(sync.exactly(length).decode())
        assert name == b"DATA"
        assert length <= 65536
        content += sync.exactly(length)


def failure(sync: OpenStream) -> str:
    name, length = struct.unpack("<4sI", sync.exactly(8))
    assert name == b"FAIL"
    return sync.exactly(length).decode()


def stat_2(sync: OpenStream, name: bytes, path: str) -> tuple[int, ...]:
    sync.send(request(name, path))
    answer, *fields = struct.unpack("<4sIQQIIIIQqqq", sync.exactly(72))
    assert answer == name
    return tuple(fields)


def test_files_both_ways(sync: OpenStream, phone: PhoneState) -> None:
    for size in (0, 1, 65535, 65536, 65537, 300_000):
        content = bytes(number % 251 for number in range(size))
        push(sync, f"/data/local/tmp/{size}", content)
        assert sync.exactly(8) == b"OKAY\0\0\0\0"
        assert phone.files.read(f"/data/local/tmp/{size}") == content
        assert pull(sync, f"/data/local/tmp/{size}") == content
    sync.send(b"QUIT\0\0\0\0")
    assert sync.rest() == b""


def test_several_requests_in_one_piece(sync: OpenStream) -> None:
    whole = b"".join(
        (
            request(b"SEND", "/sdcard/a,33188"),
            *blocks(b"content"),
            b"DONE" + struct.pack("<I", 5),
            request(b"STAT", "/sdcard/a"),
            request(b"RECV", "/sdcard/a"),
            b"QUIT\0\0\0\0",
        )
    )
    for start in range(0, len(whole), 5):
        sync.send(whole[start : start + 5])
    assert sync.rest() == (
        b"OKAY\0\0\0\0"
        + b"STAT"
        + struct.pack("<III", 0o100666, 7, 5)
        + b"DATA\7\0\0\0contentDONE\0\0\0\0"
    )


def test_what_is_known_of_files(sync: OpenStream) -> None:
    push(sync, "/data/local/tmp/a", b"abc", FILE | 0o644)
    sync.exactly(8)
    for name in (b"STA2", b"LST2"):
        error, _, inode, mode, links, uid, gid, size, *times = stat_2(
            sync, name, "/data/local/tmp/a"
        )
        assert (error, mode, links, uid, gid, size) == (0, FILE | 0o666, 1, uid, gid, 3)
        assert times == [1_000_000_000] * 3
        assert inode > 0
        assert stat_2(sync, name, "/data/local/tmp")[3] & 0o170000 == FOLDER
        assert stat_2(sync, name, "/none") == (2, *(0,) * 10)
        assert stat_2(sync, name, "/data/\0") == (2, *(0,) * 10)
    sync.send(request(b"STAT", "/data/local/tmp"))
    assert struct.unpack("<4sIII", sync.exactly(16))[1] & 0o170000 == FOLDER
    sync.send(request(b"STAT", "/none"))
    assert sync.exactly(16) == b"STAT" + bytes(12)


def entries(sync: OpenStream, path: str) -> dict[str, tuple[int, int, int]]:
    sync.send(request(b"LIST", path))
    found: dict[str, tuple[int, int, int]] = {}
    while True:
        name, mode, size, modified, length = struct.unpack("<4sIIII", sync.exactly(20))
        if name == b"DONE":
            assert (mode, size, modified, length) == (0, 0, 0, 0)
            return found
        assert name == b"DENT"
        found[sync.exactly(length).decode()] = (mode, size, modified)


def test_folders(sync: OpenStream) -> None:
    push(sync, "/data/local/tmp/größe", b"abc")
    push(sync, "/data/local/tmp/sub/b", b"")
    sync.exactly(16)
    found = entries(sync, "/data/local/tmp")
    assert found["größe"] == (FILE | 0o666, 3, 1_000_000_000)
    assert found["sub"][0] & 0o170000 == FOLDER
    assert set(found) == {"größe", "sub"}
    assert entries(sync, "/none") == {}


def test_what_cannot_be_read(sync: OpenStream) -> None:
    with pytest.raises(FileNotFoundError, match=r"^/none: No such file or directory$"):
        pull(sync, "/none")
    with pytest.raises(FileNotFoundError, match="Is a directory"):
        pull(sync, "/data/local/tmp")
    # The session goes on.
    assert entries(sync, "/none") == {}


def test_what_cannot_be_written(sync: OpenStream, phone: PhoneState) -> None:
    for path, content, mode, reason in (
        ("/sdcard/a", bytes(MAX_FILE + 1), FILE | 0o644, "File too large"),
        ("/sdcard/a", b"/b", 0o120777, "Operation not permitted"),
        ("/system/a", b"", FILE | 0o644, "Read-only file system"),
        ("/data/local/tmp", b"", FILE | 0o644, "Is a directory"),
    ):
        push(sync, path, content, mode)
        assert failure(sync) == f"{path}: {reason}"
    with pytest.raises(FileError):
        phone.files.read("/sdcard/a")
    push(sync, "/sdcard/b", b"goes on")
    assert sync.exactly(4) == b"OKAY"


def test_a_push_that_breaks_off_writes_nothing(peer: Peer, phone: PhoneState) -> None:
    phone.files.write("/sdcard/a", b"before")
    stream = peer.open("sync:")
    stream.send(request(b"SEND", "/sdcard/a,33188") + next(blocks(b"after")))
    stream.close()
    assert peer.open("shell:cat /sdcard/a").rest() == b"before"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.sampled_from([b"STAT", b"STA2", b"LIST", b"RECV", b"SEND", b"DATA", b"DONE", b"QUIT"])
        | st.sampled_from(
            [request(b"STAT", "/a"), request(b"SEND", "/sdcard/a,1"), b"\1\0\0\0", bytes(4)]
        )
        | st.binary(max_size=12),
        max_size=8,
    ).map(b"".join)
)
def test_any_bytes(peer: Peer, content: bytes) -> None:
    stream = peer.open("sync:")
    if content:
        stream.peer.send("WRTE", stream.local, stream.remote, content)
    stream.peer.send("CLSE", stream.local, stream.remote)
    stream.rest()
    assert peer.open("shell:echo a").rest() == b"a\n"
