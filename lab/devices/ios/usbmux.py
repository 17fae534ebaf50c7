"""usbmuxd's client: which iPhones there are, how they know this machine, connections to them.

A frame is 16 bytes (length of all, version, type, tag; little-endian) and an XML property list.
After a ``Connect`` that was answered with 0 the socket is the connection to the phone's port.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from lab.devices.android.link import CommandRefused
from lab.model.device import DeviceLost
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode

DEFAULT_ADDRESS = "/var/run/usbmuxd"
CAP = 10.0
"""Seconds in which usbmuxd must answer."""
MAX_FRAME = 1024 * 1024
"""Bytes of an answer."""
UDID = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)

_HEADER = struct.Struct("<4I")
_PLIST_VERSION, _PLIST = 1, 8
_REFUSALS = {
    1: "usbmuxd does not know the command",
    2: "the iPhone is not connected any more",
    3: "nothing on the iPhone listens on that port",
    6: "usbmuxd speaks another version of its protocol",
}
_TCP = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attached:
    """An iPhone that usbmuxd has."""

    udid: str
    device_id: int
    """What usbmuxd calls it, until it is detached."""


class Usbmux:
    """usbmuxd at an address: ``host:port`` or the path of a socket. Each call is a connection of
    its own. Methods raise DeviceLost where usbmuxd cannot be reached or does not speak its
    protocol, CommandRefused where it says no."""

    def __init__(self, address: str = DEFAULT_ADDRESS, *, cap: float = CAP) -> None:
        self.address = address
        self._cap = cap

    def attached(self) -> tuple[Attached, ...]:
        """Return the iPhones that it has."""
        with self._open() as line:
            listed = line.ask({"MessageType": "ListDevices"}).get("DeviceList")
        found = []
        for each in listed if isinstance(listed, list) else []:
            match each:
                case {"DeviceID": int(number), "Properties": {"SerialNumber": str(udid)}}:
                    found.append(Attached(udid, number))
        return tuple(found)

    def pair_record(self, udid: str) -> Mapping[str, Plist]:
        """Return how this machine and the iPhone know each other. Raises CommandRefused where
        they do not."""
        with self._open() as line:
            answer = line.ask({"MessageType": "ReadPairRecord", "PairRecordID": udid})
        record = answer.get("PairRecordData")
        if not isinstance(record, bytes):
            raise CommandRefused(
                f"this computer is not paired with {udid}: unlock the iPhone, tap 'Trust', and run "
                f"'idevicepair pair' or 'ios pair'"
            )
        try:
            return decode(record)
        except BadPlist as error:
            raise CommandRefused(f"the pair record of {udid} cannot be read: {error}") from None

    def connect(self, udid: str, port: int) -> socket.socket:
        """Return a connection to a port of the iPhone. Raises DeviceLost where usbmuxd does not
        have it."""
        found = next((each for each in self.attached() if each.udid == udid), None)
        if found is None:
            raise DeviceLost(f"usbmuxd at {self.address} has no iPhone {udid}")
        line = self._open()
        try:
            # The port goes in network order, whatever the rest is in.
            number = socket.htons(port)
            answer = line.ask(
                {"MessageType": "Connect", "DeviceID": found.device_id, "PortNumber": number}
            )
            if (code := answer.get("Number")) != 0:
                why = (
                    _REFUSALS.get(code, f"error {code!r}") if isinstance(code, int) else "no answer"
                )
                if code == 2:
                    raise DeviceLost(f"{udid}: {why}")
                raise CommandRefused(f"port {port} of {udid}: {why}")
        except BaseException:
            line.close()
            raise
        return line.socket

    def _open(self) -> _Line:
        match = _TCP.match(self.address)
        try:
            if match is None:
                sock = socket.socket(socket.AF_UNIX)
                try:
                    sock.settimeout(self._cap)
                    sock.connect(self.address)
                except OSError:
                    sock.close()
                    raise
            else:
                place = match["host"].strip("[]"), int(match["port"])
                sock = socket.create_connection(place, self._cap)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise DeviceLost(f"usbmuxd at {self.address} cannot be reached: {why}") from None
        return _Line(sock, self.address, self._cap)


class _Line:
    """One connection to usbmuxd."""

    def __init__(self, sock: socket.socket, address: str, cap: float) -> None:
        self.socket = sock
        self._address = address
        self._cap = cap

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def ask(self, request: Mapping[str, Plist]) -> dict[str, Plist]:
        """Send a request and return the answer."""
        body = encode(
            {
                **request,
                "ClientVersionString": "trustpin-lab",
                "ProgName": "trustpin-lab",
                "kLibUSBMuxVersion": 3,
            }
        )
        header = _HEADER.pack(_HEADER.size + len(body), _PLIST_VERSION, _PLIST, 1)
        try:
            self.socket.sendall(header + body)
            length, *_ = _HEADER.unpack(read_exactly(self.socket, _HEADER.size, self._cap))
            if not _HEADER.size <= length <= MAX_FRAME:
                raise BadPlist(f"a frame of {length} bytes")
            return decode(read_exactly(self.socket, length - _HEADER.size, self._cap))
        except (OSError, EOFError, BadPlist) as error:
            why = str(error) or type(error).__name__
            raise DeviceLost(f"usbmuxd at {self._address} does not answer: {why}") from None


def read_exactly(sock: socket.socket, count: int, cap: float) -> bytes:
    """Return exactly so many bytes, within ``cap`` seconds. Raises EOFError where the connection
    ends before, OSError."""
    content = bytearray()
    deadline = time.monotonic() + cap
    while len(content) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"it was not all there within {cap:g} seconds")
        # Never 0, which would mean not to wait.
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            part = sock.recv(count - len(content))
        except TimeoutError:
            raise TimeoutError(f"nothing came within {cap:g} seconds") from None
        if not part:
            raise EOFError("the connection ended")
        content += part
    return bytes(content)
