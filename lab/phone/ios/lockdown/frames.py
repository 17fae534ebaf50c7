"""The frames of a phone's connections, made from what passes through its sockets.

The kernel below the phone has frames of its own, which only root can see; these are what a capture
on the phone itself would show: the phone's addresses, and every byte in its place.
"""

from __future__ import annotations

import ipaddress
import struct
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from lab.phone.ios.lockdown.handset import Frame

MAX_FRAMES = 2000
"""Frames that are held; older ones are gone."""
SEGMENT = 1448
"""Bytes of one segment: what Ethernet leaves of 1500, with TCP's usual options."""
PHONE, GATEWAY = bytes.fromhex("02000000000a"), bytes.fromhex("020000000001")
"""Ethernet addresses; locally administered, so nobody's."""

_FIN, _SYN, _PSH, _ACK = 0x01, 0x02, 0x08, 0x10
_TTL = 64
_TCP = 6
_WINDOW = 65535
_FOUR, _SIX = b"\x08\x00", b"\x86\xdd"

Address = tuple[str, int]
"""IP address and port."""


class FrameBuffer:
    """A ring buffer. May be used from any thread. ``clock`` is the phone's, in epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._frames: deque[Frame] = deque(maxlen=MAX_FRAMES)
        self._written = 0
        self._changed = threading.Condition()

    @property
    def written(self) -> int:
        """How many frames there have been, those included that are gone."""
        with self._changed:
            return self._written

    def since(self, count: int, cap: float) -> tuple[int, tuple[Frame, ...]]:
        """Wait ``cap`` seconds at most until ``written`` is more than ``count``. Return it, and
        the frames since then that are still held."""
        with self._changed:
            self._changed.wait_for(lambda: self._written > count, cap)
            new = max(0, min(self._written - count, len(self._frames)))
            return self._written, tuple(islice(self._frames, len(self._frames) - new, None))

    def opened(self, local: Address, remote: Address, *, process: str, pid: int) -> Conversation:
        """Tell of a TCP connection that a process of the phone has opened. Raises ValueError for
        what are no IP addresses of one kind."""
        return Conversation(self._add, local, remote, process, pid)

    def _add(self, *, outgoing: bool, process: str, pid: int, content: bytes) -> None:
        frame = Frame(self._clock(), outgoing, process, pid, content)
        with self._changed:
            self._frames.append(frame)
            self._written += 1
            self._changed.notify_all()


class Conversation:
    """One TCP connection: its handshake, what was said, its end. May be used from any thread."""

    def __init__(
        self,
        add: Callable[..., None],
        local: Address,
        remote: Address,
        process: str,
        pid: int,
    ) -> None:
        self._add = add
        self._process, self._pid = process, pid
        self._packer = _Packer(local, remote)
        self._lock = threading.Lock()
        self._is_open = True
        # Each side's next sequence number; a connection begins with 0 here, as Wireshark shows it.
        self._ours = self._theirs = 0
        with self._lock:
            self._say(True, _SYN)
            self._say(False, _SYN | _ACK)
            self._say(True, _ACK)

    def sent(self, content: bytes) -> None:
        """Tell what the phone sent, as it was on the wire."""
        self._said(True, content)

    def received(self, content: bytes) -> None:
        """Tell what the phone received, as it was on the wire."""
        self._said(False, content)

    def closed(self) -> None:
        """Tell that the phone has closed the connection. May be repeated."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._say(True, _FIN | _ACK)
                self._say(False, _FIN | _ACK)
                self._say(True, _ACK)

    def _said(self, outgoing: bool, content: bytes) -> None:
        with self._lock:
            if not self._is_open:
                return
            for start in range(0, len(content), SEGMENT):
                self._say(outgoing, _PSH | _ACK, content[start : start + SEGMENT])
            if content:
                self._say(not outgoing, _ACK)

    def _say(self, outgoing: bool, flags: int, content: bytes = b"") -> None:
        number, acknowledged = self._ours, self._theirs
        if not outgoing:
            number, acknowledged = acknowledged, number
        frame = self._packer.frame(
            outgoing, number, acknowledged if flags & _ACK else 0, flags, content
        )
        self._add(outgoing=outgoing, process=self._process, pid=self._pid, content=frame)
        after = (number + len(content) + bool(flags & (_SYN | _FIN))) % (1 << 32)
        if outgoing:
            self._ours = after
        else:
            self._theirs = after


class _Packer:
    """Makes the frames of one connection (RFC 791, RFC 8200, RFC 9293)."""

    def __init__(self, local: Address, remote: Address) -> None:
        ours, theirs = (ipaddress.ip_address(each[0].partition("%")[0]) for each in (local, remote))
        if ours.version != theirs.version:
            raise ValueError(f"{ours} and {theirs} are of two kinds")
        self._is_six = ours.version == 6
        self._ends = (ours.packed, local[1]), (theirs.packed, remote[1])

    def frame(
        self, outgoing: bool, number: int, acknowledged: int, flags: int, content: bytes
    ) -> bytes:
        source, target = self._ends if outgoing else self._ends[::-1]
        ethernet = (GATEWAY + PHONE if outgoing else PHONE + GATEWAY) + (
            _SIX if self._is_six else _FOUR
        )
        segment = struct.pack(
            ">HHIIBBHHH", source[1], target[1], number, acknowledged, 5 << 4, flags, _WINDOW, 0, 0
        )
        pseudo = source[0] + target[0] + struct.pack(">II", len(segment) + len(content), _TCP)
        check = _checksum(pseudo + segment + content)
        segment = segment[:16] + check + segment[18:] + content
        return ethernet + self._packet(source[0], target[0], segment)

    def _packet(self, source: bytes, target: bytes, segment: bytes) -> bytes:
        if self._is_six:
            head = struct.pack(">IHBB", 6 << 28, len(segment), _TCP, _TTL)
            return head + source + target + segment
        length = 20 + len(segment)
        head = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0x4000, _TTL, _TCP, 0) + source + target
        return head[:10] + _checksum(head) + head[12:] + segment


def _checksum(content: bytes) -> bytes:
    """Return the Internet checksum (RFC 1071)."""
    if len(content) % 2:
        content += b"\0"
    total = sum(struct.unpack(f">{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
