"""What no adb would send: each is refused in time, in words, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.android.adbd import Adbd, KeyPolicy
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from tests.patience import CAP, eventually
from tests.phone.android.adbd.conftest import HASTY, QUICK, Start, threads
from tests.phone.android.adbd.peer import BANNER, OpenStream, Peer, packed

HELLO = packed("CNXN", 0x01000001, 1 << 20, BANNER)
OPEN = packed("OPEN", 1, 0, b"shell:cat\0")
LATE = "the peer took too long"


def before_hello(content: bytes) -> Callable[[Peer], None]:
    return lambda peer: peer.sock.sendall(content)


def after_hello(content: bytes) -> Callable[[Peer], None]:
    def send(peer: Peer) -> None:
        peer.greet()
        peer.sock.sendall(content)

    return send


def on_a_stream(make: Callable[[OpenStream], bytes]) -> Callable[[Peer], None]:
    def send(peer: Peer) -> None:
        peer.greet()
        peer.sock.sendall(make(peer.open("shell:read x; follow")))

    return send


def with_old_version(content: bytes) -> Callable[[Peer], None]:
    def send(peer: Peer) -> None:
        peer.greet(0x01000000, 4096)
        peer.sock.sendall(content)

    return send


def deaf(peer: Peer) -> None:
    """Asks for more than the buffers hold, and does not read."""
    peer.greet()
    stream = peer.open("exec:while true; do cat /big; done")
    # Acknowledges everything that it has not read.
    okay = packed("OKAY", stream.local, stream.remote)

    def given_up() -> bool:
        try:
            peer.sock.sendall(okay)
        except OSError:
            return True
        return False

    assert eventually(given_up)


def many(content: Callable[[int], bytes], count: int) -> bytes:
    return b"".join(content(number) for number in range(1, count + 1))


CLOSED: dict[str, tuple[Callable[[Peer], None], str]] = {
    "an HTTP request": (
        before_hello(b"GET / HTTP/1.1\r\nHost: phone\r\n\r\n"),
        "a header with a wrong magic",
    ),
    "a TLS hello": (
        before_hello(bytes.fromhex("16030100c8010000c40303") + bytes(64)),
        "a header with a wrong magic",
    ),
    "zeros": (before_hello(bytes(4096)), "a header with a wrong magic"),
    "noise": (before_hello(os.urandom(4096)), "a header with a wrong magic"),
    "nothing": (before_hello(b""), LATE),
    "one byte": (before_hello(b"C"), LATE),
    "half a header": (before_hello(HELLO[:12]), LATE),
    "a header without its payload": (before_hello(HELLO[:24]), LATE),
    "a payload that breaks off": (before_hello(HELLO[:-1]), LATE),
    "a wrong magic": (
        before_hello(packed("CNXN", 0x01000001, 4096, BANNER, magic=0)),
        "a header with a wrong magic",
    ),
    "a wrong checksum": (
        before_hello(packed("CNXN", 0x01000001, 4096, BANNER, total=1)),
        "CNXN with a wrong checksum",
    ),
    "an absurd length": (
        before_hello(packed("CNXN", 0x01000001, 4096, length=2**32 - 1)),
        "CNXN with 4294967295 bytes, more than 4096",
    ),
    "a long banner": (
        before_hello(packed("CNXN", 0x01000001, 4096, bytes(5000))),
        "CNXN with 5000 bytes, more than 4096",
    ),
    "an old version": (before_hello(packed("CNXN", 1, 4096, BANNER)), "CNXN of no version"),
    "no room for an answer": (
        before_hello(packed("CNXN", 0x01000001, 0, BANNER)),
        "CNXN of no version",
    ),
    "OPEN before CNXN": (before_hello(OPEN), "OPEN before CNXN"),
    "WRTE before CNXN": (before_hello(packed("WRTE", 1, 1, b"a")), "WRTE before CNXN"),
    "AUTH before CNXN": (before_hello(packed("AUTH", 3, 0, b"a")), "AUTH before CNXN"),
    "SYNC": (before_hello(packed("SYNC", 1, 1)), "an unknown command, 0x434e5953"),
    "STLS": (after_hello(packed("STLS", 1, 1)), "an unknown command, 0x534c5453"),
    "a second CNXN": (after_hello(HELLO), "a second CNXN"),
    "AUTH after CNXN": (after_hello(packed("AUTH", 2, 0, bytes(256))), "a second AUTH"),
    "half a header after CNXN": (after_hello(OPEN[:10]), LATE),
    "half an OPEN": (after_hello(OPEN[:-3]), LATE),
    "noise after CNXN": (after_hello(b"\x80" * 4096), "a header with a wrong magic"),
    "an absurd length after CNXN": (
        after_hello(packed("OPEN", 1, 0, length=1 << 31)),
        "OPEN with 2147483648 bytes, more than 262144",
    ),
    "a payload beyond what was announced": (
        after_hello(packed("OPEN", 1, 0, bytes(262_145))),
        "OPEN with 262145 bytes, more than 262144",
    ),
    "OPEN without an id": (after_hello(packed("OPEN", 0, 0, b"shell:\0")), "OPEN without an id"),
    "OPEN with an id of the phone's": (
        after_hello(packed("OPEN", 1, 1, b"shell:\0")),
        "OPEN without an id",
    ),
    "OPEN with a NUL": (
        after_hello(packed("OPEN", 1, 0, b"shell:a\0b\0")),
        "OPEN of a name with a NUL in it",
    ),
    "a storm of OPEN": (
        after_hello(many(lambda n: packed("OPEN", n, 0, b"shell:read x\0"), 2000)),
        "more than 16 streams",
    ),
    "the same OPEN again and again": (after_hello(OPEN * 2000), "more than 16 streams"),
    "a storm of connections to a port": (
        after_hello(many(lambda n: packed("OPEN", n, 0, b"tcp:6790\0"), 2000)),
        "more than 16 streams",
    ),
    "WRTE without waiting": (
        on_a_stream(lambda s: packed("WRTE", s.local, s.remote, b"a") * 100),
        "WRTE before those before it were acknowledged",
    ),
    "a checksum missing in an old version": (
        with_old_version(packed("OPEN", 1, 0, b"shell:\0", total=0)),
        "OPEN with a wrong checksum",
    ),
    "a peer that does not read": (deaf, LATE),
}


@pytest.fixture(autouse=True)
def follow(monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.phone.android.shell import _COMMANDS
    from lab.phone.android.shell.process import Process

    def wait(process: Process) -> int:
        process.hung_up.wait(CAP)
        return 0

    monkeypatch.setitem(_COMMANDS, "follow", wait)


@pytest.fixture
def quick(start: Start) -> Adbd:
    return start(keys=KeyPolicy.OPEN, limits=QUICK)


def log(phone: PhoneState) -> str:
    return "\n".join(line.message for line in phone.logcat.lines({"adbd"}))


def works(daemon: Adbd) -> bool:
    """Whether a fresh connection is served."""
    with Peer(daemon.port) as peer:
        peer.greet()
        return peer.open("shell:echo a").rest() == b"a\n"


@pytest.mark.parametrize("name", CLOSED)
def test_the_connection_is_closed(
    name: str, start: Start, phone: PhoneState, system: AndroidSystem
) -> None:
    attack, said = CLOSED[name]
    quick = start(keys=KeyPolicy.OPEN, limits=HASTY if said == LATE else QUICK)
    phone.files.write("/big", bytes(1 << 20))
    with Peer(quick.port) as bystander:
        bystander.greet()
        other = bystander.open("shell:read x; echo $x")
        before = threads()
        descriptors = psutil.Process().num_fds()
        with Peer(quick.port) as peer:
            attack(peer)
            assert peer.was_closed()
        assert eventually(lambda: said in log(phone))
        assert any(said in line and line.endswith("; closed") for line in log(phone).split("\n"))
        assert eventually(lambda: threads() <= before), threads() - before
        assert eventually(lambda: psutil.Process().num_fds() <= descriptors)
        # Nobody else has noticed.
        other.send(b"still here\n")
        assert other.rest() == b"still here\n"
    assert works(quick)


ANSWERED: dict[str, tuple[str, bytes, bytes]] = {
    # What is asked for, what is sent, and how the answer ends.
    "sync: an unknown command": ("sync:", b"NONE\4\0\0\0abcd", b"unknown command 4e4f4e45"),
    "sync: zeros": ("sync:", bytes(64), b"unknown command 00000000"),
    "sync: a path beyond all bounds": ("sync:", b"STAT\xff\xff\xff\xff", b"path too long"),
    "sync: no path": ("sync:", b"RECV\0\0\0\0QUIT\0\0\0\0", b": Invalid argument"),
    "sync: a path with a NUL": ("sync:", b"RECV\3\0\0\0/a\0QUIT\0\0\0\0", b"/a?: Invalid argument"),
    "sync: SEND without a mode": (
        "sync:",
        b"SEND\2\0\0\0/aDONE\0\0\0\0QUIT\0\0\0\0",
        b"/a: Invalid argument",
    ),
    "sync: a block beyond all bounds": (
        "sync:",
        b"SEND\x04\0\0\0/a,1DATA\1\0\1\0",
        b"invalid data message",
    ),
    "sync: no block at all": ("sync:", b"SEND\4\0\0\0/a,1STAT\1\0\0\0a", b"invalid data message"),
    "sync: a path that climbs out": (
        "sync:",
        b"RECV\x17\0\0\0/../../../../etc/passwdQUIT\0\0\0\0",
        b"No such file or directory",
    ),
    "shell: a frame beyond all bounds": (
        "shell,v2,raw:read x; follow; echo $x",
        b"\0\xff\xff\xff\xff",
        b"",
    ),
    "shell: a frame of no kind": (
        "shell,v2,raw:read x; echo $x",
        b"\x63\2\0\0\0ab\0\2\0\0\0c\n",
        b"\1\2\0\0\0c\n\3\1\0\0\0\0",
    ),
    "shell: a line without end": ("shell:", b"a" * 200_000, b""),
    "shell: no text": ("shell:cat", b"\xff\xfe\0\n", b""),
    "reverse: nothing": ("reverse:", b"", b"unknown reverse command "),
    "reverse: no target": ("reverse:forward:tcp:1", b"", b"bad forward: expected LOCAL;REMOTE"),
    "reverse: no port": (
        "reverse:forward:tcp:70000;tcp:1",
        b"",
        b"unknown socket specification 'tcp:70000'; this phone listens on tcp:N",
    ),
    "reverse: a target beyond all bounds": (
        f"reverse:forward:tcp:1;tcp:{'1' * 300}",
        b"",
        b"bad forward: expected LOCAL;REMOTE",
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_the_stream_ends_with_an_answer(name: str, quick: Adbd) -> None:
    service, sent, end = ANSWERED[name]
    before = threads()
    with Peer(quick.port) as peer:
        peer.greet()
        stream = peer.open(service)
        if sent:
            peer.send("WRTE", stream.local, stream.remote, sent)
        if end:
            assert stream.rest().endswith(end)
        # The connection is none the worse for it.
        peer.sock.sendall(packed("CLSE", stream.local, stream.remote))
        if not end:
            stream.rest()
        assert peer.open("shell:echo a").rest() == b"a\n"
    assert eventually(lambda: threads() <= before)


@pytest.mark.parametrize(
    "service",
    [
        *(
            "",
            "none:",
            "jdwp:1",
            "framebuffer:",
            "track-jdwp",
            "localabstract:a",
            "localfilesystem:/a",
        ),
        *(
            "host:version",
            "host:kill",
            "tcp:",
            "tcp:x",
            "tcp:-1",
            "tcp:99999",
            "tcp:1:example.test",
        ),
        *("shellx:a", "SHELL:a", "sync", "dev:/dev/mem", "usb:", "abb:package", "\xff"),
    ],
)
def test_there_is_no_such_service(service: str, peer: Peer) -> None:
    stream = peer.ask(service)
    answer = peer.receive()
    assert answer[:3] == ("CLSE", 0, stream.local)
    assert peer.open("shell:echo a").rest() == b"a\n"


def test_what_is_nobodys_is_passed_over(peer: Peer) -> None:
    for content in (
        packed("WRTE", 1, 999, b"a"),
        packed("OKAY", 1, 999),
        packed("CLSE", 1, 999),
        packed("CLSE", 0, 0),
        packed("WRTE", 0, 0, bytes(262_144)),
    ):
        peer.sock.sendall(content)
    stream = peer.open("shell:read x; echo $x")
    # Under somebody else's id.
    peer.sock.sendall(packed("WRTE", stream.local + 1, stream.remote, b"wrong\n"))
    peer.sock.sendall(packed("CLSE", stream.local + 1, stream.remote))
    # An acknowledgement too many, and an empty write.
    peer.sock.sendall(packed("OKAY", stream.local, stream.remote) * 3)
    peer.sock.sendall(packed("WRTE", stream.local, stream.remote))
    stream.send(b"right\n")
    assert stream.rest() == b"right\n"


def test_bytes_that_nobody_reads_have_a_limit(start: Start, phone: PhoneState) -> None:
    daemon = start(keys=KeyPolicy.OPEN, limits=replace(QUICK, streams=100))
    with Peer(daemon.port) as peer:
        peer.greet()
        streams = [peer.open("shell:follow") for _ in range(10)]
        with suppress(OSError):
            for stream in streams:
                peer.send("WRTE", stream.local, stream.remote, bytes(60_000))
        assert peer.was_closed()
    assert eventually(lambda: "bytes that nobody has read" in log(phone))
    assert works(daemon)


def test_connections_have_a_limit(quick: Adbd, phone: PhoneState) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(quick.port)) for _ in range(QUICK.connections)]
        for peer in peers:
            peer.greet()
        with Peer(quick.port) as one_more:
            assert one_more.was_closed()
        assert peers[0].open("shell:echo a").rest() == b"a\n"
    assert eventually(lambda: "there are 8 already" in log(phone))
    assert eventually(lambda: _greets(quick))


def _greets(daemon: Adbd) -> bool:
    try:
        return works(daemon)
    except (OSError, EOFError):
        return False


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("AUTH", 2, b"")] * 3, "too many signatures"),
        ([("AUTH", 2, bytes(256))] * 3, "too many signatures"),
        ([("AUTH", 2, bytes(4000)), ("AUTH", 9, b"")], "AUTH of kind 9"),
        ([("AUTH", 1, bytes(20))], "AUTH of kind 1"),
        ([("OPEN", 1, b"shell:\0")], "OPEN instead of AUTH"),
        ([("CNXN", 0x01000001, BANNER)], "CNXN instead of AUTH"),
        ([("AUTH", 3, b"")], "an adb key that has not 2048 bits"),
        ([("AUTH", 3, b"!!!! a@b\0")], "an adb key that is not base64"),
        ([("AUTH", 3, bytes(4000))], "an adb key that"),
        ([], LATE),
    ],
)
def test_no_way_around_a_key(
    start: Start, answers: list[tuple[str, int, bytes]], said: str, phone: PhoneState
) -> None:
    daemon = start(limits=HASTY if said == LATE else QUICK)
    with Peer(daemon.port) as peer:
        peer.send("CNXN", 0x01000001, 4096, BANNER)
        tokens = set()
        for name, arg0, payload in answers:
            got = peer.receive()
            assert (got.name, got.arg0, len(got.payload)) == ("AUTH", 1, 20)
            tokens.add(got.payload)
            peer.send(name, arg0, 0, payload)
        assert peer.was_closed()
        assert len(tokens) == len(answers)
    assert eventually(lambda: said in log(phone))


def test_what_was_sent_while_a_key_is_asked_for_does_not_count(start: Start) -> None:
    """An OPEN that comes in one piece with the greeting is not carried out."""
    daemon = start(limits=QUICK)
    with Peer(daemon.port) as peer:
        peer.sock.sendall(HELLO + OPEN)
        assert peer.receive().name == "AUTH"
        assert peer.was_closed()


@pytest.mark.parametrize("how", ["close", "reset", "half"])
def test_a_client_may_go_at_any_moment(quick: Adbd, how: str) -> None:
    wire = HELLO + OPEN + packed("WRTE", 1, 1, b"a") + packed("CLSE", 1, 1)
    before = threads()
    for end in range(0, len(wire) + 1, 7):
        sock = socket.create_connection(("127.0.0.1", quick.port), timeout=CAP)
        sock.sendall(wire[:end])
        if how == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half":
            sock.shutdown(socket.SHUT_WR)
        sock.close()
    assert eventually(lambda: threads() <= before)
    assert eventually(lambda: _greets(quick))


def test_closing_ends_everything(start: Start, system: AndroidSystem) -> None:
    daemon = start(keys=KeyPolicy.OPEN)
    with Peer(daemon.port) as peer, Peer(daemon.port) as silent:
        peer.greet()
        peer.open("reverse:forward:tcp:80;tcp:1").rest()
        for service in ("shell:follow", "sync:", "shell,pty:"):
            peer.open(service)
        daemon.close()
        daemon.close()
        assert peer.was_closed()
        assert silent.was_closed()
    assert system.ports.served() == ()
    with pytest.raises(OSError, match="refused"):
        Peer(daemon.port)


def test_a_port_that_is_taken(start: Start, system: AndroidSystem) -> None:
    before = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        Adbd(system, port=start().port)
    assert threading.active_count() == before + 1


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.lists(
        st.builds(
            packed,
            st.sampled_from(["OPEN", "OKAY", "WRTE", "CLSE"]),
            st.integers(0, 3),
            st.integers(0, 3),
            st.sampled_from(
                [b"", b"shell:\0", b"sync:\0", b"shell:cat\0", b"tcp:1\0", b"reverse:\0"]
            )
            | st.binary(max_size=40),
        ),
        max_size=12,
    )
)
def test_any_messages(quick: Adbd, messages: list[bytes]) -> None:
    before = threads()
    with Peer(quick.port) as peer:
        peer.greet()
        try:
            for message in messages:
                peer.sock.sendall(message)
            peer.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert peer.was_closed()
    assert eventually(lambda: threads() <= before)
    assert works(quick)
