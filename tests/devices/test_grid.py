from __future__ import annotations

import base64
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.appium import android_options, begin
from lab.devices.grid import (
    duplicates,
    free_udids,
    granted,
    read_hub,
    read_status,
    shuffled,
)
from lab.model.device import DeviceLost
from tests.patience import CAP

ANDROID = {"platformName": "Android", "appium:automationName": "UiAutomator2"}


def phone(udid: str, *, pool: str = "a", busy: bool = False) -> dict[str, Any]:
    """Return a slot as Grid 4.48 tells it in its status."""
    session = {"sessionId": "s", "capabilities": {"appium:udid": udid}, "uri": "http://n"}
    return {
        "id": {"hostId": "h", "id": "i"},
        "lastStarted": "1970-01-01T00:00:00Z",
        "session": session if busy else None,
        "stereotype": {**ANDROID, "appium:udid": udid, "lab:pool": pool},
    }


def node(*slots: dict[str, Any], availability: str = "UP", number: int = 1) -> dict[str, Any]:
    return {
        "id": f"node-{number}",
        "uri": f"http://127.0.0.1:560{number}",
        "maxSessions": len(slots),
        "sessionTimeout": 120000,
        "availability": availability,
        "slots": list(slots),
    }


def status(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"value": {"ready": False, "message": "not ready", "nodes": list(nodes)}}


BROWSER = {"session": None, "stereotype": {"browserName": "chrome"}}
FLEET = status(
    node(phone("one"), phone("two", busy=True), BROWSER),
    node(phone("three", pool="b"), number=2),
    node(phone("four"), availability="DRAINING", number=3),
)


class Hub(ThreadingHTTPServer):
    """Answers like a hub: matches alternatives in order, by udid alone."""

    daemon_threads = True
    password = ""
    fleet: dict[str, Any] = FLEET
    drives: dict[str, str]
    """Which phone Appium drives where another one was booked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.drives = {}
        self.asked: list[dict[str, Any]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def create(self, wanted: dict[str, Any]) -> tuple[int, object]:
        self.asked.append(wanted)
        always = wanted["capabilities"]["alwaysMatch"]
        free = free_udids(read_status(self.fleet))
        for first in wanted["capabilities"]["firstMatch"]:
            udid = {**always, **first}.get("appium:udid")
            if udid in free:
                told = {**always, **first, "deviceUDID": self.drives.get(udid, udid)}
                return 200, {"sessionId": "s", "capabilities": told}
        said = "Could not start a new session. No nodes support the capabilities in the request"
        return 500, {"error": "session not created", "message": said, "stacktrace": ""}


class Answering(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(200, self.server.fleet)

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        code, value = self.server.create(wanted)
        self._answer(code, {"value": value})

    def _answer(self, code: int, value: object) -> None:
        expected = base64.b64encode(f"lab:{self.server.password}".encode()).decode()
        if self.server.password and self.headers["authorization"] != f"Basic {expected}":
            code, value = 401, {}
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


# -- the fleet ----------------------------------------------------------------------------


def test_the_phones_of_a_hub(hub: Hub) -> None:
    slots = read_hub(f"http://{hub.host}")
    assert [(slot.udid, slot.up, slot.busy) for slot in slots] == [
        ("one", True, False),
        ("two", True, True),
        ("three", True, False),
        ("four", False, False),
    ]
    assert slots[2].node == "http://127.0.0.1:5602"
    assert slots[2].stereotype["lab:pool"] == "b"
    assert free_udids(slots) == ("one", "three")
    assert free_udids(slots, **{"lab:pool": "b"}) == ("three",)
    assert free_udids(slots, **{"lab:pool": "c"}) == ()


def test_phones_that_two_nodes_claim() -> None:
    assert duplicates(read_status(FLEET)) == ()
    fleet = status(node(phone("a"), phone("b")), node(phone("b"), phone("b")))
    assert duplicates(read_status(fleet)) == ("b",)


def test_a_hub_that_wants_a_password(hub: Hub) -> None:
    hub.password = "p:@ss"
    assert read_hub(f"http://lab:p%3A%40ss@{hub.host}/")
    with pytest.raises(DeviceLost, match="answered with status 401"):
        read_hub(f"http://{hub.host}")
    begun = begin(f"http://lab:p%3A%40ss@{hub.host}", android_options("one"))
    assert begun.driver.session_id == "s"
    begun.connection.close()  # type: ignore[no-untyped-call]


@contextmanager
def saying(content: bytes) -> Iterator[str]:
    """Answer one connection with ``content``, whatever it asks."""

    def answer() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(65536)
            try:
                sock.sendall(content)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(CAP)


def http(body: bytes, head: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        http(b""),
        http(b"\xff\xfe"),
        http(b"[" * 100_000),
        http(b"[]"),
        http(b'{"value": null}'),
        http(b'{"value": {"nodes": [1]}}'),
        http(b'{"value": {"nodes": [{"slots": [{"stereotype": 1}]}]}}'),
        http(b'{"value": {"nodes": [{"slots": [{"stereotype": {"appium:udid": "a"}}]}]}}'),
        http(b"{}", "302 Found\r\nLocation: http://127.0.0.1:9/"),
        http(b" " * 5_000_000 + b"{}"),
        http(b"{}")[:-1],
    ],
)
def test_what_is_no_hub(content: bytes) -> None:
    with saying(content) as address, pytest.raises(DeviceLost, match="the hub http://127"):
        read_hub(address, cap=CAP)


def test_a_hub_that_is_silent(hub: Hub) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(DeviceLost, match=r"cannot be reached: .*timed out"),
    ):
        read_hub(f"http://127.0.0.1:{listener.getsockname()[1]}", cap=0.2)


# -- asking for a phone -------------------------------------------------------------------


def test_a_phone_is_asked_for_by_alternatives_over_udids(hub: Hub) -> None:
    order = shuffled(["two", "three", "none"], random.Random(3))
    assert sorted(order) == ["none", "three", "two"]
    options = [android_options(udid, capabilities={"lab:run": "7"}) for udid in order]
    begun = begin(f"http://{hub.host}", options)
    assert granted(begun.driver.capabilities, order) == "three"
    assert begun.driver.capabilities["lab:run"] == "7"
    firsts = hub.asked[0]["capabilities"]["firstMatch"]
    assert [first["appium:udid"] for first in firsts] == order
    begun.connection.close()  # type: ignore[no-untyped-call]


def test_no_phone_is_to_be_had(hub: Hub) -> None:
    with pytest.raises(DeviceLost, match=r"no session: Could not start .* No nodes support"):
        begin(f"http://{hub.host}", [android_options("two"), android_options("four")])


def test_the_phone_that_was_granted_must_be_the_one_that_is_driven(hub: Hub) -> None:
    hub.drives["one"] = "two"
    begun = begin(f"http://{hub.host}", [android_options("one"), android_options("three")])
    with pytest.raises(DeviceLost, match="booked the phone 'one', but Appium drives 'two'"):
        granted(begun.driver.capabilities, ["one", "two"])
    begun.connection.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({}, "does not say which phone"),
        ({"deviceUDID": 1}, "does not say which phone"),
        ({"deviceUDID": "x"}, "'x', which was not asked for"),
        ({"deviceUDID": "a", "udid": "b"}, "booked the phone 'b'"),
    ],
)
def test_what_cannot_be_right(told: dict[str, object], match: str) -> None:
    with pytest.raises(DeviceLost, match=match):
        granted(told, ["a", "b"])


def test_appium_itself_is_a_hub_of_one_phone() -> None:
    assert granted({"deviceUDID": "a", "udid": "a"}, ["a"]) == "a"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "nodes", "slots", "stereotype", "appium:udid", "session", "uri"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(ANY)
def test_any_status_is_read_or_refused(told: Any) -> None:
    try:
        read_status(told)
    except (LookupError, TypeError):
        return
