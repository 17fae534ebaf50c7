"""What no tool would send to usbmuxd: each is refused in time, and leaves nothing behind."""

from __future__ import annotations

import os
import plistlib
import socket
from contextlib import ExitStack, suppress

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.patience import CAP, eventually
from tests.phone.ios.cable import QUICK, UDID, Cable
from tests.phone.ios.peer import Peer, mux_packed, mux_raw
from tests.phone.ios.plists import plists
from tests.phone.ios.plugged import PlugIn, threads

LIST = mux_packed({"MessageType": "ListDevices"})
LATE, TOO_LONG = "the peer took too long", "bytes, more than 1048576"
NO_LIST = "no property list"


def deep(levels: int) -> bytes:
    return (
        b"<plist>" + b"<dict><key>a</key>" * levels + b"<true/>" + b"</dict>" * levels + b"</plist>"
    )


CLOSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", LATE),
    "one byte": (b"\x20", LATE),
    "half a header": (LIST[:9], LATE),
    "a header only": (LIST[:16], LATE),
    "a body that breaks off": (LIST[:-1], LATE),
    "a length of zero": (mux_raw(b"", length=0), "a message of 0 bytes, header included"),
    "a length below the header's": (mux_raw(b"", length=15), "a message of 15 bytes"),
    "an absurd length": (mux_raw(b"", length=2**32 - 1), TOO_LONG),
    "a length just over the limit": (mux_raw(b"", length=1024 * 1024 + 1), TOO_LONG),
    "a length that is too long": (mux_raw(LIST[16:], length=len(LIST) + 1), LATE),
    "a length that is too short": (mux_raw(LIST[16:], length=len(LIST) - 9), NO_LIST),
    "an empty body": (mux_raw(b""), NO_LIST),
    "noise as a body": (mux_raw(os.urandom(1000)), NO_LIST),
    "zeros": (bytes(4096), "a message of 0 bytes, header included"),
    "a length in the other order": (b"\0\0\1\0" + LIST[4:], LATE),
    "an HTTP request": (b"GET / HTTP/1.1\r\nHost: phone\r\n\r\n", TOO_LONG),
    "a TLS hello": (bytes.fromhex("16030100c8010000c40303") + bytes(64), LATE),
    "JSON": (mux_raw(b'{"MessageType": "ListDevices"}'), NO_LIST),
    "a list": (mux_raw(plistlib.dumps(["ListDevices"])), "no dictionary"),
    "a text": (mux_raw(plistlib.dumps("ListDevices")), "no dictionary"),
    "an empty binary list": (mux_raw(b"bplist00"), NO_LIST),
    "a binary list of nonsense": (mux_raw(b"bplist00" + bytes(range(64))), NO_LIST),
    "XML that breaks off": (mux_raw(b"<plist><dict>"), NO_LIST),
    "XML of another kind": (mux_raw(b"<html><body/></html>"), NO_LIST),
    "XML with an entity": (
        mux_raw(b'<!DOCTYPE p [<!ENTITY a "b">]><plist><dict><key>&a;</key></dict></plist>'),
        NO_LIST,
    ),
    "too deep": (mux_raw(deep(100)), "too deep or too large"),
    "much too deep": (mux_raw(deep(5_000)), "too deep or too large"),
    "too many values": (mux_raw(plistlib.dumps({"a": [0] * 30_000})), "too deep or too large"),
    "a key that is none": (mux_raw(b"<plist><dict><string>a</string></dict></plist>"), NO_LIST),
    "a number beyond all bounds": (
        mux_raw(b"<plist><dict><key>a</key><integer>" + b"9" * 30 + b"</integer></dict></plist>"),
        "too large",
    ),
    "the old protocol": (mux_raw(b"", version=0, kind=3), "version 0 of the protocol"),
    "a version of the future": (mux_raw(b"", version=2**32 - 1), "version 4294967295"),
    "a type of the old protocol": (mux_raw(LIST[16:], kind=2), "a message of type 2"),
    "a request after Listen": (mux_packed({"MessageType": "Listen"}) + LIST, "out of place"),
    "a good request and then silence": (LIST, LATE),
    "a good request and then half a one": (LIST + LIST[:20], LATE),
}


AT_ONCE = [name for name, (_, said) in CLOSED.items() if said != LATE]


@pytest.mark.parametrize("name", AT_ONCE)
def test_the_connection_is_closed(name: str, cable: Cable) -> None:
    sent, said = CLOSED[name]
    before, descriptors = threads(), psutil.Process().num_fds()
    with Peer(cable.usbmuxd.port) as peer:
        peer.sock.sendall(sent)
        assert peer.was_closed()
    assert eventually(lambda: len(cable.complaints) == 1)
    (complaint,) = cable.complaints
    assert said in complaint
    assert complaint.endswith("; closed")
    assert eventually(lambda: threads() <= before), threads() - before
    assert eventually(lambda: psutil.Process().num_fds() <= descriptors)
    with Peer(cable.usbmuxd.port) as peer:
        assert list(peer.devices()) == [UDID]


def test_what_never_comes_is_not_waited_for(plug_in: PlugIn) -> None:
    late = [sent for sent, said in CLOSED.values() if said == LATE]
    cable = plug_in(limits=QUICK)
    before, descriptors = threads(), psutil.Process().num_fds()
    with ExitStack() as stack:
        # All at once: it is the waiting that takes time.
        peers = [stack.enter_context(Peer(cable.usbmuxd.port)) for _ in late]
        for peer, sent in zip(peers, late, strict=True):
            peer.sock.sendall(sent)
        assert all(peer.was_closed() for peer in peers)
    assert eventually(lambda: cable.complaints == [f"{LATE}; closed"] * len(late))
    assert eventually(lambda: threads() <= before), threads() - before
    assert eventually(lambda: psutil.Process().num_fds() <= descriptors)
    with Peer(cable.usbmuxd.port) as peer:
        assert list(peer.devices()) == [UDID]


def test_one_that_does_not_read(plug_in: PlugIn) -> None:
    cable = plug_in(limits=QUICK)
    content = plistlib.dumps({"a": bytes(200_000)})
    with Peer(cable.usbmuxd.port) as peer:
        peer.mux("SavePairRecord", PairRecordID="B", PairRecordData=content)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        request = mux_packed({"MessageType": "ReadPairRecord", "PairRecordID": "B"})
        peer.sock.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                peer.sock.send(request)
        peer.sock.settimeout(CAP)
        assert eventually(lambda: any(LATE in each for each in cable.complaints))


@pytest.fixture
def patient(plug_in: PlugIn) -> Cable:
    return plug_in()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)
@given(body=st.one_of(plists().map(plistlib.dumps), st.binary(max_size=100)))
def test_whatever_comes_is_answered_or_refused(patient: Cable, body: bytes) -> None:
    with Peer(patient.usbmuxd.port) as peer:
        peer.sock.sendall(mux_raw(body, tag=3))
        try:
            tag, answer = peer.answer()
        except (EOFError, ConnectionError):
            return
        assert (tag, answer) == (3, {"MessageType": "Result", "Number": 1})


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)
@given(
    name=st.sampled_from(
        ["Connect", "ReadPairRecord", "SavePairRecord", "DeletePairRecord", "Listen"]
    ),
    fields=plists(),
    keys=st.lists(
        st.sampled_from(["DeviceID", "PortNumber", "PairRecordID", "PairRecordData"]), max_size=4
    ),
)
def test_fields_of_any_kind(
    patient: Cable, name: str, fields: dict[str, object], keys: list[str]
) -> None:
    given_ones = dict(zip(keys, fields.values(), strict=False))
    with Peer(patient.usbmuxd.port) as peer:
        answer = peer.mux(name, **given_ones)
        assert answer["MessageType"] == "Result"
        assert answer["Number"] in (0, 1, 2, 3)
