"""lockdownd: a phone's front door for computers, with the services behind it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from functools import partial

from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.keys import make_record
from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.pairings import Pairing, Pairings
from lab.phone.ios.lockdown.plist import encode
from lab.phone.ios.lockdown.ports import Ports, Serve
from lab.phone.ios.lockdown.service import Service, Serving
from lab.phone.ios.lockdown.session import Consent, Session
from lab.phone.ios.lockdown.values import Values
from lab.phone.ios.lockdown.wire import Wire

PORT = 62078
"""Where lockdownd listens on every iPhone."""
OPEN_SERVICES = frozenset({"com.apple.mobile.insecure_notification_proxy"})
"""What a computer that is not paired may use."""


class Lockdownd:
    """The front door of one phone, and what usbmuxd needs of it. May be used from any thread.

    ``services`` are the device services by name: ``lab.phone.ios.services.make_services``.
    ``consent`` is what the phone's user does when a computer wants to be paired; it may be
    changed. ``close`` ends everything that was connected.
    """

    def __init__(
        self,
        handset: Handset,
        services: Mapping[str, Service],
        *,
        consent: Consent = Consent.ACCEPT,
        limits: Limits | None = None,
    ) -> None:
        self.consent = consent
        self.ports = Ports((limits or Limits()).started)
        self._handset = handset
        self._limits = limits or Limits()
        self._pairings = Pairings(handset.files, self._limits.pairings)
        self._values = Values(handset, lambda: self._pairings.public_key)
        self._services = dict(services)
        self._serving = Serving(self._limits, self._say)
        # For nothing but to be given back: there is no passcode here that it could stand for.
        self._escrow_bag = secrets.token_bytes(32)
        self.ports.listen(PORT, self._welcome)

    @property
    def udid(self) -> str:
        """Which phone it is."""
        return self._handset.udid

    def find(self, port: int) -> Serve | None:
        """Return what listens on a port of the phone, None where nothing does."""
        return self.ports.find(port)

    def is_paired(self, host_id: str) -> bool:
        """Tell whether the phone knows a computer."""
        return self._pairings.find(host_id) is not None

    def pair(self, system_buid: str) -> bytes:
        """Pair the phone with a computer, as if its user had agreed; return the computer's pair
        record, a property list."""
        address = self._handset.values("").get("WiFiAddress")
        record = make_record(
            self._pairings.public_key,
            system_buid=system_buid,
            wifi_address=address if isinstance(address, str) else "",
            escrow_bag=self._escrow_bag,
        )
        self._pairings.add(record.for_phone())
        return encode(record.whole())

    def start(self, name: str, pairing: Pairing | None) -> int | None:
        """Let a service wait for a connection; see ``session.Starter``."""
        service = self._services.get(name)
        if service is None:
            return None
        tls = None if pairing is None else self._pairings.tls(pairing)
        return self.ports.start(partial(self._serving.run, name=name, service=service, tls=tls))

    def is_open(self, name: str) -> bool:
        """Tell whether a computer that is not paired may use a service."""
        return name in OPEN_SERVICES

    def close(self) -> None:
        """End every connection. May be repeated."""
        self._serving.close()

    def converse(self, wire: Wire) -> None:
        """Serve one connection that came another way than over the cable. Raises ProtocolBroken,
        OSError, EOFError."""
        self._session()(wire)

    def _welcome(self, sock: socket.socket) -> None:
        self._serving.run(sock, "lockdownd", self._session())

    def _session(self) -> Session:
        return Session(self._values, self._pairings, self, lambda: self.consent, self._escrow_bag)

    def _say(self, text: str) -> None:
        self._handset.log("lockdownd", "INFO", text)
