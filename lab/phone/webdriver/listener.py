"""A small HTTP/1.1 server, on the loopback interface or on sockets that it is handed. Everything
about it is bounded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import h11

MAX_HEAD = 16 * 1024
"""Bytes of a request's head."""
MAX_BODY = 12 * 1024 * 1024
"""Bytes of a request's body: the largest file of the phone in base64, and a little more."""
REQUEST_CAP = 10.0
"""Seconds in which a request must have arrived, from its first byte on; for the first request,
from the connection on. Between two requests a client may take as long as it likes."""
SEND_CAP = 10.0
"""Seconds in which an answer must have been taken."""
LINGER = 1.0
"""Seconds to go on reading after a refusal, so that it is not lost in a reset."""
MAX_CONNECTIONS = 200
END_CAP = 0.3
"""Seconds to wait for the threads on closing; what still works then is left alone."""

_PART = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole."""

    method: str
    target: str
    """As it stands in the request line."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; the body is JSON."""

    status: int
    body: bytes
    then: Callable[[], None] | None = None
    """What to do once it has been sent."""


Respond = Callable[[Request], Answer]
"""Answers a request; called in a thread of the connection. Raises nothing."""
Refuse = Callable[[int, str], Answer]
"""Makes the answer to what is no request: called with the HTTP status and the reason."""


class Connections:
    """Serves the sockets that it is handed until closed; one thread for each."""

    def __init__(
        self, respond: Respond, refuse: Refuse, *, request_cap: float = REQUEST_CAP
    ) -> None:
        self._respond = respond
        self._refuse = refuse
        self._request_cap = request_cap
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._closed = False

    def take(self, sock: socket.socket) -> bool:
        """Serve ``sock``, and close it in the end. False where it was closed at once: there are
        too many, or all has been closed."""
        thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
        with self._lock:
            welcome = not self._closed and len(self._open) < MAX_CONNECTIONS
            if welcome:
                self._open[sock] = thread
                # Under the lock: whoever closes waits for threads that have been started.
                thread.start()
        if not welcome:
            sock.close()
        return welcome

    def close(self, patience: float = END_CAP) -> None:
        """End every connection, and wait ``patience`` seconds at most for their threads; the one
        that calls this is not waited for. May be repeated."""
        with self._lock:
            self._closed = True
            open_ones = list(self._open.items())
        for sock, _ in open_ones:
            with suppress(OSError):
                # Closing would not wake the thread that waits on it; shutting down does.
                sock.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + patience
        for _, thread in open_ones:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self, sock: socket.socket) -> None:
        try:
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Connection(sock, self._request_cap).serve(self._respond, self._refuse)
        except (OSError, h11.LocalProtocolError):
            # The client is gone, or has broken the protocol beyond any answer.
            return
        finally:
            with self._lock:
                self._open.pop(sock, None)
            sock.close()


class Listener:
    """Listens on a free port of 127.0.0.1, or at an ``address`` of one's choice, until closed.
    Raises OSError where that is not to be had."""

    def __init__(
        self,
        respond: Respond,
        refuse: Refuse,
        *,
        request_cap: float = REQUEST_CAP,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self._connections = Connections(respond, refuse, request_cap=request_cap)
        self._closed = False
        self._socket = socket.create_server(address, backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="listener", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connections.close()
        self._accepting.join(END_CAP)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                continue
            self._connections.take(sock)


class _Refused(Exception):
    """What came is answered with this status, and the connection ends."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Connection:
    def __init__(self, sock: socket.socket, request_cap: float) -> None:
        self._sock = sock
        self._request_cap = request_cap
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._deadline: float | None = time.monotonic() + request_cap

    def serve(self, respond: Respond, refuse: Refuse) -> None:
        """Answer requests until the client leaves. Raises OSError where it is gone."""
        try:
            while (request := self._request()) is not None:
                self._answer(respond(request))
                if self._http.our_state is h11.MUST_CLOSE:
                    return
                self._http.start_next_cycle()
                self._deadline = None
        except _Refused as refused:
            self._last_words(refuse(refused.status, str(refused)))

    def _request(self) -> Request | None:
        """Return the next request, None where the client has left."""
        try:
            event = self._event()
            if isinstance(event, h11.ConnectionClosed):
                return None
            assert isinstance(event, h11.Request)
            body = bytearray()
            while not isinstance(part := self._event(), h11.EndOfMessage):
                if not isinstance(part, h11.Data):
                    raise _Refused(400, "the request breaks off")
                body += part.data
                if len(body) > MAX_BODY:
                    raise _Refused(413, f"the body is longer than {MAX_BODY} bytes")
        except h11.RemoteProtocolError as error:
            raise _Refused(error.error_status_hint, f"not an HTTP request: {error}") from None
        except TimeoutError:
            raise _Refused(408, f"no request within {self._request_cap:g} seconds") from None
        method, target = event.method.decode("ascii"), event.target.decode("ascii")
        return Request(method, target, bytes(body))

    def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._sock.sendall(self._http.send(go_on) or b"")
            self._sock.settimeout(self._left())
            self._http.receive_data(self._sock.recv(_PART))
            if self._deadline is None:
                self._deadline = time.monotonic() + self._request_cap
        return event

    def _left(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _answer(self, answer: Answer) -> None:
        try:
            self._send(answer)
        finally:
            if answer.then is not None:
                answer.then()

    def _send(self, answer: Answer) -> None:
        head = h11.Response(
            status_code=answer.status,
            headers=[
                ("Content-Type", "application/json; charset=utf-8"),
                ("Cache-Control", "no-cache"),
                ("Content-Length", str(len(answer.body))),
            ],
        )
        parts = (head, h11.Data(data=answer.body), h11.EndOfMessage())
        self._sock.settimeout(SEND_CAP)
        # In one piece: a client that reads it in two waits twice.
        self._sock.sendall(b"".join(self._http.send(part) or b"" for part in parts))

    def _last_words(self, answer: Answer) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        self._send(answer)
        deadline = time.monotonic() + LINGER
        self._sock.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            self._sock.settimeout(left)
            if not self._sock.recv(_PART):
                return
