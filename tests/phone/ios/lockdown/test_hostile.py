"""What no tool would send to lockdownd or a service: each is refused in time, in words, and leaves
nothing behind."""

from __future__ import annotations

import os
import plistlib
import struct
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.limits import Limits
from tests.patience import eventually
from tests.phone.ios.cable import QUICK, UDID, Cable
from tests.phone.ios.peer import (
    LOCKDOWN,
    Message,
    Peer,
    open_service,
    open_session,
    packed,
    raw,
    read_record,
)
from tests.phone.ios.plists import plists
from tests.phone.ios.plugged import PlugIn, threads

QUERY = packed({"Request": "QueryType"})
LATE, TOO_LONG, NO_LIST = "the peer took too long", "more than 1048576", "no property list"
HELLO = bytes.fromhex(
    "16030100c8010000c40303" + "11" * 32 + "00" + "0002c02f" + "0100" + "0099" + "00" * 153
)


def deep(levels: int) -> bytes:
    return (
        b"<plist>" + b"<dict><key>a</key>" * levels + b"<true/>" + b"</dict>" * levels + b"</plist>"
    )


def clear(content: bytes) -> Callable[[Peer, Message], None]:
    return lambda peer, _: peer.sock.sendall(content)


def after_start(content: bytes) -> Callable[[Peer, Message], None]:
    """Sends something where TLS should begin."""

    def send(peer: Peer, record: Message) -> None:
        assert "SessionID" in peer.request("StartSession", HostID=record["HostID"])
        peer.sock.sendall(content)

    return send


CLOSED: dict[str, tuple[Callable[[Peer, Message], None], str]] = {
    "nothing": (clear(b""), LATE),
    "one byte": (clear(b"\0"), LATE),
    "half a length": (clear(QUERY[:3]), LATE),
    "a length only": (clear(QUERY[:4]), LATE),
    "a message that breaks off": (clear(QUERY[:-1]), LATE),
    "an absurd length": (clear(raw(b"", length=2**32 - 1)), TOO_LONG),
    "a length just over the limit": (clear(raw(b"", length=1024 * 1024 + 1)), TOO_LONG),
    "a length that is too long": (clear(raw(QUERY[4:], length=len(QUERY))), LATE),
    "a length that is too short": (clear(raw(QUERY[4:], length=len(QUERY) - 12)), NO_LIST),
    "a length in the other order": (clear(struct.pack("<I", 300) + QUERY[4:]), TOO_LONG),
    "an empty message": (clear(raw(b"")), NO_LIST),
    "noise": (clear(b"\0\0\1\0" + os.urandom(256)), NO_LIST),
    "zeros": (clear(bytes(4096)), NO_LIST),
    "an HTTP request": (clear(b"GET / HTTP/1.1\r\n\r\n"), TOO_LONG),
    "a TLS hello at once": (clear(HELLO), TOO_LONG),
    "JSON": (clear(raw(b'{"Request": "QueryType"}')), NO_LIST),
    "a list": (clear(raw(plistlib.dumps(["QueryType"]))), "no dictionary"),
    "a number": (clear(raw(plistlib.dumps(7))), "no dictionary"),
    "a binary list of nonsense": (clear(raw(b"bplist00" + bytes(range(64)))), NO_LIST),
    "XML that breaks off": (clear(raw(b"<plist><dict>")), NO_LIST),
    "XML with an entity": (
        clear(raw(b'<!DOCTYPE p [<!ENTITY a "b">]><plist><dict><key>&a;</key></dict></plist>')),
        NO_LIST,
    ),
    "too deep": (clear(raw(deep(100))), "too deep or too large"),
    "much too deep": (clear(raw(deep(20_000))), "too deep or too large"),
    "too many values": (clear(packed({"a": [0] * 30_000})), "too deep or too large"),
    "no request": (clear(packed({"Label": "a"})), "a request without a name"),
    "a request of another kind": (clear(packed({"Request": 7})), "a request without a name"),
    "a request and then silence": (clear(QUERY), LATE),
    "a request and then half a one": (clear(QUERY + QUERY[:9]), LATE),
    "silence instead of TLS": (after_start(b""), LATE),
    "half a TLS hello": (after_start(HELLO[:50]), LATE),
    "half a TLS record": (after_start(HELLO[:4]), LATE),
    "clear text instead of TLS": (after_start(QUERY), "TLS: "),
    "noise instead of TLS": (after_start(b"\x80" * 500), "TLS: "),
    "a TLS alert": (after_start(bytes.fromhex("15030100020228")), "TLS: "),
    "an absurd TLS record": (after_start(bytes.fromhex("160301ffff") + bytes(100)), "TLS: "),
}


AT_ONCE = [name for name, (_, said) in CLOSED.items() if said != LATE]


@pytest.mark.parametrize("name", AT_ONCE)
def test_the_connection_is_closed(name: str, cable: Cable, record: Message) -> None:
    attack, said = CLOSED[name]
    assert eventually(lambda: len(threads()) == 1)
    before, descriptors = threads(), psutil.Process().num_fds()
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.connect(LOCKDOWN) == 0
        attack(peer, record)
        assert peer.was_closed()
    assert eventually(lambda: said in cable.handset.said()), cable.handset.said()
    assert cable.handset.said().endswith("; closed")
    assert eventually(lambda: threads() <= before), threads() - before
    assert eventually(lambda: psutil.Process().num_fds() <= descriptors)
    with Peer(cable.usbmuxd.port) as peer:
        peer.connect(LOCKDOWN)
        assert peer.request("QueryType")


def test_what_never_comes_is_not_waited_for(plug_in: PlugIn) -> None:
    late = [attack for attack, said in CLOSED.values() if said == LATE]
    cable = plug_in(limits=QUICK)
    record = read_record(cable.usbmuxd.port, UDID)
    assert eventually(lambda: len(threads()) == 1)
    before, descriptors = threads(), psutil.Process().num_fds()
    with ExitStack() as stack:
        # All at once: it is the waiting that takes time.
        peers = [stack.enter_context(Peer(cable.usbmuxd.port)) for _ in late]
        for peer, attack in zip(peers, late, strict=True):
            peer.connect(LOCKDOWN)
            attack(peer, record)
        assert all(peer.was_closed() for peer in peers)
    said = [f"lockdownd: {LATE}; closed"] * len(late)
    assert eventually(lambda: cable.handset.said().splitlines() == said)
    assert eventually(lambda: threads() <= before), threads() - before
    assert eventually(lambda: psutil.Process().num_fds() <= descriptors)


SERVICES = ("com.apple.mobile.MCInstall", "com.apple.mobile.notification_proxy")
"""All receive in the same way."""


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_closes_the_connection(
    name: str, plug_in: PlugIn, record: Message, tmp_path: Path
) -> None:
    cable = plug_in(limits=Limits(message=0.5))
    for content, said in (
        (raw(b"", length=2**32 - 1), "more than 12582912"),
        (raw(b"nonsense"), NO_LIST),
        (raw(deep(1000)), "too deep or too large"),
        (raw(b"<plist>", length=100), LATE),
    ):
        with open_service(cable.usbmuxd.port, record, tmp_path, name) as peer:
            peer.sock.sendall(content)
            assert peer.was_closed()
        assert eventually(lambda said=said: said in cable.handset.said())  # type: ignore[misc]
    assert cable.handset.said().count(f"{name}: ") == 4


def test_a_paired_computer_may_be_silent(plug_in: PlugIn, tmp_path: Path) -> None:
    cable = plug_in(limits=QUICK)
    record = read_record(cable.usbmuxd.port, UDID)
    with (
        open_session(cable.usbmuxd.port, record, tmp_path) as session,
        Peer(cable.usbmuxd.port) as stranger,
    ):
        stranger.connect(LOCKDOWN)
        # The stranger's silence ends first, the computer's does not.
        assert stranger.was_closed()
        assert session.request("QueryType")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)
@given(
    name=st.sampled_from(
        [
            *("GetValue", "SetValue", "RemoveValue", "Pair", "ValidatePair", "Unpair"),
            *("StartService", "StopSession", "QueryType", "Dance"),
        ]
    ),
    fields=plists(),
    keys=st.lists(
        st.sampled_from(["Domain", "Key", "Value", "PairRecord", "Service", "SessionID"]),
        max_size=4,
    ),
)
def test_fields_of_any_kind(
    session: Peer, name: str, fields: dict[str, object], keys: list[str]
) -> None:
    given_ones = dict(zip(keys, fields.values(), strict=False))
    answer = session.request(name, **given_ones)
    assert answer.keys() & {"Error", "Result", "Value", "Type"}
    # The connection is none the worse for it.
    assert session.request("QueryType") == {"Type": "com.apple.mobile.lockdown"}


def test_the_cable_is_there_for_others(cable: Cable, record: Message, tmp_path: Path) -> None:
    with Peer(cable.usbmuxd.port) as hanging:
        hanging.connect(LOCKDOWN)
        hanging.sock.sendall(QUERY[:5])
        with open_session(cable.usbmuxd.port, record, tmp_path) as session:
            assert session.request("QueryType")
