"""lockdownd's client: what the iPhone says of itself, and the doors to its services."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from lab.devices.android.link import CommandRefused
from lab.devices.ios.service import Service, host_context
from lab.devices.ios.usbmux import Usbmux
from lab.devices.journal_entry import shown
from lab.phone.ios.lockdown.plist import Plist

PORT = 62078
LABEL = "trustpin-lab"
_MEANINGS = {
    "InvalidHostID": "it does not know this computer any more: pair it again ('idevicepair pair')",
    "PasswordProtected": "it is locked: unlock it",
    "InvalidService": "it has no such service",
    "PairingDialogResponsePending": "it asks whether it may trust this computer: tap 'Trust'",
}


class Lockdown:
    """A session with lockdownd: pairing is proven, what follows is under TLS. Use as a context
    manager. Methods raise DeviceLost, and CommandRefused where the phone says no."""

    def __init__(self, usbmux: Usbmux, udid: str) -> None:
        record = usbmux.pair_record(udid)
        self._usbmux = usbmux
        self._udid = udid
        self._tls = host_context(record)
        self._service = Service(usbmux.connect(udid, PORT), "lockdownd")
        try:
            self._begin(record)
        except BaseException:
            self._service.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def values(self, domain: str = "") -> Mapping[str, Plist]:
        """Return what the phone says of itself in a domain."""
        request: dict[str, Plist] = {"Request": "GetValue", "Label": LABEL}
        if domain:
            request["Domain"] = domain
        found = self._ask(request).get("Value")
        return found if isinstance(found, dict) else {}

    def open(self, name: str) -> Service:
        """Start a service and return the connection to it."""
        request: dict[str, Plist] = {"Request": "StartService", "Service": name, "Label": LABEL}
        answer = self._ask(request)
        port = answer.get("Port")
        if not isinstance(port, int) or not 0 < port < 65536:
            raise CommandRefused(f"the iPhone does not say where {name} is: {shown(str(port))}")
        service = Service(self._usbmux.connect(self._udid, port), name)
        if answer.get("EnableServiceSSL"):
            try:
                service.secure(self._tls)
            except BaseException:
                service.close()
                raise
        return service

    def close(self) -> None:
        """End the session. May be repeated."""
        self._service.close()

    def _begin(self, record: Mapping[str, Plist]) -> None:
        answer = self._ask(
            {
                "Request": "StartSession",
                "HostID": record.get("HostID", ""),
                "SystemBUID": record.get("SystemBUID", ""),
                "Label": LABEL,
            }
        )
        if answer.get("EnableSessionSSL"):
            self._service.secure(self._tls)

    def _ask(self, request: Mapping[str, Plist]) -> dict[str, Plist]:
        answer = self._service.ask(request)
        error = answer.get("Error")
        if error is not None:
            name = shown(str(error))
            what = request.get("Service") or request["Request"]
            raise CommandRefused(f"the iPhone refuses {what}: {_MEANINGS.get(name, name)}")
        return answer
