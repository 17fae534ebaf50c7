"""What a device answers to Appium's client, read with a close look. Pure: bytes in, answer out.

W3C WebDriver (https://www.w3.org/TR/webdriver2/ section 6.3) as Appium speaks it. The client takes
an answer for what it should be; of a device under test that is not sure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from selenium.webdriver.remote.command import Command

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer: a screenshot of a large screen in base64, and more."""
MAX_MESSAGE = 4000
"""Characters of an error's message."""
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""Name of an element reference (section 12.1)."""

Answer = dict[str, Any]
"""What the client gets: ``value``, and for an error the HTTP ``status``."""


class Unreadable(ValueError):
    """The answer is none; the message says what is wrong with it."""


def read_answer(status: int, content: bytes) -> Answer:
    """Read an answer. Raises Unreadable."""
    if 300 <= status < 400:
        raise Unreadable("it redirects elsewhere")
    if len(content) > MAX_ANSWER:
        raise Unreadable(f"it is longer than {MAX_ANSWER} bytes")
    try:
        told = json.loads(content.decode("utf-8")) if content.strip() else {}
    except (ValueError, RecursionError) as error:
        told = f"no JSON, {type(error).__name__}"
    if not isinstance(told, dict):
        words = content[:100].decode("utf-8", "replace")
        raise Unreadable(f"status {status}, and no JSON object but {words!r}")
    value = told.get("value")
    return {"value": value} if status < 400 else _error(status, value)


def check_answer(command: str, answer: Answer) -> None:
    """Look whether the answer to ``command`` has the shape that the client relies on. Raises
    Unreadable."""
    shape = _SHAPES.get(command)
    if shape is not None and "status" not in answer and not shape(answer["value"]):
        raise Unreadable(f"it is of another kind: {json.dumps(answer['value'])[:100]}")


def is_error(answer: Mapping[str, Any]) -> bool:
    """Tell whether the answer is that something went wrong."""
    return "status" in answer


def _error(status: int, value: object) -> Answer:
    if not isinstance(value, dict) or not isinstance(value.get("error"), str):
        raise Unreadable(f"status {status}, and no error but {json.dumps(value)[:100]}")
    error = {
        "error": value["error"][:MAX_MESSAGE],
        "message": _text(value.get("message", ""), value["error"])[:MAX_MESSAGE],
        "stacktrace": _text(value.get("stacktrace", ""), "")[:MAX_MESSAGE],
    }
    # As a text, as the client expects it with a status.
    return {"status": status, "value": json.dumps({"value": error})}


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_element(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get(ELEMENT), str)


def _are_elements(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_element, value))


def _is_session(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("sessionId"), str)
        and bool(value["sessionId"])
        and isinstance(value.get("capabilities"), dict)
    )


def _is_rectangle(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), int | float) for name in ("x", "y", "width", "height")
    )


_SHAPES: Mapping[str, Callable[[object], bool]] = {
    Command.NEW_SESSION: _is_session,
    Command.FIND_ELEMENT: _is_element,
    Command.FIND_ELEMENTS: _are_elements,
    Command.FIND_CHILD_ELEMENT: _is_element,
    Command.FIND_CHILD_ELEMENTS: _are_elements,
    Command.W3C_GET_ACTIVE_ELEMENT: _is_element,
    Command.GET_PAGE_SOURCE: _is_text,
    Command.GET_ELEMENT_TEXT: _is_text,
    Command.SCREENSHOT: _is_text,
    Command.ELEMENT_SCREENSHOT: _is_text,
    Command.W3C_GET_ALERT_TEXT: _is_text,
    Command.GET_ELEMENT_RECT: _is_rectangle,
    Command.GET_WINDOW_RECT: _is_rectangle,
}
