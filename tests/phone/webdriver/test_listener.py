from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection

import pytest

from lab.phone.webdriver.listener import (
    MAX_BODY,
    MAX_CONNECTIONS,
    Answer,
    Listener,
    Request,
)
from lab.phone.webdriver.protocol import W3C
from tests.patience import CAP, LONG, eventually, not_waiting

Start = Callable[..., Listener]


def echo(request: Request) -> Answer:
    said = {"method": request.method, "target": request.target, "length": len(request.body)}
    return Answer(200, json.dumps(said).encode())


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def started(
            respond: Callable[[Request], Answer] = echo, request_cap: float = CAP
        ) -> Listener:
            listener = Listener(respond, W3C.refusal, request_cap=request_cap)
            stack.callback(listener.close)
            return listener

        yield started


def connect(listener: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", listener.port), timeout=CAP)


def answer_to(listener: Listener, sent: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes on a connection of their own; return status and body of the answer."""
    with connect(listener) as sock:
        sock.sendall(sent)
        received = b""
        while part := sock.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["value"]


def test_requests_on_one_connection(start: Start) -> None:
    listener = start()
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)
    for number in range(3):
        connection.request("POST", f"/a/{number}", b"x" * number)
        response = connection.getresponse()
        assert response.getheader("Content-Type") == "application/json; charset=utf-8"
        assert response.getheader("Cache-Control") == "no-cache"
        assert json.load(response) == {"method": "POST", "target": f"/a/{number}", "length": number}
    connection.close()


def test_pipelined_chunked_and_old_requests(start: Start) -> None:
    listener = start()
    with connect(listener) as sock:
        sock.sendall(
            b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
            b"POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n"
            b"GET /three HTTP/1.0\r\n\r\n"
        )
        received = b""
        while part := sock.recv(65536):
            received += part
    bodies = [json.loads(part.split(b"}")[0] + b"}") for part in received.split(b"\r\n\r\n")[1:]]
    assert [(body["target"], body["length"]) for body in bodies] == [
        ("/one", 0),
        ("/two", 3),
        ("/three", 0),
    ]


def test_a_client_that_asks_whether_to_go_on_is_told_to(start: Start) -> None:
    with connect(start()) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sock.recv(1000).startswith(b"HTTP/1.1 100")
        sock.sendall(b"ab")
        assert b'"length": 2' in sock.recv(1000)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01\x02\x03\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused_in_so_many_words(
    start: Start, sent: bytes, status: int
) -> None:
    found, value = answer_to(start(), sent)
    assert found == status
    assert value["error"] == "invalid argument"
    assert "not an HTTP request" in str(value["message"])


def test_a_body_that_is_too_long_is_refused_while_it_is_still_being_sent(start: Start) -> None:
    listener = start()
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)
    # The refusal comes before the end: that the sending breaks off then is nobody's fault.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.phone.webdriver.listener.MAX_BODY", 100_000)
        with suppress(OSError):
            connection.request("POST", "/", bytes(3_000_000))
        response = connection.getresponse()
        assert response.status == 413
        assert "longer than 100000 bytes" in response.read().decode()
    connection.close()


def test_ten_megabytes_are_taken(start: Start) -> None:
    listener = start()
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)
    assert MAX_BODY > 10_000_000
    connection.request("POST", "/", bytes(10_000_000))
    assert json.load(connection.getresponse())["length"] == 10_000_000
    connection.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Le"])
def test_a_request_that_does_not_come_is_refused(start: Start, sent: bytes) -> None:
    status, value = answer_to(start(request_cap=0.2), sent)
    assert (status, value["message"]) == (408, "no request within 0.2 seconds")


def test_dribbling_does_not_buy_time(start: Start) -> None:
    listener = start(request_cap=0.3)
    with connect(listener) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        sock.settimeout(0.05)
        for _ in range(200):
            try:
                sock.sendall(b"X-A: b\r\n")
                received = sock.recv(100)
            except TimeoutError:
                continue
            except OSError:
                return
            assert received.startswith(b"HTTP/1.1 408")
            return
    pytest.fail("so slow a request was waited for")


def test_between_two_requests_there_is_no_hurry(start: Start) -> None:
    listener = start(request_cap=1.0)
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)
    for pause in (0.0, 1.2):
        threading.Event().wait(pause)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.status == 200
        assert response.read()
    connection.close()


def test_a_client_that_leaves_in_the_middle_harms_nobody(start: Start) -> None:
    listener = start()
    for sent in (b"", b"GET", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"):
        with connect(listener) as sock:
            sock.sendall(sent)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)
    connection.request("GET", "/still")
    assert json.load(connection.getresponse())["target"] == "/still"
    connection.close()


def test_more_connections_than_it_takes_are_closed_at_once(start: Start) -> None:
    listener = start()
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(connect(listener))
        one_more = stack.enter_context(connect(listener))
        assert one_more.recv(1) == b""
        stack.close()
    connection = HTTPConnection("127.0.0.1", listener.port, timeout=CAP)

    def is_served() -> bool:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            connection.close()
            return False

    # The others take a moment to be noticed as gone.
    assert eventually(is_served)
    connection.close()


def test_closing_ends_what_is_open_and_frees_the_port(start: Start) -> None:
    entered, opened = threading.Event(), threading.Event()

    def slow(request: Request) -> Answer:
        entered.set()
        opened.wait(LONG)
        return echo(request)

    listener = start(slow)
    with connect(listener) as idle, connect(listener) as busy:
        busy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert entered.wait(CAP)
        with not_waiting():
            listener.close()
        assert idle.recv(1) == busy.recv(1) == b""
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            connect(listener)
        opened.set()


def test_answers_are_not_held_back(start: Start) -> None:
    listener = start()
    with connect(listener) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(1)
        (served,) = listener._connections._open
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_is_reached_from_this_machine_alone(start: Start) -> None:
    listener = start()
    assert listener._socket.getsockname()[0] == "127.0.0.1"
