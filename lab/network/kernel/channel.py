"""The line to the process that holds a namespace (``lab.network.kernel.broker``)."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any

Socket = socket.socket

CAP = 10.0
"""Seconds that an answer may take."""
MAX_ANSWER = 4096


class Gone(OSError):
    """The process that holds the namespace does not answer any more."""


class Channel:
    """Asks for things inside of a namespace. May be used from any thread, and in another process
    than the one that made the namespace."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._line.settimeout(CAP)
        self._lock = threading.Lock()

    def socket(self, family: int, type: int, proto: int = 0) -> Socket:
        """Return a socket that was made inside the namespace, and stays there whoever uses it.

        Raises OSError as making a socket does.
        """
        answer, descriptors = self._ask(
            {"ask": "socket", "family": int(family), "type": int(type), "proto": proto}
        )
        if "error" in answer or len(descriptors) != 1:
            raise OSError(answer.get("number"), answer.get("error", "no socket came"))
        return socket.socket(family, type, proto, fileno=descriptors[0])

    def ip(self, lines: Sequence[str]) -> None:
        """Let the program ``ip`` carry out ``lines`` inside the namespace, up to the first that
        fails. Raises OSError with its complaint."""
        answer, _ = self._ask({"ask": "ip", "lines": list(lines)})
        if "error" in answer:
            raise OSError(answer["error"])

    def cut(self) -> None:
        """End every TCP connection in the namespace, at both of its ends. Raises OSError."""
        answer, _ = self._ask({"ask": "cut"})
        if "error" in answer:
            raise OSError(answer["error"])

    def share(self) -> Socket:
        """Return one more line, for another process. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._ask({"ask": "share"}, theirs)
            except BaseException:
                ours.close()
                raise
        return ours

    def first_answer(self) -> dict[str, Any]:
        """Return what is said without a question: how it started."""
        return self._receive()[0]

    def close(self) -> None:
        """End the line; where it is the first one, the namespace goes with it."""
        self._line.close()

    def _ask(
        self, request: dict[str, object], given: Socket | None = None
    ) -> tuple[dict[str, Any], list[int]]:
        packet = json.dumps(request).encode()
        with self._lock:
            try:
                if given is None:
                    self._line.send(packet)
                else:
                    socket.send_fds(self._line, [packet], [given.fileno()])
            except OSError as error:
                raise Gone(f"the namespace is gone: {error}") from None
            return self._receive()

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._line, MAX_ANSWER, 1)
        except OSError as error:
            raise Gone(f"the namespace is gone: {error}") from None
        if not packet:
            raise Gone("the namespace is gone")
        answer: dict[str, Any] = json.loads(packet)
        return answer, descriptors
