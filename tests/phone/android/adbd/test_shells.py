from __future__ import annotations

import struct
import threading

import pytest

from lab.phone.android.adbd.shells import ShellRequest, shell_request
from lab.phone.android.shell import _COMMANDS
from lab.phone.android.shell.process import Process
from lab.phone.state import PhoneState
from tests.patience import CAP, LONG, eventually, not_waiting
from tests.phone.android.adbd.peer import OpenStream, Peer

PROMPT = b"virtual:/ # "


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("shell:ls", ShellRequest("ls", framed=False, terminal=False)),
        ("shell:", ShellRequest("", framed=False, terminal=True)),
        ("shell,raw:", ShellRequest("", framed=False, terminal=False)),
        ("shell,v2,TERM=xterm,raw:a:b", ShellRequest("a:b", framed=True, terminal=False)),
        ("shell,v2,TERM=xterm,pty:", ShellRequest("", framed=True, terminal=True)),
        ("shell,v2,pty:top", ShellRequest("top", framed=True, terminal=True)),
        ("shell,v2,TERM=xterm:logcat", ShellRequest("logcat", framed=True, terminal=False)),
        ("exec:cat", ShellRequest("cat", framed=False, terminal=False)),
        ("exec:", ShellRequest("", framed=False, terminal=False)),
        ("shell", None),
        ("sync:", None),
    ],
)
def test_requests(name: str, request_: ShellRequest | None) -> None:
    assert shell_request(name) == request_


def frame(stream: OpenStream) -> tuple[int, bytes]:
    """Read one frame of the second shell protocol."""
    kind, length = struct.unpack("<BI", stream.exactly(5))
    return kind, stream.exactly(length)


def framed(kind: int, content: bytes) -> bytes:
    return struct.pack("<BI", kind, len(content)) + content


def test_outputs_apart_and_an_exit_code(peer: Peer) -> None:
    stream = peer.open("shell,v2,raw:echo a; cat /none; echo b; exit 300")
    assert [frame(stream) for _ in range(4)] == [
        (1, b"a\n"),
        (2, b"cat: /none: No such file or directory\n"),
        (1, b"b\n"),
        (3, bytes([300 & 0xFF])),
    ]
    assert stream.rest() == b""


def test_input_in_frames_of_any_size(peer: Peer) -> None:
    stream = peer.open("shell,v2,raw:read a; read b; echo [$a] [$b]; read c; echo $?")
    # The size of the window, a line in two pieces, two lines in one, and the end.
    whole = framed(5, b"24x80,0x0\0") + framed(0, b"on") + framed(0, b"e\ntwo\n") + framed(4, b"")
    for start in range(0, len(whole), 3):
        stream.send(whole[start : start + 3])
    assert frame(stream) == (1, b"[one] [two]\n")
    assert frame(stream) == (1, b"1\n")
    assert frame(stream) == (3, b"\0")


def test_what_is_written_comes_at_once(peer: Peer) -> None:
    stream = peer.open("shell:echo before; read x; echo $x; read x")
    assert stream.exactly(7) == b"before\n"
    stream.send(b"between\n")
    assert stream.exactly(8) == b"between\n"
    stream.close()


def test_the_payload_is_no_longer_than_the_peer_can_take(
    open_adbd: object, phone: PhoneState
) -> None:
    from lab.phone.android.adbd import Adbd

    assert isinstance(open_adbd, Adbd)
    phone.files.write("/big", bytes(100_000))
    for version, most in ((0x01000000, 4096), (0x01000001, 1000), (0x01000001, 1 << 20)):
        with Peer(open_adbd.port) as peer:
            answer = peer.greet(version, most)
            assert (answer.arg0, answer.arg1) == (version, 262_144)
            stream = peer.ask("exec:cat /big")
            stream.remote = peer.receive().arg0
            sizes = []
            while (got := peer.receive()).name == "WRTE":
                sizes.append(len(got.payload))
                peer.send("OKAY", stream.local, stream.remote)
            assert sum(sizes) == 100_000
            assert max(sizes) == min(most, 100_000)


def test_nothing_more_comes_before_it_is_acknowledged(peer: Peer) -> None:
    stream = peer.ask("shell:echo a; echo b")
    stream.remote = peer.receive().arg0
    assert peer.receive().payload == b"a\n"
    other = peer.ask("shell:")
    # The answer to the other stream overtakes what waits.
    assert peer.receive()[::2] == ("OKAY", other.local)
    peer.send("OKAY", stream.local, stream.remote)
    rest = {peer.receive().payload for _ in range(2)}
    assert rest == {b"b\n", PROMPT}


def test_a_person_at_a_terminal(peer: Peer) -> None:
    stream = peer.open("shell,pty:")
    assert stream.until(b"# ") == PROMPT
    stream.send(b"echo wroNg\x7f\x7f\x7fong\r")
    assert stream.until(b"# ") == (b"echo wroNg\b \b\b \b\b \bong\r\nwrong\r\n" + PROMPT)
    stream.send(b"for x in 1 2\n")
    assert stream.until(b"> ") == b"for x in 1 2\r\n> "
    stream.send(b"do echo $x; done\n")
    assert stream.until(b"# ") == b"do echo $x; done\r\n1\r\n2\r\n" + PROMPT
    stream.send(b"none 1 \xc3\xb6\x7f\x17\x15echo $?\n")
    assert stream.until(b"# ") == (
        b"none 1 \xc3\xb6\b \b" + b"\b \b" * 2 + b"\b \b" * 5 + b"echo $?\r\n0\r\n" + PROMPT
    )
    stream.send(b"\x03")
    assert stream.until(b"# ") == b"^C\r\n" + PROMPT
    stream.send(b"\x04")
    assert stream.rest() == b""


def test_a_line_of_another_shells_grammar_is_refused_and_the_shell_goes_on(peer: Peer) -> None:
    stream = peer.open("shell,pty:")
    stream.until(b"# ")
    stream.send(b"case a\n")
    assert b"does not know that" in stream.until(b"# ")
    stream.send(b"exit\n")
    assert stream.rest() == b"exit\r\n"


def test_reading_at_a_terminal(peer: Peer) -> None:
    stream = peer.open("shell,pty:")
    stream.until(b"# ")
    stream.send(b"read x; echo [$x]; read y; echo $?\n")
    stream.until(b"\n")
    stream.send(b"typed\n")
    assert stream.until(b"]\r\n") == b"typed\r\n[typed]\r\n"
    stream.send(b"half\x04\x04")
    assert stream.until(b"# ") == b"half1\r\n" + PROMPT


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch, phone: PhoneState) -> None:
    def command(process: Process) -> int:
        process.out.line("waiting")
        process.hung_up.wait(CAP)
        process.phone.log("wait", "INFO", f"hung up: {process.hung_up.is_set()}")
        return 0

    monkeypatch.setitem(_COMMANDS, "wait", command)


@pytest.mark.usefixtures("wait")
@pytest.mark.parametrize(
    "service", ["shell:wait", "shell,pty:wait", "shell,v2,raw:wait", "exec:wait"]
)
def test_a_command_hears_of_its_client_leaving(peer: Peer, service: str, phone: PhoneState) -> None:
    stream = peer.open(service)
    stream.until(b"waiting")
    stream.close()
    assert eventually(lambda: bool(phone.logcat.lines({"wait"})))
    assert phone.logcat.lines({"wait"})[0].message == "hung up: True"


@pytest.mark.usefixtures("wait")
def test_ctrl_c_ends_a_command_and_not_the_shell(peer: Peer) -> None:
    stream = peer.open("shell,v2,pty:")
    stream.send(framed(0, b"wait; echo after\n"))
    stream.until(b"waiting\r\n")
    stream.send(framed(0, b"\x03"))
    assert b"^C\r\n" in stream.until(PROMPT)
    stream.send(framed(0, b"echo still\n"))
    assert b"still\r\n" in stream.until(PROMPT)


@pytest.mark.usefixtures("wait")
def test_the_end_of_a_terminals_input_is_not_its_end(peer: Peer) -> None:
    stream = peer.open("shell,v2,pty:wait; echo after")
    stream.send(framed(4, b""))
    stream.until(b"waiting\r\n")
    stream.close()


def test_what_is_typed_has_a_limit(peer: Peer) -> None:
    stream = peer.open("shell,pty:")
    stream.until(b"# ")
    stream.send(b"a" * 5000)
    assert stream.until(b"\a" * (5000 - 4096))
    stream.send(b"\n")
    assert b"inaccessible or not found" in stream.until(PROMPT)


def test_a_client_that_leaves_is_answered_at_once(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the command does not look up: adb-shell waits for that."""
    released = threading.Event()

    def stubborn(_: Process) -> int:
        released.wait(LONG)
        return 0

    monkeypatch.setitem(_COMMANDS, "stubborn", stubborn)
    stream = peer.open("shell:stubborn")
    with not_waiting():
        stream.close()
    released.set()


def test_the_last_bytes_may_come_unasked(
    peer: Peer, phone: PhoneState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """adb sends what is left when its own client has gone, and closes."""
    begun = threading.Event()

    def keep(process: Process) -> int:
        begun.set()
        process.hung_up.wait(CAP)
        process.phone.log("keep", "INFO", process.stdin.decode())
        return 0

    monkeypatch.setitem(_COMMANDS, "keep", keep)
    stream = peer.open("exec:keep")
    # What has not begun yet when its client goes never does.
    assert begun.wait(CAP)
    for part in (b"one ", b"two ", b"three"):
        peer.send("WRTE", stream.local, stream.remote, part)
    peer.send("CLSE", stream.local, stream.remote)
    assert eventually(lambda: bool(phone.logcat.lines({"keep"})))
    assert phone.logcat.lines({"keep"})[0].message == "one two three"


def test_a_client_that_has_lost_its_place_is_left(peer: Peer) -> None:
    stream = peer.open("shell,v2,raw:read x; read y")
    peer.send("WRTE", stream.local, stream.remote, b"\0\xff\xff\xff\xff")
    stream.rest()
    assert peer.open("shell:echo a").rest() == b"a\n"
