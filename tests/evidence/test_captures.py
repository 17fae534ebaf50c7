from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.evidence.captures import scrubbed
from tests.evidence.capture_samples import capture_of, cleartext
from tests.patience import CAP

SECRET = b"c4n4ry-of-the-user"


def test_a_request_in_clear_loses_its_values_and_no_length() -> None:
    said = (
        b"POST /login?token=" + SECRET + b" HTTP/1.1\r\nHost: api.acme.test\r\nCookie: sid="
        + SECRET + b"\r\nX-Odd:" + SECRET + b"\r\n\r\npassword=" + SECRET
    )  # fmt: skip
    before = capture_of([cleartext(said)])
    after, removed = scrubbed(before)
    assert removed == 1
    assert len(after) == len(before)
    assert SECRET in before
    assert SECRET not in after
    for kept in (b"POST /login?", b"Host: api.acme.test", b"Cookie: ", b"X-Odd:"):
        assert kept in after


def test_what_is_no_request_stays() -> None:
    content = capture_of([cleartext(b"\x16\x03\x01" + bytes(range(256)))])
    assert scrubbed(content) == (content, 0)


def test_of_the_secrets_those_of_handshakes_stay() -> None:
    lines = [
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET 00 11",
        b"CLIENT_TRAFFIC_SECRET_0 00 22",
        b"CLIENT_RANDOM 00 33",
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET 00 44",
        b"EXPORTER_SECRET 00 55",
    ]
    after, removed = scrubbed(capture_of([cleartext(b"x")], lines))
    assert removed == 3
    assert lines[0] in after
    assert lines[3] in after
    assert not [line for line in (lines[1], lines[2], lines[4]) if line in after]
    none, _ = scrubbed(capture_of([cleartext(b"x")], lines[1:3]))
    assert none == capture_of([cleartext(b"x")])


def test_the_odd_end_of_a_capture_goes() -> None:
    content = capture_of([cleartext(b"one"), cleartext(b"two")])
    shorter, _ = scrubbed(content[:-5])
    assert content.startswith(shorter)
    assert 0 < len(shorter) < len(content)
    assert scrubbed(b"no capture") == (b"", 0)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_reads_what_is_left(tmp_path: Path) -> None:
    said = b"GET /?q=" + SECRET + b" HTTP/1.1\r\nHost: api.acme.test\r\nCookie: a\r\n\r\n"
    path = tmp_path / "some.pcapng"
    path.write_bytes(scrubbed(capture_of([cleartext(said)], [b"CLIENT_RANDOM 00 11"]))[0])
    fields = ["-T", "fields", "-e", "http.host", "-e", "http.cookie"]
    command = ["tshark", "-n", "-r", str(path), *fields]
    told = subprocess.run(command, capture_output=True, text=True, timeout=CAP, check=True)
    assert told.stdout.split() == ["api.acme.test", "x"]
