"""One way in: the routes of a dialect, and the one session that is held through it at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from lab.phone.webdriver.listener import Answer, Request
from lab.phone.webdriver.protocol import W3C, Code, Envelope, Failed, Parameters, Routes


class Held(Protocol):
    """A session, as far as holding it goes."""

    @property
    def id(self) -> str: ...

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What its client was told that it has."""


class Log(Protocol):
    """The log of the phone."""

    def log(self, tag: str, level: str, message: str) -> None:
        """Write a line to it."""


S = TypeVar("S", bound=Held)

Values = Mapping[str, str]
"""The variables of a request's path."""
Handler = Callable[[Values, Parameters], object]
InSession = Callable[[S, Values, Parameters], object]
Route = tuple[str, str, InSession[S]]
"""Method, path below ``/session/ID``, and the command."""
Outside = tuple[str, str, Handler]
"""Method, path, and a command that needs no session."""
Agree = Callable[[Parameters], Mapping[str, Any]]
"""Returns the capabilities that a client gets. Raises Failed."""
Make = Callable[[Mapping[str, Any]], S]
"""Makes a session with these capabilities. Raises Failed."""


class Face(Generic[S]):
    """Answers the requests of one dialect. May be used from any thread.

    ``outside`` are the commands that need no session; one of them may take the place of the
    ``/status`` that every dialect has.
    """

    def __init__(
        self,
        phone: Log,
        agree: Agree,
        make: Make[S],
        routes: Iterable[Route[S]],
        *,
        envelope: Envelope = W3C,
        outside: Iterable[Outside] = (),
    ) -> None:
        self._phone = phone
        self._agree = agree
        self._make = make
        self._envelope = envelope
        self._lock = threading.Lock()
        self._session: S | None = None
        always: list[Outside] = [
            ("GET", "/status", self._status),
            ("GET", "/sessions", self._sessions),
            ("POST", "/session", self._new_session),
            *outside,
        ]
        inside: list[Route[S]] = [
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
    def session(self) -> S | None:
        """The session that is held."""
        return self._session

    def respond(self, request: Request) -> Answer:
        """Answer a request. Raises nothing."""
        try:
            matched = self._routes.match(request.method, request.target)
            value = matched.handler(matched.values, _parameters(request))
            return self._envelope.success(value, self._named)
        except Failed as error:
            return self._envelope.failure(error.code, str(error), self._named)
        except Exception as error:  # noqa: BLE001 - a defect must end one command, not the phone
            self._phone.log("WebDriver", "ERROR", f"{type(error).__name__}: {error}")
            words = f"{type(error).__name__}: {error}"[:500]
            return self._envelope.failure(Code.UNKNOWN_ERROR, words, self._named)

    @property
    def _named(self) -> str | None:
        session = self._session
        return None if session is None else session.id

    def _within(self, command: InSession[S]) -> Handler:
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

    def _end_session(self, session: S, _: Values, __: Parameters) -> None:
        with self._lock:
            if self._session is session:
                self._session = None


def _parameters(request: Request) -> Parameters:
    if request.method == "POST":
        return Parameters.read(request.body)
    return Parameters.of_query(request.target)
