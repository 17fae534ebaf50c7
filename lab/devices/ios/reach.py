"""One way to an iPhone: its services, each opened anew or kept open for what is asked often."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from lab.devices.ios.lockdown import Lockdown
from lab.devices.ios.service import Service
from lab.devices.ios.usbmux import Usbmux
from lab.model.device import DeviceLost
from lab.phone.ios.lockdown.plist import Plist


class Reach:
    """An iPhone at the end of usbmuxd. The session with lockdownd, and the services that take
    several requests, stay open from one call to the next. Methods raise DeviceLost,
    CommandRefused. Not to be used from two threads at once."""

    def __init__(self, usbmux: Usbmux, udid: str) -> None:
        self._usbmux = usbmux
        self.udid = udid
        self._lockdown: Lockdown | None = None
        self._open: dict[str, Service] = {}

    def values(self, domain: str = "") -> Mapping[str, Plist]:
        """Return what the phone says of itself."""
        return self._session().values(domain)

    @contextlib.contextmanager
    def service(self, name: str) -> Iterator[Service]:
        """Use a service, which is left open for the next time unless something goes wrong."""
        service = self._open.pop(name, None)
        if service is not None and not service.is_quiet:
            service.close()
            service = None
        service = service or self.open(name)
        try:
            yield service
        except BaseException:
            service.close()
            raise
        self._open[name] = service

    def open(self, name: str) -> Service:
        """Start a service and return a connection to it, which the caller closes."""
        try:
            return self._session().open(name)
        except DeviceLost:
            # The phone lets go of a session that was idle for long: one more, from the start.
            if self._lockdown is not None:
                self._lockdown.close()
                self._lockdown = None
            return self._session().open(name)

    def close(self) -> None:
        """Let go of the phone. May be repeated; what is asked afterwards reaches it again."""
        for service in self._open.values():
            service.close()
        self._open.clear()
        if self._lockdown is not None:
            self._lockdown.close()
            self._lockdown = None

    def _session(self) -> Lockdown:
        if self._lockdown is None:
            self._lockdown = Lockdown(self._usbmux, self.udid)
        return self._lockdown
