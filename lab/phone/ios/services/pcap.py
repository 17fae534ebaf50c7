"""``com.apple.pcapd``: the frames that the phone sends and receives, as they come."""

from __future__ import annotations

import struct

from lab.phone.ios.lockdown.handset import Frame, Handset
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.wiring import send_data

LOOK = 0.5
"""Seconds after which it is looked whether the client is still there."""
INTERFACE = b"en0"
"""Wi-Fi."""
VERSION = 2
ETHERNET, ETHERNET_HEADER = 6, 14
"""Its number among types of interfaces (IFT_ETHER), and the bytes of its header."""
INCOMING, OUTGOING = 1, 2
"""PTH_FLAG_DIR_IN and PTH_FLAG_DIR_OUT (XNU, bsd/net/pktap.h)."""
IPV6 = b"\x86\xdd"
"""EtherType of IPv6."""
INET, INET6 = 2, 30
"""AF_INET and AF_INET6, as they are on iOS."""

_HEADER = struct.Struct(">IBIBHBIII16s")
_PROCESS = struct.Struct("<I17s")
_SERVICE_CLASS = struct.Struct(">I")
_TIME = struct.Struct(">II")


class PacketCapture:
    """The service. Frames from before the connection are not told."""

    def __init__(self, handset: Handset) -> None:
        self._frames = handset.frames

    def __call__(self, wire: Wire) -> None:
        count = self._frames.written
        while not wire.ended():
            count, frames = self._frames.since(count, LOOK)
            for frame in frames:
                send_data(wire, packed(frame))


def packed(frame: Frame) -> bytes:
    """Return a frame as pcapd sends it: a header of 95 bytes, and the frame."""
    process = _PROCESS.pack(frame.pid, frame.process.encode("utf-8", "replace")[:16])
    seconds = int(frame.at)
    behind = (
        process
        + _SERVICE_CLASS.pack(0)
        + process
        + _TIME.pack(seconds, int((frame.at - seconds) * 1_000_000))
    )
    header = _HEADER.pack(
        _HEADER.size + len(behind),
        VERSION,
        len(frame.content),
        ETHERNET,
        0,
        OUTGOING if frame.outgoing else INCOMING,
        INET6 if frame.content[12:14] == IPV6 else INET,
        ETHERNET_HEADER,
        0,
        INTERFACE,
    )
    return header + behind + frame.content
