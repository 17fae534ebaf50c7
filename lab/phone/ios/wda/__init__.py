"""WebDriverAgent: the automation endpoint of an iPhone, as Appium's XCUITest driver talks to it.

https://github.com/appium/WebDriverAgent, version 16.12.9. Clients without that driver in between
find what it would add to it at the same place (``driver_commands``).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.wda.apps import Apps
from lab.phone.ios.wda.driver_commands import DriverCommands
from lab.phone.ios.wda.element_commands import ElementCommands
from lab.phone.ios.wda.phone_commands import PhoneCommands
from lab.phone.ios.wda.session import Session, agree
from lab.phone.ios.wda.touches import Touches
from lab.phone.webdriver.face import Face
from lab.phone.webdriver.listener import REQUEST_CAP, Connections, Listener
from lab.phone.webdriver.protocol import Envelope

ENVELOPE = Envelope("traceback", names_session=True)
"""How WebDriverAgent wraps its answers."""


class WebDriverAgent:
    """The endpoint, on a free port of 127.0.0.1, from construction until ``close``."""

    def __init__(
        self, phone: ScreenedPhone, screen: IPhoneScreen, *, request_cap: float = REQUEST_CAP
    ) -> None:
        face = face_of(phone, screen)
        refuse = ENVELOPE.refusal
        self._handed_in = Connections(face.respond, refuse, request_cap=request_cap)
        self._listener = Listener(face.respond, refuse, request_cap=request_cap)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._listener.port

    def serve(self, sock: socket.socket) -> bool:
        """Serve a connection that came another way, and close it in the end. False where there
        are too many already: it is closed at once."""
        return self._handed_in.take(sock)

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._listener.close()
        self._handed_in.close()


def face_of(phone: ScreenedPhone, screen: IPhoneScreen) -> Face[Session]:
    """Return what answers the requests of WebDriverAgent's clients."""
    apps, about = Apps(screen, phone.pid_of), PhoneCommands(phone, screen)
    elements = ElementCommands(screen)
    touches = Touches(screen, elements)
    driver = DriverCommands(phone, screen, apps, about, elements, touches)

    def make(wanted: Mapping[str, Any]) -> Session:
        session = Session(phone, screen, wanted)
        apps.begin(wanted)
        return session

    return Face(
        phone,
        lambda body: agree(body, phone.identity.udid),
        make,
        [
            *elements.routes(),
            *touches.routes(),
            *apps.routes(),
            *about.routes(),
            *driver.routes(),
        ],
        envelope=ENVELOPE,
        outside=[("GET", "/status", lambda *_: about.status()), *about.outside()],
    )
