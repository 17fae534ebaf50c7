"""The WebDriver protocol's own rules: errors, routes, and what requests and answers look like.

W3C WebDriver, https://www.w3.org/TR/webdriver2/ sections 6.3 to 6.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from lab.phone.node import one_line
from lab.phone.webdriver.listener import Answer

MAX_QUERY = 20
MAX_MESSAGE = 500
"""Characters of an error's message."""


class Code(StrEnum):
    """The errors that this endpoint knows (section 6.6)."""

    INVALID_ARGUMENT = "invalid argument"
    INVALID_ELEMENT_STATE = "invalid element state"
    INVALID_SELECTOR = "invalid selector"
    INVALID_SESSION_ID = "invalid session id"
    MOVE_OUT_OF_BOUNDS = "move target out of bounds"
    NO_SUCH_ALERT = "no such alert"
    NO_SUCH_CONTEXT = "no such window"
    NO_SUCH_ELEMENT = "no such element"
    SESSION_NOT_CREATED = "session not created"
    STALE_ELEMENT = "stale element reference"
    UNKNOWN_COMMAND = "unknown command"
    UNKNOWN_ERROR = "unknown error"
    UNKNOWN_METHOD = "unknown method"
    UNSUPPORTED = "unsupported operation"

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return _STATUS[self]


_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.INVALID_ELEMENT_STATE: 400,
    Code.INVALID_SELECTOR: 400,
    Code.INVALID_SESSION_ID: 404,
    Code.MOVE_OUT_OF_BOUNDS: 500,
    Code.NO_SUCH_ALERT: 404,
    Code.NO_SUCH_CONTEXT: 404,
    Code.NO_SUCH_ELEMENT: 404,
    Code.SESSION_NOT_CREATED: 500,
    Code.STALE_ELEMENT: 404,
    Code.UNKNOWN_COMMAND: 404,
    Code.UNKNOWN_ERROR: 500,
    Code.UNKNOWN_METHOD: 405,
    Code.UNSUPPORTED: 500,
}


class Failed(Exception):
    """A command that fails, as the client is to see it."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(one_line(message, MAX_MESSAGE))
        self.code = code


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a dialect wraps its answers."""

    trace: str = "stacktrace"
    """Name of the member of an error that tells where in the server it arose."""
    names_session: bool = False
    """Whether every answer says in which session it was given."""

    def success(self, value: object, session: str | None = None) -> Answer:
        """Return the answer to a command that came to ``value``."""
        return self._answer(200, value, session)

    def failure(self, code: Code, message: str, session: str | None = None) -> Answer:
        """Return the answer to a command that failed."""
        value = {"error": code.value, "message": message, self.trace: ""}
        return self._answer(code.status, value, session)

    def refusal(self, status: int, reason: str) -> Answer:
        """Return the answer to what is not even a request."""
        words = one_line(reason, MAX_MESSAGE)
        value = {"error": Code.INVALID_ARGUMENT.value, "message": words, self.trace: ""}
        return self._answer(status, value, None)

    def _answer(self, status: int, value: object, session: str | None) -> Answer:
        named = {"sessionId": session} if self.names_session else {}
        return Answer(status, json.dumps({"value": value, **named}).encode())


W3C = Envelope()
"""As the standard has it (sections 6.4 and 6.6)."""


class Parameters:
    """The parameters of a command: a JSON object, read with a close look at every type.

    Every method raises Failed (invalid argument) for a value that is not what it should be.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    @classmethod
    def read(cls, body: bytes) -> Parameters:
        """Read a request's body; an empty one has no parameters."""
        if not body.strip():
            return cls({})
        try:
            values = json.loads(body)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise Failed(Code.INVALID_ARGUMENT, f"the body is not JSON: {reason}") from None
        if not isinstance(values, dict):
            raise Failed(Code.INVALID_ARGUMENT, "the body is not a JSON object")
        return cls(values)

    @classmethod
    def of_query(cls, target: str) -> Parameters:
        """Read the query of a request's target, each parameter a text; what is no query, or has
        more than ``MAX_QUERY`` parameters, has none."""
        try:
            query = urlsplit(target).query
            return cls({k: v[0] for k, v in parse_qs(query, max_num_fields=MAX_QUERY).items()})
        except ValueError:
            return cls({})

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; ``default`` where it is missing."""
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise wrong(name, "a string")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise wrong(name, "a boolean")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise wrong(name, "a number")
        return float(value)

    def sequence(self, name: str, default: list[object] | None = None) -> list[Any]:
        """Return a list."""
        value = self.values.get(name, default)
        if not isinstance(value, list):
            raise wrong(name, "a list")
        return value

    def mapping(self, name: str, default: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return an object."""
        value = self.values.get(name, default)
        if not isinstance(value, dict):
            raise wrong(name, "an object")
        return value


def wrong(name: str, what: str) -> Failed:
    """Return the error that says what the parameter ``name`` must be."""
    return Failed(Code.INVALID_ARGUMENT, f"'{name}' must be {what}")


def _is_finite(value: float) -> bool:
    # Larger whole numbers than these have no float, and no screen or clock has use for them.
    return -1e15 < value < 1e15


Handler = TypeVar("Handler")


@dataclass(frozen=True, slots=True)
class Matched(Generic[Handler]):
    """A command that a request names, with the values of the path's variables."""

    handler: Handler
    values: dict[str, str]


class Routes(Generic[Handler]):
    """Which command a request means. A path segment ``$name`` stands for any value."""

    def __init__(self, routes: Iterable[tuple[str, str, Handler]]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], dict[str, Handler]]]] = {}
        for method, path, handler in routes:
            segments = _segments(path)
            templates = self._by_length.setdefault(len(segments), [])
            methods = next((known for template, known in templates if template == segments), None)
            if methods is None:
                templates.append((segments, methods := {}))
            methods[method] = handler

    def match(self, method: str, target: str) -> Matched[Handler]:
        """Return the command. Raises Failed where there is none."""
        try:
            path = urlsplit(target).path
        except ValueError:
            path = target
        segments = _segments(path)
        known = False
        for template, methods in self._by_length.get(len(segments), ()):
            values = _values(template, segments)
            if values is None:
                continue
            known = True
            if method in methods:
                return Matched(methods[method], values)
        if known:
            raise Failed(Code.UNKNOWN_METHOD, f"{path} does not take {method}")
        raise Failed(Code.UNKNOWN_COMMAND, f"no command {method} {path}")


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _values(template: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for wanted, found in zip(template, segments, strict=True):
        if wanted.startswith("$"):
            values[wanted[1:]] = unquote(found)
        elif wanted != found:
            return None
    return values


Command = Callable[[Parameters], object]
"""Carries out a command and returns its value, which is JSON. Raises Failed."""
