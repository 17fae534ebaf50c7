from __future__ import annotations

import plistlib
import struct

from tests.patience import CAP, eventually
from tests.phone.ios.cable import Cable
from tests.phone.ios.peer import Peer
from tests.phone.ios.plugged import OpenService, threads

NOVEMBER = 1_795_777_777.0


def lines(peer: Peer, count: int) -> list[str]:
    content = b""
    while content.count(b"\0") < count:
        content += peer.receive(1)
    return content.decode().split("\n\0")[:-1]


def test_the_log_as_it_grows(service: OpenService, cable: Cable) -> None:
    log = cable.handset.logcat
    log.write(NOVEMBER, "TestApp", "INFO", "before")
    cable.handset.name = "My iPhone"
    peer = service("com.apple.syslog_relay")
    assert log.awaited.wait(CAP)
    log.write(NOVEMBER, "TestApp(CFNetwork)", "INFO", "one\0\ntwo", pid=412)
    log.write(NOVEMBER, "kernel", "ERROR", "grüße", pid=0)
    listening, *found = lines(peer, 4)
    assert listening.endswith("<Notice>: spawned com.apple.syslog_relay")
    assert found == [
        "Nov 27 11:09:37 My-iPhone TestApp(CFNetwork)[412] <Notice>: one",
        "Nov 27 11:09:37 My-iPhone TestApp(CFNetwork)[412] <Notice>: two",
        "Nov 27 11:09:37 My-iPhone kernel[0] <Error>: grüße",
    ]


def test_who_leaves_is_let_go(service: OpenService, cable: Cable) -> None:
    for name in ("com.apple.syslog_relay", "com.apple.pcapd"):
        peer = service(name)
        assert eventually(lambda: len(threads()) == 2)
        peer.sock.close()
        assert eventually(lambda: len(threads()) == 1)


def test_the_frames_as_they_come(service: OpenService, cable: Cable) -> None:
    peer = service("com.apple.pcapd")
    assert cable.handset.frames.awaited.wait(CAP)
    made = cable.handset.frames.opened(
        ("192.0.2.7", 50000),
        ("198.51.100.1", 443),
        process="A very long name of a process",
        pid=412,
    )
    six = cable.handset.frames.opened(("::1", 1), ("::2", 2), process="B", pid=1)
    made.received(b"hello")
    six.closed()
    found = []
    for _ in range(8):
        (length,) = struct.unpack(">I", peer.receive(4))
        found.append(plistlib.loads(peer.receive(length)))
    (size, version, length, kind, unit, direction, family, before, behind, interface) = (
        struct.unpack(">IBIBHBIII16s", found[0][:41])
    )
    assert (size, version, length, kind, unit, before, behind) == (95, 2, 54, 6, 0, 14, 0)
    assert (direction, family, interface.rstrip(b"\0")) == (2, 2, b"en0")
    for at in (41, 66):
        pid, process = struct.unpack("<I17s", found[0][at : at + 21])
        assert (pid, process.rstrip(b"\0")) == (412, b"A very long name")
    seconds, microseconds = struct.unpack(">II", found[0][87:95])
    assert abs(seconds + microseconds / 1e6 - cable.handset.now()) < 60
    assert len(found[0]) == 95 + length
    # The second frame came in, the fourth is of IPv6, and the seventh brought something.
    assert (found[1][16 + 1 - 5], struct.unpack(">I", found[3][13:17])[0]) == (1, 30)
    assert found[6].endswith(b"hello")
