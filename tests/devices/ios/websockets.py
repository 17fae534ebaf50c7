"""A WebSocket server that says what a test wants, for the client of WebDriver BiDi."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from tests.patience import CAP

Say = Callable[[object], None]
Answer = Callable[[dict[str, object], Say], None]
"""Is called with each message of the client; says whatever it wants to. Raises StopIteration to
hang up."""


@contextmanager
def websocket_server(answer: Answer) -> Iterator[str]:
    """Serve one connection for the length of the block; yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(CAP)
    thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/bidi/1"
    finally:
        listener.close()
        thread.join(CAP)


def _serve(listener: socket.socket, answer: Answer) -> None:
    with suppress(OSError, StopIteration):
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(CAP)
            connection = WSConnection(ConnectionType.SERVER)

            def say(message: object) -> None:
                text = message if isinstance(message, str) else json.dumps(message)
                sock.sendall(connection.send(TextMessage(text)))

            while content := sock.recv(65536):
                connection.receive_data(content)
                for event in connection.events():
                    if isinstance(event, Request):
                        sock.sendall(connection.send(AcceptConnection()))
                    elif isinstance(event, CloseConnection):
                        return
                    elif isinstance(event, TextMessage):
                        answer(json.loads(event.data), say)
