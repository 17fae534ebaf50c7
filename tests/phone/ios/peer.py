"""A computer's end of the cable, byte by byte: what no tool says can be said with it, too."""

from __future__ import annotations

import plistlib
import socket
import ssl
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.patience import CAP

LOCKDOWN = 62078

Message = dict[str, Any]


def mux_packed(
    message: Mapping[str, object], tag: int = 1, version: int = 1, kind: int = 8
) -> bytes:
    return mux_raw(plistlib.dumps(dict(message)), tag, version, kind)


def mux_raw(
    body: bytes, tag: int = 1, version: int = 1, kind: int = 8, length: int | None = None
) -> bytes:
    size = 16 + len(body) if length is None else length
    return struct.pack("<IIII", size, version, kind, tag) + body


def packed(message: Mapping[str, object]) -> bytes:
    return raw(plistlib.dumps(dict(message)))


def raw(body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">I", len(body) if length is None else length) + body


class Peer:
    """One connection to usbmuxd, and what it becomes."""

    def __init__(self, port: int) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=CAP)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.sock.close()

    def receive(self, size: int) -> bytes:
        """Return the next bytes; raises EOFError where the connection ends before them."""
        content = b""
        while len(content) < size:
            part = self.sock.recv(size - len(content))
            if not part:
                raise EOFError
            content += part
        return content

    def was_closed(self) -> bool:
        """Whether the other side closes the connection, whatever it says before."""
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    # usbmux

    def answer(self) -> tuple[int, Message]:
        """Return the next message of usbmuxd's: its tag and content."""
        length, version, kind, tag = struct.unpack("<IIII", self.receive(16))
        assert (version, kind) == (1, 8)
        return tag, plistlib.loads(self.receive(length - 16))

    def mux(self, name: str, **fields: object) -> Message:
        self.sock.sendall(mux_packed({"MessageType": name, **fields}, tag=7))
        tag, message = self.answer()
        assert tag == 7
        return message

    def devices(self) -> dict[str, int]:
        """Return DeviceIDs by udid."""
        found = self.mux("ListDevices")["DeviceList"]
        return {each["Properties"]["SerialNumber"]: each["DeviceID"] for each in found}

    def connect(self, port: int, number: int | None = None) -> int:
        """Connect to a port of a phone, the first one unless told otherwise."""
        device = min(self.devices().values()) if number is None else number
        return int(self.mux("Connect", DeviceID=device, PortNumber=socket.htons(port))["Number"])

    # lockdownd and services

    def message(self) -> Message:
        (length,) = struct.unpack(">I", self.receive(4))
        found = plistlib.loads(self.receive(length))
        assert isinstance(found, dict)
        return found

    def send(self, message: Mapping[str, object]) -> None:
        self.sock.sendall(packed(message))

    def ask(self, message: Mapping[str, object]) -> Message:
        self.send(message)
        return self.message()

    def request(self, name: str, **fields: object) -> Message:
        answer = self.ask({"Request": name, **fields})
        assert answer.pop("Request") == name
        return answer

    def secure(self, record: Mapping[str, Any], folder: Path, who: str = "Host") -> None:
        """Begin TLS, with a certificate of the pair record, and check the phone's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=record["RootCertificate"].decode())
        pem = folder / "client.pem"
        pem.write_bytes(record[f"{who}Certificate"] + record[f"{who}PrivateKey"])
        context.load_cert_chain(pem)
        self.sock = context.wrap_socket(self.sock)
        served = ssl.DER_cert_to_PEM_cert(self.sock.getpeercert(binary_form=True) or b"")
        assert served.split() == record["DeviceCertificate"].decode().split()


def read_record(port: int, udid: str) -> Message:
    """Return the pair record that usbmuxd gives out."""
    with Peer(port) as peer:
        content = peer.mux("ReadPairRecord", PairRecordID=udid)["PairRecordData"]
    found = plistlib.loads(content)
    assert isinstance(found, dict)
    return found


def open_session(port: int, record: Mapping[str, Any], folder: Path) -> Peer:
    """Return a connection to lockdownd with a session on it."""
    peer = Peer(port)
    assert peer.connect(LOCKDOWN) == 0
    answer = peer.request("StartSession", HostID=record["HostID"], SystemBUID=record["SystemBUID"])
    assert answer["EnableSessionSSL"] is True
    peer.secure(record, folder)
    return peer


def open_service(port: int, record: Mapping[str, Any], folder: Path, name: str) -> Peer:
    """Return a connection to a device service, as a paired computer opens it."""
    with open_session(port, record, folder) as session:
        started = session.request("StartService", Service=name)
    assert started["EnableServiceSSL"] is True
    peer = Peer(port)
    assert peer.connect(started["Port"]) == 0
    peer.secure(record, folder)
    return peer
