"""The dialect of the UiAutomator2 server, which Appium's driver speaks with the phone's port 6790.

https://github.com/appium/appium-uiautomator2-server, version 10.6.6. What has nothing to do with
the screen is not in it: that the driver does by adb.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.commands import ELEMENT, Commands, of_node, rectangle
from lab.phone.android.webdriver.device import Device
from lab.phone.android.webdriver.session import Route, Session
from lab.phone.android.webdriver.touches import Touches
from lab.phone.node import HEIGHT, WIDTH
from lab.phone.webdriver.face import Face, Values
from lab.phone.webdriver.listener import Answer, Connections, Request
from lab.phone.webdriver.protocol import W3C, Parameters, wrong


class Server:
    """One run of the automation server; it ends with its session.

    ``leave`` is called when a client has ended the session, and returns what to do once the client
    has been told so.
    """

    def __init__(self, system: AndroidSystem, leave: Callable[[], Callable[[], None]]) -> None:
        self._leave = leave
        self._face = Face(
            system.phone,
            _agree,
            lambda wanted: Session(system, wanted),
            _routes(system),
        )
        self._connections = Connections(self._respond, W3C.refusal)

    def connect(self) -> socket.socket | None:
        """Return a connection to the server, None where it takes no more."""
        near, far = socket.socketpair()
        if self._connections.take(far):
            return near
        near.close()
        return None

    def close(self) -> None:
        """End every connection. May be repeated."""
        self._connections.close()

    def _respond(self, request: Request) -> Answer:
        before = self._face.session
        answer = self._face.respond(request)
        if request.method == "DELETE" and before is not None and self._face.session is None:
            return replace(answer, then=self._leave())
        return answer


def _agree(body: Parameters) -> Mapping[str, Any]:
    """Return what the driver wants; it has agreed on that with its own client."""
    firsts = Parameters(body.mapping("capabilities")).sequence("firstMatch", [{}])
    if not firsts or not isinstance(firsts[0], dict):
        raise wrong("firstMatch", "a list of at least one object")
    return firsts[0]


def _routes(system: AndroidSystem) -> list[Route]:
    screen = _Screen(system)
    return [*screen.routes(), *Touches(system).routes(), *Device(system).routes()]


class _Screen:
    def __init__(self, system: AndroidSystem) -> None:
        self._commands = Commands(system)

    def routes(self) -> list[Route]:
        return [
            *self._commands.routes(),
            ("POST", "/element", self._find),
            ("POST", "/elements", self._find_all),
            ("POST", f"{ELEMENT}/value", self._enter),
            ("POST", "/keys", self._type),
            ("GET", f"{ELEMENT}/location", of_node(lambda node: _part(node.bounds, "x", "y"))),
            ("GET", f"{ELEMENT}/size", of_node(lambda node: _part(node.bounds, "width", "height"))),
            ("GET", "/window/$window/size", lambda *_: {"width": WIDTH, "height": HEIGHT}),
        ]

    def _find(self, session: Session, _: Values, body: Parameters) -> object:
        return self._commands.find(session, *_meant(body))

    def _find_all(self, session: Session, _: Values, body: Parameters) -> object:
        return self._commands.find_all(session, *_meant(body))

    def _enter(self, session: Session, values: Values, body: Parameters) -> None:
        replaced = body.boolean("replace", default=False)
        session.elements.enter(values["element"], body.text("text"), replace=replaced)

    def _type(self, session: Session, _: Values, body: Parameters) -> None:
        focused = session.elements.of(self._commands.focused())
        replaced = body.boolean("replace", default=False)
        session.elements.enter(focused, body.text("text"), replace=replaced)


def _meant(body: Parameters) -> tuple[str, str, str | None]:
    """Return strategy, selector and the id of the element to search in."""
    return body.text("strategy"), body.text("selector"), body.text("context", "") or None


def _part(bounds: tuple[int, int, int, int], *names: str) -> dict[str, int]:
    whole = rectangle(bounds)
    return {name: whole[name] for name in names}
