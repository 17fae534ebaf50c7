"""One client of usbmuxd: its requests, and the connection to a phone that it may become."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.usbmux.device import Device, Serve
from lab.phone.ios.usbmux.messages import (
    HEADER,
    PLIST,
    VERSION,
    Header,
    Result,
    from_network_order,
    pack,
    read_body,
    read_header,
    result,
)
from lab.phone.ios.usbmux.records import PairRecords


class OnTheCable(Protocol):
    """A phone that is plugged in."""

    @property
    def number(self) -> int:
        """DeviceID."""

    @property
    def device(self) -> Device: ...

    def described(self) -> dict[str, Plist]:
        """Return the message that says so."""


class Computer(Protocol):
    """What all clients of one usbmuxd share."""

    @property
    def records(self) -> PairRecords: ...

    def attached(self) -> tuple[OnTheCable, ...]:
        """Return the phones on the cable."""

    def record(self, udid: str) -> bytes | None:
        """Return the pair record of a phone, None where there is none."""

    def save_record(self, udid: str, content: bytes) -> bool:
        """Keep a pair record; False where it is none."""

    def delete_record(self, udid: str) -> bool:
        """Forget a pair record; False where there is none."""


class Connection:
    """Serves one client until it leaves; ``run`` does all of it, in one thread."""

    def __init__(self, wire: Wire, computer: Computer, say: Callable[[str], None]) -> None:
        self.device: Device | None = None
        """The phone that the client is connected to by now."""
        self._wire = wire
        self._computer = computer
        self._say = say
        self._lock = threading.Lock()
        self._listening: int | None = None
        self._told: set[int] = set()
        self._requests: dict[str, Callable[[Mapping[str, Plist]], Mapping[str, Plist]]] = {
            "ListDevices": self._list,
            "ListListeners": lambda _: {"ListenerList": []},
            "ReadBUID": lambda _: {"BUID": computer.records.buid},
            "ReadPairRecord": self._read_record,
            "SavePairRecord": self._save_record,
            "DeletePairRecord": self._delete_record,
        }

    def run(self) -> None:
        """Serve until the connection ends. Raises nothing."""
        serve = None
        try:
            limits = self._wire.limits
            cap: float | None = limits.greeting
            while serve is None:
                header = read_header(self._wire.receive(HEADER.size, cap), limits.request)
                body = self._wire.receive(header.size, limits.message)
                serve = self._take(header, body)
                cap = None if self._listening is not None else limits.idle
        except ProtocolBroken as error:
            self._say(f"{error}; closed")
        except TimeoutError as error:
            self._say(f"{error}; closed")
        except (OSError, EOFError):
            # The client has left, which it need not announce.
            pass
        if serve is None:
            self._wire.close()
        else:
            serve(self._wire.release())

    def end(self) -> None:
        """End the connection, from any thread."""
        self._wire.end()

    def tell_attached(self, phone: OnTheCable) -> None:
        """Tell a client that listens of a phone, once."""
        with self._lock:
            if phone.number not in self._told:
                self._told.add(phone.number)
                self._tell(phone.described())

    def tell_detached(self, number: int) -> None:
        """Tell a client that listens that a phone is gone."""
        with self._lock:
            self._tell({"MessageType": "Detached", "DeviceID": number})

    def _take(self, header: Header, body: bytes) -> Serve | None:
        """Carry out a request. Return what serves the connection from now on, None for usbmuxd
        itself. Raises ProtocolBroken, OSError."""
        if header.version != VERSION:
            self._answer(header, result(Result.BAD_VERSION))
            raise ProtocolBroken(f"version {header.version} of the protocol")
        if header.kind != PLIST or self._listening is not None:
            self._answer(header, result(Result.BAD_COMMAND))
            raise ProtocolBroken(f"a message of type {header.kind} that is out of place")
        request = read_body(body)
        name = request.get("MessageType")
        if name == "Connect":
            return self._connect(header, request)
        if name == "Listen":
            self._listen(header)
            return None
        carry_out = self._requests.get(name) if isinstance(name, str) else None
        refusal = result(Result.BAD_COMMAND)
        self._answer(header, refusal if carry_out is None else carry_out(request))
        return None

    def _answer(self, header: Header, message: Mapping[str, Plist]) -> None:
        self._wire.send(pack(message, header.tag))

    def _connect(self, header: Header, request: Mapping[str, Plist]) -> Serve | None:
        number, port = request.get("DeviceID"), request.get("PortNumber")
        if not isinstance(port, int) or not 0 < port < 1 << 16:
            self._answer(header, result(Result.BAD_COMMAND))
            return None
        phones = self._computer.attached()
        device = next((each.device for each in phones if each.number == number), None)
        if device is None:
            self._answer(header, result(Result.BAD_DEVICE))
            return None
        serve = device.find(from_network_order(port))
        if serve is None:
            self._answer(header, result(Result.REFUSED))
            return None
        self.device = device
        self._answer(header, result(Result.OK))
        return serve

    def _listen(self, header: Header) -> None:
        with self._lock:
            self._answer(header, result(Result.OK))
            self._listening = header.tag
            for each in self._computer.attached():
                self._told.add(each.number)
                self._tell(each.described())

    def _tell(self, message: Mapping[str, Plist]) -> None:
        if self._listening is None:
            return
        try:
            self._wire.send(pack(message, self._listening))
        except OSError:
            # Whoever receives notices it, too, and tidies up.
            self._wire.end()

    def _list(self, _: Mapping[str, Plist]) -> Mapping[str, Plist]:
        return {"DeviceList": [each.described() for each in self._computer.attached()]}

    def _read_record(self, request: Mapping[str, Plist]) -> Mapping[str, Plist]:
        content = self._computer.record(_text(request, "PairRecordID"))
        return result(Result.BAD_DEVICE) if content is None else {"PairRecordData": content}

    def _save_record(self, request: Mapping[str, Plist]) -> Mapping[str, Plist]:
        content = request.get("PairRecordData")
        kept = isinstance(content, bytes) and self._computer.save_record(
            _text(request, "PairRecordID"), content
        )
        return result(Result.OK if kept else Result.BAD_COMMAND)

    def _delete_record(self, request: Mapping[str, Plist]) -> Mapping[str, Plist]:
        gone = self._computer.delete_record(_text(request, "PairRecordID"))
        return result(Result.OK if gone else Result.BAD_DEVICE)


def _text(request: Mapping[str, Plist], key: str) -> str:
    value = request.get(key)
    return value if isinstance(value, str) else ""
