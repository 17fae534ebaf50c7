from __future__ import annotations

import subprocess
from pathlib import Path

from lab.network.kernel.pcapng import Frame, capture
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
