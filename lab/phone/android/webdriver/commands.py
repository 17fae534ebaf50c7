"""The commands of the endpoint, one for each kind of request."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.elements import reference
from lab.phone.android.webdriver.gestures import taps
from lab.phone.android.webdriver.listener import Answer, Request
from lab.phone.android.webdriver.protocol import (
    Code,
    Failed,
    Parameters,
    Routes,
    failure,
    success,
    wrong,
)
from lab.phone.android.webdriver.session import Session, negotiate
from lab.phone.android.webdriver.source import attributes, is_displayed, page_of
from lab.phone.node import HEIGHT, WIDTH, Node

Values = Mapping[str, str]
"""The variables of a request's path."""
Handler = Callable[[Values, Parameters], object]
InSession = Callable[[Session, Values, Parameters], object]

_ALIASES = {"className": "class", "contentDescription": "content-desc", "name": "content-desc"}
"""Other names by which Appium's clients ask for attributes."""


class Commands:
    """Carries out commands. May be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._phone = system.phone
        self._screen = system.screen
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._routes: Routes[Handler] = Routes(self._table())

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

    def _table(self) -> list[tuple[str, str, Handler]]:
        always: list[tuple[str, str, Handler]] = [
            ("GET", "/status", self._status),
            ("GET", "/sessions", self._sessions),
            ("POST", "/session", self._new_session),
        ]
        one = "/element/$element"
        table: list[tuple[str, str, InSession]] = [
            ("GET", "", lambda session, *_: session.capabilities),
            ("DELETE", "", self._end_session),
            ("GET", "/timeouts", self._timeouts),
            ("POST", "/timeouts", lambda session, _, body: session.change_timeouts(body)),
            ("GET", "/appium/settings", lambda session, *_: session.settings),
            ("POST", "/appium/settings", self._settings),
            ("GET", "/context", lambda *_: "NATIVE_APP"),
            ("POST", "/context", self._context),
            ("GET", "/contexts", lambda *_: ["NATIVE_APP"]),
            ("GET", "/orientation", lambda *_: "PORTRAIT"),
            ("POST", "/orientation", self._turn),
            ("GET", "/window", lambda *_: "NATIVE_APP"),
            ("GET", "/window/rect", lambda *_: _rect((0, 0, WIDTH, HEIGHT))),
            ("GET", "/source", self._source),
            ("GET", "/screenshot", self._screenshot),
            ("POST", "/back", lambda *_: self._screen.back()),
            ("POST", "/actions", self._actions),
            ("DELETE", "/actions", lambda *_: None),
            ("POST", "/execute/sync", self._execute),
            ("GET", "/se/log/types", lambda *_: ["logcat"]),
            ("POST", "/se/log", self._log),
            ("GET", "/log/types", lambda *_: ["logcat"]),
            ("POST", "/log", self._log),
            ("POST", "/element", self._find),
            ("POST", "/elements", self._find_all),
            ("GET", "/element/active", self._active),
            ("POST", f"{one}/element", self._find),
            ("POST", f"{one}/elements", self._find_all),
            ("POST", f"{one}/click", self._click),
            ("POST", f"{one}/clear", self._clear),
            ("POST", f"{one}/value", self._type),
            ("GET", f"{one}/text", _of_node(lambda node: node.text)),
            ("GET", f"{one}/name", _of_node(lambda node: node.class_name)),
            ("GET", f"{one}/rect", _of_node(lambda node: _rect(node.bounds))),
            ("GET", f"{one}/enabled", _of_node(lambda node: node.enabled)),
            ("GET", f"{one}/displayed", _of_node(is_displayed)),
            ("GET", f"{one}/selected", _of_node(lambda node: node.checked)),
            ("GET", f"{one}/attribute/$name", self._attribute),
        ]
        inside = [
            (method, f"/session/$session{path}", self._within(run)) for method, path, run in table
        ]
        return always + inside

    def _within(self, command: InSession) -> Handler:
        """Let ``command`` run in the session that the request names."""

        def run(values: Values, body: Parameters) -> object:
            session = self._session
            if session is None or session.id != values["session"]:
                raise Failed(Code.INVALID_SESSION_ID, "the session has ended, or never was")
            return command(session, values, body)

        return run

    # -- sessions -------------------------------------------------------------------------

    def _status(self, _: Values, __: Parameters) -> object:
        return {"ready": True, "message": "ready", "build": {"version": "virtual phone"}}

    def _sessions(self, _: Values, __: Parameters) -> object:
        session = self._session
        return [] if session is None else [{"id": session.id}]

    def _new_session(self, _: Values, body: Parameters) -> object:
        wanted = negotiate(body, self._phone.name)
        with self._lock:
            # Whoever comes last has the phone; the one before is told by its next command.
            self._session = None
            self._session = session = Session(self._system, wanted)
        return {"sessionId": session.id, "capabilities": session.capabilities}

    def _end_session(self, session: Session, _: Values, __: Parameters) -> None:
        with self._lock:
            if self._session is session:
                self._session = None

    def _timeouts(self, session: Session, _: Values, __: Parameters) -> object:
        return {"implicit": int(session.implicit_wait * 1000), "command": 0}

    def _settings(self, session: Session, _: Values, body: Parameters) -> None:
        session.change_settings(body.mapping("settings"))

    def _context(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("name") != "NATIVE_APP":
            raise Failed(Code.NO_SUCH_CONTEXT, "No such context found.")

    def _turn(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("orientation").upper() != "PORTRAIT":
            raise Failed(Code.UNSUPPORTED, "this phone's screen does not turn")

    # -- the screen as a whole ------------------------------------------------------------

    def _source(self, session: Session, _: Values, __: Parameters) -> object:
        self._screen.wait_idle(session.idle_cap)
        return page_of(self._screen.snapshot()).text()

    def _screenshot(self, _: Session, __: Values, ___: Parameters) -> object:
        return base64.b64encode(self._screen.picture()).decode("ascii")

    def _actions(self, session: Session, _: Values, body: Parameters) -> None:
        def centre(element: str) -> tuple[float, float]:
            left, top, right, bottom = session.elements.node(element).bounds
            return (left + right) // 2, (top + bottom) // 2

        for point in taps(body, centre):
            session.mobile.tap(point)

    def _execute(self, session: Session, _: Values, body: Parameters) -> object:
        arguments = body.sequence("args", [])
        named = arguments[0] if arguments else {}
        if not isinstance(named, dict) or len(arguments) > 1:
            raise wrong("args", "a list of one object")
        return session.mobile.execute(body.text("script"), Parameters(named))

    def _log(self, _: Session, __: Values, body: Parameters) -> object:
        if body.text("type") != "logcat":
            raise Failed(Code.INVALID_ARGUMENT, "this phone keeps only 'logcat'")
        return [
            {"timestamp": int(line.at * 1000), "level": "ALL", "message": line.threadtime()}
            for line in self._phone.logcat.lines()
        ]

    # -- elements -------------------------------------------------------------------------

    def _find(self, session: Session, values: Values, body: Parameters) -> object:
        found = self._search(session, values, body)
        if not found:
            raise Failed(
                Code.NO_SUCH_ELEMENT,
                f"nothing on the screen is {body.text('using')} {body.text('value')!r}",
            )
        return reference(found[0])

    def _find_all(self, session: Session, values: Values, body: Parameters) -> object:
        return [reference(element) for element in self._search(session, values, body)]

    def _search(self, session: Session, values: Values, body: Parameters) -> list[str]:
        return session.elements.find(
            body.text("using"),
            body.text("value"),
            below=values.get("element"),
            wait=session.implicit_wait,
        )

    def _active(self, session: Session, _: Values, __: Parameters) -> object:
        focused = (node for node in self._screen.snapshot().walk() if node.focused)
        node = next(focused, None)
        if node is None:
            raise Failed(Code.NO_SUCH_ELEMENT, "nothing has the focus")
        return reference(session.elements.of(node))

    def _click(self, session: Session, values: Values, _: Parameters) -> None:
        session.elements.tap(values["element"])

    def _clear(self, session: Session, values: Values, _: Parameters) -> None:
        session.elements.enter(values["element"], "", replace=True)

    def _type(self, session: Session, values: Values, body: Parameters) -> None:
        session.elements.enter(values["element"], body.text("text"), replace=False)

    def _attribute(self, session: Session, values: Values, _: Parameters) -> object:
        node = session.elements.node(values["element"])
        name = _ALIASES.get(values["name"], values["name"])
        known: dict[str, Any] = attributes(node)
        if name not in known:
            raise Failed(
                Code.INVALID_ARGUMENT,
                f"no attribute {name!r}; there are {', '.join(sorted(known))}",
            )
        return known[name]


def _of_node(read: Callable[[Node], object]) -> InSession:
    def run(session: Session, values: Values, _: Parameters) -> object:
        return read(session.elements.node(values["element"]))

    return run


def _rect(bounds: tuple[int, int, int, int]) -> dict[str, int]:
    left, top, right, bottom = bounds
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}
