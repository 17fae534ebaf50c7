"""WebDriverAgent as an app of the phone: it listens once it was launched, until it is killed."""

from __future__ import annotations

from lab.phone.ios.lockdown.ports import Ports
from lab.phone.ios.remote.tunnel import SHARED
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.wda import ENVELOPE, face_of
from lab.phone.webdriver.listener import Connections, Listener


class Runner:
    """One process of it, on a port of the phone from construction until ``close``: over the cable,
    and at the phone's ``address`` in the tunnel, where it has one of its own. Raises OSError where
    something else listens there."""

    def __init__(
        self, phone: ScreenedPhone, screen: IPhoneScreen, ports: Ports, port: int, address: str
    ) -> None:
        self._ports = ports
        self._port = port
        respond, refuse = face_of(phone, screen).respond, ENVELOPE.refusal
        self._connections = Connections(respond, refuse)
        own = address != SHARED
        self._listener = Listener(respond, refuse, address=(address, port)) if own else None
        ports.listen(port, self._connections.take)

    def close(self) -> None:
        """End every connection, and listen no longer. May be repeated."""
        self._ports.unlisten(self._port)
        self._connections.close()
        if self._listener is not None:
            self._listener.close()


class Runners:
    """Starts WebDriverAgent on a phone, which has an ``address`` in its tunnel."""

    def __init__(
        self, phone: ScreenedPhone, screen: IPhoneScreen, ports: Ports, address: str
    ) -> None:
        self._phone = phone
        self._screen = screen
        self._ports = ports
        self._address = address

    def start(self, port: int) -> Runner:
        """Start a new process of it, which listens on a port of the phone. Raises OSError."""
        return Runner(self._phone, self._screen, self._ports, port, self._address)
