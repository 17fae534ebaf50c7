"""What phones on the access point look up and connect to that is not the lab's: counted by name.

Nothing of it is opened, and nothing is written down: the names are known to this process alone, and
told when the access point is taken down.
"""

from __future__ import annotations

import ctypes
import re
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from lab.network.client_hello import name_in_segment
from lab.network.kernel.segments import segment

Make = Callable[[int, int], socket.socket]

MAX_NAMES = 256
"""Names that are counted each by itself."""
OTHERS = "others"
MAX_NAME = 253
MAX_FRAME = 2048

_QUERY = re.compile(r"\bquery\[\w+\] (\S+) from ")
"""How dnsmasq tells that it was asked (``log-queries``)."""
_ALL_PROTOCOLS = 3
_ATTACH_FILTER = 26
"""SO_ATTACH_FILTER (asm-generic/socket.h)."""

_CLIENT_HELLOS: Sequence[tuple[int, int, int, int]] = (
    (0x28, 0, 0, 12),  # IPv4
    (0x15, 0, 15, 0x0800),
    (0x30, 0, 0, 23),  # TCP
    (0x15, 0, 13, 6),
    (0x28, 0, 0, 20),  # no fragment but a first one
    (0x45, 11, 0, 0x1FFF),
    (0xB1, 0, 0, 14),  # behind the header of IP …
    (0x50, 0, 0, 26),  # … and that of TCP …
    (0x54, 0, 0, 0xF0),
    (0x74, 0, 0, 2),
    (0x0C, 0, 0, 0),
    (0x07, 0, 0, 0),
    (0x50, 0, 0, 14),  # … a record of a handshake …
    (0x15, 0, 3, 22),
    (0x50, 0, 0, 19),  # … that begins with a ClientHello
    (0x15, 0, 1, 1),
    (0x06, 0, 0, MAX_FRAME),
    (0x06, 0, 0, 0),
)
"""Lets those segments through alone (linux/filter.h): everything else stays in the kernel."""


class Strangers:
    """Counts names that are not in ``domain``. ``close`` it where ``watch`` was called."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._looked_up: Counter[str] = Counter()
        self._connected: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._end: socket.socket | None = None

    def hear(self, line: str) -> None:
        """Take note of a line of dnsmasq's, where it tells of a question."""
        if match := _QUERY.search(line):
            self._count(self._looked_up, match[1])

    def watch(self, make: Make, interface: str) -> None:
        """Look at the ClientHellos on an interface from now on. Raises OSError."""
        sock = make(socket.AF_PACKET, socket.SOCK_RAW)
        try:
            _attach(sock, _CLIENT_HELLOS)
            sock.bind((interface, _ALL_PROTOCOLS))
        except BaseException:
            sock.close()
            raise
        ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, args=(sock, ended), daemon=True)
        self._thread.start()

    def told(self) -> list[str]:
        """Return a line for each name, those that were met most often first."""
        with self._lock:
            looked_up, connected = Counter(self._looked_up), Counter(self._connected)
        both = looked_up + connected
        return [
            f"{name}: {_times(looked_up[name], 'look-up')}, {_times(connected[name], 'connection')}"
            for name, _ in sorted(both.items(), key=lambda item: (-item[1], item[0]))
        ]

    def close(self) -> None:
        """Look no more. May be repeated."""
        if self._end is not None and self._thread is not None:
            self._end.close()
            self._thread.join()

    def _watch(self, sock: socket.socket, ended: socket.socket) -> None:
        with sock, ended, selectors.DefaultSelector() as selector:
            for each in (sock, ended):
                selector.register(each, selectors.EVENT_READ)
            while all(key.fileobj is not ended for key, _ in selector.select()):
                try:
                    one = segment(sock.recv(MAX_FRAME))
                except OSError:
                    # The interface is gone.
                    return
                name = None if one is None else name_in_segment(one.payload)
                if name is not None:
                    self._count(self._connected, name)

    def _count(self, where: Counter[str], name: str) -> None:
        name = _shown(name)
        if name == self._domain or name.endswith(f".{self._domain}"):
            return
        with self._lock:
            known = name in self._looked_up or name in self._connected
            room = len(self._looked_up | self._connected) < MAX_NAMES
            where[name if known or room else OTHERS] += 1


def _attach(sock: socket.socket, steps: Sequence[tuple[int, int, int, int]]) -> None:
    """Let a socket see what a filter lets through alone. Raises OSError."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HL", len(steps), ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)


def _shown(name: str) -> str:
    """Return a name from outside as it may be printed."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name[:MAX_NAME]).lower()


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
