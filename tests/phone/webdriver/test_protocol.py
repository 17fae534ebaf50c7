from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.webdriver.protocol import (
    MAX_MESSAGE,
    W3C,
    Code,
    Envelope,
    Failed,
    Parameters,
    Routes,
)
from tests.phone.android.webdriver.rigs import refused

ROUTES = Routes(
    [
        ("GET", "/status", "status"),
        ("POST", "/session", "new"),
        ("DELETE", "/session/$session", "end"),
        ("GET", "/session/$session", "capabilities"),
        ("POST", "/session/$session/element", "find"),
        ("GET", "/session/$session/element/$element/attribute/$name", "attribute"),
    ]
)


@pytest.mark.parametrize(
    ("method", "target", "handler", "values"),
    [
        ("GET", "/status", "status", {}),
        ("GET", "/status/?a=b#c", "status", {}),
        ("DELETE", "/session/1", "end", {"session": "1"}),
        ("GET", "/session/1", "capabilities", {"session": "1"}),
        (
            "GET",
            "/session/1/element/a%2Fb/attribute/content-desc",
            "attribute",
            {"session": "1", "element": "a/b", "name": "content-desc"},
        ),
    ],
)
def test_a_request_names_its_command(
    method: str, target: str, handler: str, values: dict[str, str]
) -> None:
    matched = ROUTES.match(method, target)
    assert (matched.handler, matched.values) == (handler, values)


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/", Code.UNKNOWN_COMMAND),
        ("GET", "*", Code.UNKNOWN_COMMAND),
        ("GET", "//[", Code.UNKNOWN_COMMAND),
        ("GET", "/session/1/nothing", Code.UNKNOWN_COMMAND),
        ("PUT", "/session/1", Code.UNKNOWN_METHOD),
        ("GET", "/session/1/element", Code.UNKNOWN_METHOD),
    ],
)
def test_a_command_that_there_is_not(method: str, target: str, code: Code) -> None:
    with pytest.raises(Failed) as caught:
        ROUTES.match(method, target)
    assert caught.value.code is code


@given(st.text(), st.text())
def test_any_target_is_known_or_not(method: str, target: str) -> None:
    code = refused(lambda: ROUTES.match(method, target))
    assert code in (None, Code.UNKNOWN_COMMAND, Code.UNKNOWN_METHOD)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        bytes(10_000_000),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Failed) as caught:
        Parameters.read(body)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert len(str(caught.value)) <= MAX_MESSAGE


@given(st.binary(max_size=200))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    assert refused(lambda: Parameters.read(body)) in (None, Code.INVALID_ARGUMENT)


def test_an_empty_body_has_no_parameters() -> None:
    assert Parameters.read(b" ").values == {}


@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_text_is_a_string(value: object) -> None:
    with pytest.raises(Failed, match="'a' must be a string"):
        Parameters({"a": value}).text("a")


@pytest.mark.parametrize("value", ["1", True, None, [], float("nan"), float("inf"), 10**400])
def test_a_number_is_finite(value: object) -> None:
    with pytest.raises(Failed, match="'a' must be a number"):
        Parameters({"a": value}).number("a")


def test_other_types() -> None:
    parameters = Parameters({"text": "t", "yes": True, "list": [1], "object": {"a": 1}, "n": 2})
    assert parameters.text("text") == "t"
    assert parameters.boolean("yes", default=False) is True
    assert parameters.sequence("list") == [1]
    assert parameters.mapping("object") == {"a": 1}
    assert parameters.number("n") == 2.0
    for read in (parameters.sequence, parameters.mapping):
        with pytest.raises(Failed, match="'text' must be"):
            read("text")
    with pytest.raises(Failed, match="'text' must be a boolean"):
        parameters.boolean("text", default=True)


def test_what_is_missing_has_its_default() -> None:
    parameters = Parameters({})
    assert parameters.text("a", "b") == "b"
    assert parameters.number("a", 3) == 3
    assert parameters.sequence("a", []) == []
    assert parameters.mapping("a", {}) == {}


def test_answers() -> None:
    assert json.loads(W3C.success({"a": 1}, "s").body) == {"value": {"a": 1}}
    failed = W3C.failure(Code.STALE_ELEMENT, "gone")
    assert failed.status == 404
    assert json.loads(failed.body) == {
        "value": {"error": "stale element reference", "message": "gone", "stacktrace": ""}
    }
    assert W3C.refusal(431, "a\nb").status == 431
    assert b"a b" in W3C.refusal(431, "a\nb").body


def test_answers_of_a_dialect_that_names_the_session() -> None:
    envelope = Envelope("traceback", names_session=True)
    assert json.loads(envelope.success(1, "s").body) == {"value": 1, "sessionId": "s"}
    assert json.loads(envelope.failure(Code.UNSUPPORTED, "no").body) == {
        "value": {"error": "unsupported operation", "message": "no", "traceback": ""},
        "sessionId": None,
    }


@pytest.mark.parametrize("code", list(Code))
def test_every_error_has_its_status(code: Code) -> None:
    assert code.status in (400, 404, 405, 500)
