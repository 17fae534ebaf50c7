"""One way in: the routes of a dialect, and the one session that is held through it at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.phone.android.webdriver.listener import Answer, Request
from lab.phone.android.webdriver.protocol import (
    Code,
    Failed,
    Parameters,
    Routes,
    failure,
    success,
)
from lab.phone.android.webdriver.session import Session
from lab.phone.state import PhoneState

Values = Mapping[str, str]
"""The variables of a request's path."""
Handler = Callable[[Values, Parameters], object]
InSession = Callable[[Session, Values, Parameters], object]
Route = tuple[str, str, InSession]
"""Method, path below ``/session/ID``, and the command."""
Agree = Callable[[Parameters], Mapping[str, Any]]
"""Returns the capabilities that a client gets. Raises Failed."""
Make = Callable[[Mapping[str, Any]], Session]
"""Makes a session with these capabilities. Raises Failed."""


class Face:
    """Answers the requests of one dialect. May be used from any thread."""

    def __init__(
        self, phone: PhoneState, agree: Agree, make: Make, routes: Iterable[Route]
    ) -> None:
        self._phone = phone
        self._agree = agree
        self._make = make
        self._lock = threading.Lock()
        self._session: Session | None = None
        always: list[tuple[str, str, Handler]] = [
            ("GET", "/status", self._status),
            ("GET", "/sessions", self._sessions),
            ("POST", "/session", self._new_session),
        ]
        inside: list[Route] = [
            ("GET", "", lambda session, *_: session.capabilities),
            ("DELETE", "", self._end_session),
            *routes,
        ]
        self._routes: Routes[Handler] = Routes(
            [
                *always,
                *(
                    (way, f"/session/$session{path}", self._within(run))
                    for way, path, run in inside
                ),
            ]
        )

    @property
    def session(self) -> Session | None:
        """The session that is held."""
        return self._session

    def respond(self, request: Request) -> Answer:
        """Answer a request. Raises nothing."""
        try:
            matched = self._routes.match(request.method, request.target)
            takes_body = request.method == "POST"
            parameters = Parameters.read(request.body if takes_body else b"")
            return success(matched.handler(matched.values, parameters))
        except Failed as error:
            return failure(error.code, str(error))
        except Exception as error:  # noqa: BLE001 - a defect must end one command, not the phone
            self._phone.log("WebDriver", "ERROR", f"{type(error).__name__}: {error}")
            return failure(Code.UNKNOWN_ERROR, f"{type(error).__name__}: {error}"[:500])

    def _within(self, command: InSession) -> Handler:
        """Let ``command`` run in the session that the request names."""

        def run(values: Values, body: Parameters) -> object:
            session = self._session
            if session is None or session.id != values["session"]:
                raise Failed(Code.INVALID_SESSION_ID, "the session has ended, or never was")
            return command(session, values, body)

        return run

    def _status(self, _: Values, __: Parameters) -> object:
        return {"ready": True, "message": "ready", "build": {"version": "virtual phone"}}

    def _sessions(self, _: Values, __: Parameters) -> object:
        session = self._session
        return [] if session is None else [{"id": session.id}]

    def _new_session(self, _: Values, body: Parameters) -> object:
        wanted = self._agree(body)
        with self._lock:
            # Whoever comes last has the phone; the one before is told by its next command.
            self._session = None
            self._session = session = self._make(wanted)
        return {"sessionId": session.id, "capabilities": session.capabilities}

    def _end_session(self, session: Session, _: Values, __: Parameters) -> None:
        with self._lock:
            if self._session is session:
                self._session = None
