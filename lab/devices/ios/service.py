"""A service of the iPhone: property lists over one connection, with or without TLS.

A message is its length (four bytes, big-endian) and a property list.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab.devices.android.link import CommandRefused
from lab.devices.ios.usbmux import read_exactly
from lab.model.device import DeviceLost
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode

CAP = 15.0
"""Seconds that an answer may take."""
MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of a message: a list of all apps of a phone with all that their Info.plist says."""

_LENGTH = struct.Struct(">I")


class Service:
    """A connection to a service called ``name``. Owns ``sock``. Methods raise DeviceLost where
    the phone does not answer, or not in its own protocol."""

    def __init__(self, sock: socket.socket, name: str, *, cap: float = CAP) -> None:
        self._sock = sock
        self.name = name
        self._cap = cap
        sock.settimeout(cap)

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS on the connection, as the phone's client."""
        try:
            self._sock = context.wrap_socket(self._sock)
        except (OSError, ValueError) as error:
            raise self._lost(error) from None

    def send(self, message: Mapping[str, Plist]) -> None:
        """Send a message."""
        body = encode(message)
        self.write(_LENGTH.pack(len(body)) + body)

    def receive(self, cap: float | None = None) -> dict[str, Plist]:
        """Return the next message, within ``cap`` seconds."""
        try:
            length = _LENGTH.unpack(self.read(_LENGTH.size, cap))[0]
            if length > MAX_MESSAGE:
                raise BadPlist(f"a message of {length} bytes")
            return decode(self.read(length, cap))
        except BadPlist as error:
            raise self._lost(error) from None

    def ask(self, message: Mapping[str, Plist], cap: float | None = None) -> dict[str, Plist]:
        """Send a message and return the next one."""
        self.send(message)
        return self.receive(cap)

    def write(self, content: bytes) -> None:
        """Send bytes as they are."""
        try:
            self._sock.settimeout(self._cap)
            self._sock.sendall(content)
        except OSError as error:
            raise self._lost(error) from None

    def read(self, count: int, cap: float | None = None) -> bytes:
        """Return exactly so many bytes."""
        try:
            return read_exactly(self._sock, count, self._cap if cap is None else cap)
        except (OSError, EOFError) as error:
            raise self._lost(error) from None

    def take(self, most: int, cap: float) -> bytes:
        """Return what comes next, of any length, nothing at the end. Raises TimeoutError where
        nothing comes within ``cap`` seconds."""
        try:
            self._sock.settimeout(cap)
            return self._sock.recv(most)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from None

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is there still, and nothing has come that nobody asked for."""
        try:
            return not select.select([self._sock], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Hang up. May be repeated, from any thread."""
        with contextlib.suppress(OSError):
            # Closing alone would not wake a thread that reads.
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _lost(self, error: Exception) -> DeviceLost:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        return DeviceLost(f"the iPhone's {self.name} does not answer: {why}")


def host_context(record: Mapping[str, Plist]) -> ssl.SSLContext:
    """Return the TLS of a computer that a pair record is about. Raises CommandRefused for a
    record that lacks something.

    The phone's certificate is not looked at, as no tool does: it is what hangs on the cable.
    """
    certificate, key = (record.get(name) for name in ("HostCertificate", "HostPrivateKey"))
    if not isinstance(certificate, bytes) or not isinstance(key, bytes):
        raise CommandRefused("the pair record lacks this computer's certificate or key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Python reads them from files only; mkstemp's is nobody else's to read.
    descriptor, path = tempfile.mkstemp(prefix="trustpin-lab-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate.rstrip(b"\0\n") + b"\n" + key.rstrip(b"\0\n") + b"\n")
        context.load_cert_chain(path)
    except (OSError, ValueError) as error:
        raise CommandRefused(f"the pair record's certificate cannot be used: {error}") from None
    finally:
        Path(path).unlink()
    return context
