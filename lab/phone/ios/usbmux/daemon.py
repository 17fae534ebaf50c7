"""The listening side of usbmuxd, and which phones are on the cable."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.usbmux.connection import Connection
from lab.phone.ios.usbmux.device import Device
from lab.phone.ios.usbmux.records import PairRecords

END_CAP = 0.3
"""Seconds to wait for the threads on closing; what still works then is left alone."""
PRODUCT = 0x12A8
"""USB product id of every iPhone of these years."""
SPEED = 480_000_000
"""Bits per second of USB 2."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A phone on the cable, under the number that usbmuxd gave it."""

    number: int
    device: Device

    def described(self) -> dict[str, Plist]:
        """Return what a client is told of it."""
        return {
            "MessageType": "Attached",
            "DeviceID": self.number,
            "Properties": {
                "ConnectionSpeed": SPEED,
                "ConnectionType": "USB",
                "DeviceID": self.number,
                "LocationID": self.number << 16,
                "ProductID": PRODUCT,
                "SerialNumber": self.device.udid,
            },
        }


class Usbmuxd:
    """Listens on 127.0.0.1 until closed; ``port`` 0 is a free one.

    ``folder`` is where the computer keeps its pair records; ``say`` takes lines for a log. May be
    used from any thread. Raises OSError where the port is not to be had.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        limits: Limits | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.records = PairRecords(folder)
        self._limits = limits or Limits()
        self._say = say
        self._lock = threading.Lock()
        self._pairing = threading.Lock()
        self._attached: dict[int, Attached] = {}
        self._to_be_paired: set[str] = set()
        self._last_number = 0
        self._open: dict[Connection, threading.Thread] = {}
        self._closed = False
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="usbmuxd", daemon=True)
        self._accepting.start()

    def attach(self, device: Device, *, paired: bool = False) -> None:
        """Plug a phone in. ``paired``: this computer and the phone know each other already; if
        they do not yet, they will when the pair record is asked for."""
        with self._lock:
            self._last_number += 1
            attached = Attached(self._last_number, device)
            self._attached[attached.number] = attached
            if paired:
                self._to_be_paired.add(device.udid)
            listeners = list(self._open)
        for connection in listeners:
            connection.tell_attached(attached)

    def detach(self, udid: str) -> None:
        """Unplug a phone, whose connections end; one that is not there is no matter."""
        with self._lock:
            gone = [each for each in self._attached.values() if each.device.udid == udid]
            for each in gone:
                del self._attached[each.number]
            open_ones = list(self._open)
        for each in gone:
            for connection in open_ones:
                if connection.device is each.device:
                    connection.end()
                connection.tell_detached(each.number)

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        with self._lock:
            self._closed = True
            open_ones = list(self._open.items())
        deadline = time.monotonic() + END_CAP
        with suppress(OSError):
            # Closing would not wake the thread that waits on it; shutting down does.
            self._socket.shutdown(socket.SHUT_RDWR)
        for connection, _ in open_ones:
            connection.end()
        for _, thread in open_ones:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._accepting.join(max(0.0, deadline - time.monotonic()))
        self._socket.close()

    def attached(self) -> tuple[Attached, ...]:
        """Return the phones on the cable, the first plugged in first."""
        with self._lock:
            return tuple(self._attached.values())

    def record(self, udid: str) -> bytes | None:
        """Return the pair record of a phone, None where there is none."""
        with self._lock:
            devices = [each.device for each in self._attached.values()]
            device = next((each for each in devices if each.udid == udid), None)
        # One at a time: two that ask at once are told of the same pairing.
        with self._pairing:
            if device is not None and udid in self._to_be_paired:
                host_id = self.records.host_id(udid)
                if host_id is None or not device.is_paired(host_id):
                    self.records.save(udid, device.pair(self.records.buid))
                self._to_be_paired.discard(udid)
            return self.records.read(udid)

    def save_record(self, udid: str, content: bytes) -> bool:
        """Keep what a client has paired by itself; False where it is no pair record."""
        with self._pairing:
            self._to_be_paired.discard(udid)
            return self.records.save(udid, content)

    def delete_record(self, udid: str) -> bool:
        """Forget a pairing; False where there is none."""
        with self._pairing:
            self._to_be_paired.discard(udid)
            return self.records.delete(udid)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                continue
            self._welcome(sock)

    def _welcome(self, sock: socket.socket) -> None:
        with self._lock:
            full = len(self._open) >= self._limits.connections
            refused = full or self._closed
            if not refused:
                connection = Connection(Wire(sock, self._limits), self, self._say)
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name="usbmux", daemon=True
                )
                self._open[connection] = thread
                thread.start()
        # Said before the peer learns of it: who then looks into the log finds the reason there.
        if full:
            self._say(f"there are {self._limits.connections} connections already; closed")
        if refused:
            sock.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._open.pop(connection, None)
