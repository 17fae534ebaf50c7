"""``com.apple.instruments.dtservicehub``: the developer services of the phone, over DTX."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Protocol

from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.remote.archive import Failure, Value
from lab.phone.ios.remote.dtx import (
    HEADER,
    BadDtx,
    Kind,
    Message,
    packed,
    read_body,
    read_header,
)

CAPABILITIES = "_notifyOfPublishedCapabilities:"
DOMAIN = "DTXMessage"
"""Of the errors that the hub itself makes."""
MAX_CHANNELS = 64
"""Channels of one connection."""

_FAILED = 1


class Refused(Exception):
    """A method cannot be carried out; ``str()`` is what its caller is told."""


class Instrument(Protocol):
    """What answers on one channel."""

    def call(self, selector: str, arguments: tuple[Value, ...]) -> Value:
        """Carry a method out and return its value. Raises Refused."""

    def close(self) -> None:
        """The channel has ended. May be repeated."""


Tell = Callable[[Value], None]
"""Sends a value that nobody has asked for over an instrument's channel. Raises OSError."""
MakeInstrument = Callable[[Tell], Instrument]


class ServiceHub:
    """The service. ``instruments`` are what its clients can open a channel to, by name."""

    def __init__(self, instruments: Mapping[str, MakeInstrument]) -> None:
        self._instruments = dict(instruments)

    def __call__(self, wire: Wire) -> None:
        with ExitStack() as stack:
            _Connection(wire, self._instruments, stack).serve()


class _Connection:
    def __init__(
        self, wire: Wire, instruments: Mapping[str, MakeInstrument], stack: ExitStack
    ) -> None:
        self._wire = wire
        self._instruments = instruments
        self._stack = stack
        self._open: dict[int, Instrument] = {}
        self._numbers = itertools.count(1)
        self._numbering = threading.Lock()
        self._opened = 0

    def serve(self) -> None:
        """Answer until the client leaves. Raises ProtocolBroken, OSError, EOFError."""
        cap: float | None = self._wire.limits.greeting
        while True:
            message = receive(self._wire, cap)
            cap = None
            if message.kind is not Kind.CALL or message.conversation:
                # A reply to what was told: nothing was asked.
                continue
            if not isinstance(message.value, str):
                raise ProtocolBroken("a method without a selector")
            answer = self._answered(message.value, message)
            if answer is not None:
                self._wire.send(packed(answer))

    def _answered(self, selector: str, message: Message) -> Message | None:
        """Carry a method out; return the reply, None where there is none."""
        if message.channel == 0 and selector == CAPABILITIES:
            return self._capabilities()
        value: Value = None
        try:
            if message.channel == 0:
                self._manage(selector, message.arguments)
            else:
                instrument = self._open.get(abs(message.channel))
                if instrument is None:
                    raise Refused(f"there is no channel {message.channel}")
                value = instrument.call(selector, message.arguments)
        except Refused as error:
            failure = Failure(DOMAIN, _FAILED, str(error))
            return message.answered(Kind.FAILED, failure) if message.expects_reply else None
        if not message.expects_reply:
            return None
        return message.answered(Kind.DONE if value is None else Kind.REPLY, value)

    def _capabilities(self) -> Message:
        own: dict[str, Value] = dict.fromkeys(self._instruments, 1)
        return Message(Kind.CALL, CAPABILITIES, (own,), next(self._numbers))

    def _manage(self, selector: str, arguments: tuple[Value, ...]) -> None:
        match selector, arguments:
            case "_requestChannelWithCode:identifier:", (int(code), str(name)):
                self._request(code, name)
            case "_channelCanceled:", _:
                for gone in arguments:
                    instrument = self._open.pop(gone, None) if isinstance(gone, int) else None
                    if instrument is not None:
                        instrument.close()
            case _:
                raise Refused(f"{selector[:200]} is not known")

    def _request(self, code: int, name: str) -> None:
        make = self._instruments.get(name)
        if make is None:
            raise Refused(f"there is no service {name[:200]}")
        if code <= 0 or code in self._open:
            raise Refused(f"a channel cannot be called {code}")
        if self._opened >= MAX_CHANNELS:
            raise Refused(f"{MAX_CHANNELS} channels have been opened already")
        self._opened += 1
        instrument = make(lambda value: self._tell(code, value))
        self._open[code] = instrument
        self._stack.callback(instrument.close)

    def _tell(self, channel: int, value: Value) -> None:
        with self._numbering:
            number = next(self._numbers)
        self._wire.send(packed(Message(Kind.CALL, value, (), number, 0, channel)))


def receive(wire: Wire, cap: float | None) -> Message:
    """Return the next message, whose first bytes have come within ``cap`` seconds. Raises
    ProtocolBroken, OSError, EOFError."""
    limits = wire.limits
    try:
        header = read_header(wire.receive(HEADER.size, cap), limits.request)
        whole = _piece(wire, header.length) if header.has_body else b""
        while not header.is_last:
            following = read_header(wire.receive(HEADER.size, limits.message), limits.request)
            in_order = following.index == header.index + 1
            if not in_order or following.identifier != header.identifier:
                raise BadDtx("fragments that are out of order")
            header = following
            whole += _piece(wire, header.length)
            if len(whole) > limits.request:
                raise BadDtx(f"a message of more than {limits.request} bytes")
        return read_body(header, whole)
    except BadDtx as error:
        raise ProtocolBroken(str(error)) from None


def _piece(wire: Wire, length: int) -> bytes:
    return wire.receive(length, wire.limits.message)
