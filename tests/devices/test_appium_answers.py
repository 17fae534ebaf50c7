from __future__ import annotations

import json
from typing import Any

import pytest
from appium.webdriver.errorhandler import MobileErrorHandler
from hypothesis import given
from hypothesis import strategies as st
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.remote.command import Command

from lab.apps.android import said
from lab.devices.appium_answers import (
    ELEMENT,
    MAX_MESSAGE,
    Unreadable,
    check_answer,
    is_error,
    read_answer,
)


def read(value: object, status: int = 200) -> dict[str, Any]:
    return read_answer(status, json.dumps({"value": value}).encode())


def raised(answer: dict[str, Any]) -> WebDriverException:
    """Return what the client makes of an error."""
    with pytest.raises(WebDriverException) as caught:
        MobileErrorHandler().check_response(answer)
    return caught.value


def test_values() -> None:
    assert read(7) == {"value": 7}
    assert read_answer(200, b"") == read_answer(200, b'{"status": 7}') == {"value": None}
    assert read_answer(200, '{"value": "é"}'.encode()) == {"value": "é"}
    assert not is_error(read(None))


def test_errors() -> None:
    value = {"error": "no such element", "message": "no", "stacktrace": "a\nb"}
    answer = read(value, 404)
    assert is_error(answer)
    error = raised(answer)
    assert isinstance(error, NoSuchElementException)
    assert said(error) == "no"


@pytest.mark.parametrize("more", [{}, {"message": 7}, {"message": ""}, {"stacktrace": {"a": 1}}])
def test_errors_without_words(more: dict[str, object]) -> None:
    error = raised(read({"error": "stale element reference", **more}, 404))
    assert isinstance(error, StaleElementReferenceException)
    assert said(error) == "stale element reference"


def test_words_are_bounded() -> None:
    error = raised(read({"error": "unknown error", "message": "x" * 10**6}, 500))
    assert said(error) == "x" * MAX_MESSAGE


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b"\xff"),
        (200, b"nothing"),
        (200, b"[]"),
        (200, b"7"),
        (200, b"null"),
        (200, b"[" * 100_000),
        (200, b'{"a":' * 50_000),
        (301, b"{}"),
        (302, b'{"value": null}'),
        (401, b"Authorization Required"),
        (404, b""),
        (404, b'{"value": null}'),
        (404, b'{"value": "no such element"}'),
        (500, b'{"value": {"error": ["no such element"]}}'),
        (500, b'{"value": {"message": "x"}}'),
        (502, b"<html>Bad Gateway</html>"),
    ],
)
def test_what_is_no_answer(status: int, content: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_answer(status, content)
    assert len(str(caught.value)) < 300


WRONG: dict[str, list[object]] = {
    Command.NEW_SESSION: [
        None,
        {"sessionId": 1, "capabilities": {}},
        {"sessionId": "", "capabilities": {}},
        {"sessionId": "s", "capabilities": []},
    ],
    Command.FIND_ELEMENT: [None, "e", {}, {ELEMENT: 1}, [{ELEMENT: "e"}]],
    Command.FIND_ELEMENTS: [None, {ELEMENT: "e"}, [{}], [None]],
    Command.GET_PAGE_SOURCE: [None, 7, ["<a/>"]],
    Command.SCREENSHOT: [None, {"png": ""}],
    Command.GET_ELEMENT_RECT: [None, {"x": 1, "y": 1}, [1, 2, 3, 4]],
}


@pytest.mark.parametrize(
    ("command", "value"), [(command, value) for command, some in WRONG.items() for value in some]
)
def test_what_is_no_answer_to_that(command: str, value: object) -> None:
    with pytest.raises(Unreadable, match="of another kind"):
        check_answer(command, read(value))


def test_what_is_one() -> None:
    check_answer(Command.NEW_SESSION, read({"sessionId": "s", "capabilities": {}}))
    check_answer(Command.FIND_ELEMENTS, read([]))
    check_answer(Command.FIND_ELEMENTS, read([{ELEMENT: "e", "ELEMENT": "e"}]))
    check_answer(Command.GET_ELEMENT_RECT, read({"x": 0, "y": 0.5, "width": 1, "height": 1}))
    check_answer(Command.CLICK_ELEMENT, read({"anything": True}))
    check_answer(Command.FIND_ELEMENT, read({"error": "no such element"}, 404))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "error", "message", "stacktrace", "sessionId", ELEMENT]),
            inner,
        )
    ),
    max_leaves=10,
)


@given(st.integers(100, 599), ANY.map(lambda told: json.dumps(told).encode()) | st.binary())
def test_any_answer_is_read_or_refused(status: int, content: bytes) -> None:
    try:
        answer = read_answer(status, content)
        for command in (Command.FIND_ELEMENT, Command.NEW_SESSION, Command.GET_PAGE_SOURCE):
            check_answer(command, answer)
    except Unreadable:
        return
    if is_error(answer):
        assert said(raised(answer))
