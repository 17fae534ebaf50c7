from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.frames import MAX_FRAMES, SEGMENT, FrameBuffer
from lab.phone.ios.lockdown.handset import Frame
from tests.patience import CAP

FEW = settings(max_examples=25, deadline=None)


def buffer() -> FrameBuffer:
    return FrameBuffer(lambda: 1_800_000_000.25)


def capture(frames: tuple[Frame, ...]) -> bytes:
    """Write a pcap file."""
    records = b"".join(
        struct.pack("<IIII", int(f.at), 0, len(f.content), len(f.content)) + f.content
        for f in frames
    )
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records


@pytest.mark.parametrize(
    ("local", "remote"), [("192.0.2.7", "198.51.100.1"), ("2001:db8::7", "2001:db8::1")]
)
def test_wireshark_reads_the_conversation(tmp_path: Path, local: str, remote: str) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("needs tshark")
    frames = buffer()
    request = b"GET / HTTP/1.1\r\nHost: api.acme.test\r\nX-Long: " + b"a" * 4000 + b"\r\n\r\n"
    made = frames.opened((local, 50000), (remote, 80), process="TestApp", pid=412)
    made.sent(request)
    made.received(b"HTTP/1.1 204 No Content\r\n\r\n")
    made.closed()
    made.sent(b"after the end")
    path = tmp_path / "frames.pcap"
    path.write_bytes(capture(frames.since(0, 0)[1]))
    ran = subprocess.run(
        ["tshark", "-r", str(path), "-T", "json", "-o", "tcp.check_checksum:TRUE"],
        capture_output=True,
        check=True,
        timeout=CAP,
    )
    layers = [packet["_source"]["layers"] for packet in json.loads(ran.stdout)]
    assert [layer["tcp"]["tcp.checksum.status"] for layer in layers] == ["1"] * len(layers)
    requests = [layer["http"] for layer in layers if "http" in layer]
    assert [each.get("http.host", each.get("http.response.line")) for each in requests] == [
        "api.acme.test",
        None,
    ]
    # Nothing was lost, repeated or out of order on the way.
    assert not any("tcp.analysis.flags" in json.dumps(layer) for layer in layers)
    flags = [layer["tcp"]["tcp.flags"] for layer in layers]
    assert (flags[:3], flags[-3:]) == (
        ["0x0002", "0x0012", "0x0010"],
        ["0x0011", "0x0011", "0x0010"],
    )


@FEW
@given(parts=st.lists(st.tuples(st.booleans(), st.binary(max_size=3 * SEGMENT)), max_size=6))
def test_every_byte_is_in_its_place(parts: list[tuple[bool, bytes]]) -> None:
    frames = buffer()
    made = frames.opened(("192.0.2.7", 1), ("192.0.2.1", 2), process="A", pid=1)
    for outgoing, content in parts:
        (made.sent if outgoing else made.received)(content)
    found = frames.since(0, 0)[1]
    for outgoing in (True, False):
        said = b"".join(f.content[54:] for f in found if f.outgoing == outgoing)
        assert said == b"".join(content for side, content in parts if side == outgoing)
        # Each segment begins where the one before it ended.
        segments = [f.content for f in found if f.outgoing == outgoing]
        at = 0
        for segment in segments:
            (number,) = struct.unpack(">I", segment[38:42])
            assert number == at
            at += len(segment) - 54 + bool(segment[47] & 0x03)


def test_old_frames_are_gone() -> None:
    frames = buffer()
    made = frames.opened(("192.0.2.7", 1), ("192.0.2.1", 2), process="A", pid=1)
    for _ in range(MAX_FRAMES):
        made.sent(b"a")
    assert frames.written == 3 + 2 * MAX_FRAMES
    count, found = frames.since(0, 0)
    assert (count, len(found)) == (frames.written, MAX_FRAMES)
    assert frames.since(count, 0) == (count, ())


def test_addresses_of_two_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="of two kinds"):
        buffer().opened(("192.0.2.7", 1), ("::1", 2), process="A", pid=1)
