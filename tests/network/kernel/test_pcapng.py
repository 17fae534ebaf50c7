from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lab.network.kernel.pcapng import (
    PACKET,
    SECTION,
    Frame,
    capture,
    frames_of,
    key_log_of,
)
from tests.network.kernel.frames import frame

AT = 1_764_000_000_123_456_789


def test_tshark_reads_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    frames = [Frame(AT, frame()), Frame(AT + 1, frame() + b"x")]
    file.write_bytes(capture("port0", frames, [b"CLIENT_RANDOM 00 11"]))
    told = subprocess.run(
        ["tshark", "-n", "-r", str(file), "-T", "fields"]
        + [f"-e{name}" for name in ("frame.time_epoch", "frame.len", "frame.interface_name")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == [
        "1764000000.123456789\t54\tport0",
        "1764000000.123456790\t55\tport0",
    ]


def test_secrets_come_before_the_packets() -> None:
    written = capture("port0", [Frame(AT, b"packet")], [b"CLIENT_RANDOM 00 11"])
    assert written.index(b"CLIENT_RANDOM 00 11\n") < written.index(b"packet")
    assert len(written) % 4 == 0
    assert b"KSLT" not in capture("port0", [Frame(AT, b"packet")])


def test_what_was_written_is_read_again() -> None:
    frames = [frame(), frame()[:33]]
    lines = [b"CLIENT_RANDOM 00 11", b"CLIENT_RANDOM 22 33"]
    content = capture("port0", [Frame(AT, data) for data in frames], lines)
    assert list(frames_of(content)) == frames
    assert list(key_log_of(content)) == lines


def test_other_byte_order_is_read_too() -> None:
    packet = struct.pack(">IIIII", 0, 0, 0, 3, 3) + b"abc\0"
    section = struct.pack(">IHHQ", 0x1A2B3C4D, 1, 0, 2**64 - 1)
    content = b"".join(
        struct.pack(">II", kind, 12 + len(body)) + body + struct.pack(">I", 12 + len(body))
        for kind, body in ((SECTION, section), (PACKET, packet))
    )
    assert list(frames_of(content)) == [b"abc"]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_file_makes_trouble(junk: bytes, cut: int) -> None:
    content = capture("port0", [Frame(AT, frame())], [b"CLIENT_RANDOM 00 11"])[:cut] + junk
    assert len(list(frames_of(content))) <= len(content)
    assert all(isinstance(line, bytes) for line in key_log_of(content))
