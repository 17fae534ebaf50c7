"""One connection to lockdownd: its requests, one after the other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from OpenSSL import SSL

from lab.phone.files import FileError
from lab.phone.ios.lockdown.messages import ProtocolBroken, receive, send
from lab.phone.ios.lockdown.pairings import Pairing, PairingRefused, Pairings
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.values import ValueRefused, Values
from lab.phone.ios.lockdown.wire import Wire

TYPE = "com.apple.mobile.lockdown"
MAX_NAME = 200
"""Characters of a request's or service's name that are repeated in an answer."""

Message = Mapping[str, Plist]


class Consent(StrEnum):
    """What the phone's user does when a computer wants to be paired."""

    ACCEPT = "accept"
    """Taps Trust, at once."""
    WAIT = "wait"
    """Looks at the question, and taps nothing."""
    REFUSE = "refuse"
    """Taps Don't Trust."""


class Starter(Protocol):
    """Starts device services."""

    def start(self, name: str, pairing: Pairing | None) -> int | None:
        """Let a service wait for a connection; return the port. ``pairing`` is who may use it,
        None for a computer that is not paired. None where there is no such service."""

    def is_open(self, name: str) -> bool:
        """Tell whether a computer that is not paired may use the service."""


class _Refused(Exception):
    """A request cannot be carried out; ``str()`` is lockdownd's name for why."""


class Session:
    """Serves one connection; call it with the wire. ``escrow_bag`` is what a computer is given
    when it is paired."""

    def __init__(
        self,
        values: Values,
        pairings: Pairings,
        starter: Starter,
        consent: Callable[[], Consent],
        escrow_bag: bytes,
    ) -> None:
        self._values = values
        self._pairings = pairings
        self._starter = starter
        self._consent = consent
        self._escrow_bag = escrow_bag
        self._pairing: Pairing | None = None
        self._id: str | None = None
        self._requests: dict[str, Callable[[Message], Message]] = {
            "QueryType": lambda _: {"Type": TYPE},
            "GetValue": self._get,
            "SetValue": self._set,
            "RemoveValue": self._remove,
            "Pair": self._pair,
            "ValidatePair": self._validate,
            "Unpair": self._unpair,
            "StartSession": self._start_session,
            "StopSession": self._stop_session,
            "StartService": self._start_service,
            "Goodbye": lambda _: {"Result": "Success"},
        }

    def __call__(self, wire: Wire) -> None:
        limits = wire.limits
        cap: float | None = limits.greeting
        while True:
            request = receive(wire, limit=limits.request, cap=cap)
            name = request.get("Request")
            if not isinstance(name, str):
                raise ProtocolBroken("a request without a name")
            was, said = self._pairing, {"Request": name[:MAX_NAME]}
            send(wire, {**said, **self._answer(name, request)})
            if name == "Goodbye":
                return
            if self._pairing is not was:
                self._change_to(wire)
            cap = limits.idle if self._pairing is None else None

    def _answer(self, name: str, request: Message) -> Message:
        carry_out = self._requests.get(name)
        try:
            if carry_out is None:
                raise _Refused("InvalidRequest")
            return carry_out(request)
        except (_Refused, ValueRefused, PairingRefused) as error:
            return {"Error": str(error)}

    def _change_to(self, wire: Wire) -> None:
        if self._pairing is None:
            wire.unsecure(wire.limits.greeting)
            return
        try:
            context = self._pairings.tls(self._pairing)
        except SSL.Error:
            raise ProtocolBroken("certificates of a pairing that TLS does not take") from None
        wire.secure(context, wire.limits.greeting)

    def _get(self, request: Message) -> Message:
        domain, key = request.get("Domain"), request.get("Key")
        value = self._values.read(domain, key, paired=self._pairing is not None)
        return {**_repeated(request), "Value": value}

    def _set(self, request: Message) -> Message:
        if self._pairing is None:
            raise _Refused("SetProhibited")
        value = request.get("Value")
        if value is None:
            raise _Refused("MissingValue")
        self._values.change(request.get("Domain"), request.get("Key"), value)
        return {**_repeated(request), "Result": "Success"}

    def _remove(self, request: Message) -> Message:
        if self._pairing is None:
            raise _Refused("RemoveProhibited")
        self._values.change(request.get("Domain"), request.get("Key"), None)
        return {**_repeated(request), "Result": "Success"}

    def _pair(self, request: Message) -> Message:
        record = request.get("PairRecord")
        if not isinstance(record, Mapping):
            raise _Refused("MissingPairRecord")
        host_id = record.get("HostID")
        if not (isinstance(host_id, str) and self._pairings.find(host_id)):
            self._ask()
        try:
            self._pairings.add(record)
        except FileError:
            raise _Refused("InvalidPairRecord") from None
        return {"EscrowBag": self._escrow_bag}

    def _ask(self) -> None:
        """Let the user decide about a computer that is new. Raises _Refused."""
        consent = self._consent()
        if consent is Consent.WAIT:
            raise _Refused("PairingDialogResponsePending")
        if consent is Consent.REFUSE:
            raise _Refused("UserDeniedPairing")

    def _validate(self, request: Message) -> Message:
        self._known(request.get("PairRecord"))
        return {"Result": "Success"}

    def _unpair(self, request: Message) -> Message:
        pairing = self._known(request.get("PairRecord"))
        self._pairings.remove(pairing.host_id)
        return {"Result": "Success"}

    def _known(self, record: object) -> Pairing:
        """Return the pairing that a pair record is of. Raises _Refused."""
        host_id = record.get("HostID") if isinstance(record, Mapping) else None
        if not isinstance(host_id, str):
            raise _Refused("MissingHostID")
        pairing = self._pairings.find(host_id)
        if pairing is None:
            raise _Refused("InvalidHostID")
        return pairing

    def _start_session(self, request: Message) -> Message:
        if self._pairing is not None:
            raise _Refused("SessionActive")
        self._pairing = self._known(request)
        self._id = str(uuid.uuid4()).upper()
        return {"SessionID": self._id, "EnableSessionSSL": True}

    def _stop_session(self, request: Message) -> Message:
        if self._pairing is None:
            raise _Refused("NoRunningSession")
        if request.get("SessionID") != self._id:
            raise _Refused("InvalidSessionID")
        self._pairing = self._id = None
        return {"Result": "Success"}

    def _start_service(self, request: Message) -> Message:
        name = request.get("Service")
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise _Refused("MissingService")
        if self._pairing is None and not self._starter.is_open(name):
            raise _Refused("SessionInactive")
        port = self._starter.start(name, self._pairing)
        if port is None:
            raise _Refused("InvalidService")
        return {"Service": name, "Port": port, "EnableServiceSSL": self._pairing is not None}


def _repeated(request: Message) -> dict[str, Plist]:
    """Return what an answer repeats of a request for a value."""
    found = {key: request.get(key) for key in ("Domain", "Key")}
    return {key: value for key, value in found.items() if isinstance(value, str)}
