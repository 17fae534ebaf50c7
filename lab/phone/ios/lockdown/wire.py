"""A connection to the phone: bytes with limits, and TLS that begins, and ends, in the middle."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from OpenSSL import SSL

from lab.phone.ios.lockdown.limits import Limits
from lab.phone.tls import outgoing

_PART = 64 * 1024
_RECORD_HEADER = 5
"""Bytes; the last two are the length of what follows."""


class TlsFailed(OSError):
    """TLS could not begin, or was broken."""


class Wire:
    """Receives in one thread, sends from any. Owns ``sock``.

    Methods raise OSError where the connection is lost, TimeoutError and TlsFailed included, and
    EOFError where it has ended.
    """

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.limits = limits
        self._sock = sock
        self._arrived = bytearray()
        self._tls: SSL.Connection | None = None
        self._lock = threading.RLock()
        # It stays in blocking mode, as one mode holds for both directions: each call says for
        # itself that it must not block, and waits in a poll of its own.
        sock.settimeout(None)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, size: int, cap: float | None) -> bytes:
        """Return the next ``size`` bytes, which have come within ``cap`` seconds; None waits
        until they come or the connection ends."""
        deadline = None if cap is None else time.monotonic() + cap
        while (missing := size - len(self._arrived)) > 0:
            self._arrived += self._next(deadline, missing)
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    def ended(self) -> bool:
        """Tell, without waiting, whether the peer has left. What it sent is kept."""
        try:
            while self._readable(0):
                if len(self._arrived) > self.limits.service_request:
                    return True
                self._arrived += self._next(time.monotonic() + self.limits.message, _PART)
        except (OSError, EOFError):
            return True
        return False

    def send(self, content: bytes) -> None:
        """Send all of ``content``."""
        with self._lock:
            if self._tls is None:
                self._push(content)
                return
            for start in range(0, len(content), _PART):
                try:
                    self._tls.sendall(content[start : start + _PART])
                except SSL.Error as error:
                    raise _failure(error) from None
                self._push(outgoing(self._tls))

    def secure(self, context: SSL.Context, cap: float) -> None:
        """Begin TLS as the server; it is done within ``cap`` seconds."""
        tls = SSL.Connection(context, None)
        tls.set_accept_state()
        self._shake(tls, tls.do_handshake, self._raw, cap)
        self._tls = tls

    def unsecure(self, cap: float) -> None:
        """End TLS, once the peer does so, too, and go on without."""
        tls = self._tls
        if tls is not None:
            # The first call sends a close_notify, the next ones wait for the peer's.
            tls.shutdown()
            self._shake(tls, lambda: _until_ended(tls), self._record, cap)
            self._tls = None

    def release(self) -> socket.socket:
        """Give the socket to somebody else, who owns it from now on. Nothing that came behind the
        last message has been taken from it."""
        return self._sock

    def end(self) -> None:
        """End the connection, from any thread; whoever waits on it is woken. May be repeated."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and let go of the socket. May be repeated."""
        with self._lock, suppress(OSError, SSL.Error):
            if self._tls is not None:
                # It sends a close_notify, and does not wait for the peer's.
                self._tls.shutdown()
                content = outgoing(self._tls)
                self._sock.send(content, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        self.end()
        with self._lock:
            self._sock.close()

    def _next(self, deadline: float | None, missing: int) -> bytes:
        tls = self._tls
        if tls is None:
            # No more than that: what comes behind it may be for somebody else.
            return self._raw(deadline, min(missing, _PART))
        while True:
            with self._lock:
                part = _read(tls)
                # Answers to key updates must not wait for the next message.
                self._push(outgoing(tls))
            if part is not None:
                return part
            raw = self._raw(deadline)
            with self._lock:
                tls.bio_write(raw)

    def _shake(
        self,
        tls: SSL.Connection,
        step: Callable[[], None],
        more: Callable[[float], bytes],
        cap: float,
    ) -> None:
        """Repeat ``step`` with what ``more`` returns until it is done."""
        deadline = time.monotonic() + cap
        while True:
            try:
                step()
            except SSL.WantReadError:
                self._push(outgoing(tls))
                tls.bio_write(more(deadline))
            except SSL.Error as error:
                with suppress(OSError):
                    # The peer learns why from the alert.
                    self._push(outgoing(tls))
                raise _failure(error) from None
            else:
                self._push(outgoing(tls))
                return

    def _record(self, deadline: float) -> bytes:
        """Return one record of TLS (RFC 8446 section 5.1). Behind the last one there is none."""
        header = self._exactly(_RECORD_HEADER, deadline)
        return header + self._exactly(int.from_bytes(header[-2:], "big"), deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        content = b""
        while len(content) < size:
            content += self._raw(deadline, size - len(content))
        return content

    def _raw(self, deadline: float | None, size: int = _PART) -> bytes:
        while True:
            self._wait(select.POLLIN, deadline)
            try:
                part = self._sock.recv(size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            if not part:
                raise EOFError
            return part

    def _push(self, content: bytes) -> None:
        waiting, deadline = memoryview(content), time.monotonic() + self.limits.message
        while waiting:
            try:
                sent = self._sock.send(waiting, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)
            else:
                waiting = waiting[sent:]

    def _readable(self, cap: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor(), select.POLLIN)
        return bool(poll.poll(cap * 1000))

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._descriptor(), event)
        left = None if deadline is None else max(deadline - time.monotonic(), 0) * 1000
        if not poll.poll(left):
            raise TimeoutError("the peer took too long")

    def _descriptor(self) -> int:
        descriptor = self._sock.fileno()
        if descriptor < 0:
            raise OSError("the connection has been closed")
        return descriptor


def _read(tls: SSL.Connection) -> bytes | None:
    """Return what has been decrypted; None where the peer must send more first. Raises TlsFailed,
    EOFError."""
    try:
        return tls.recv(_PART)
    except SSL.WantReadError:
        return None
    except SSL.ZeroReturnError:
        raise EOFError from None
    except SSL.Error as error:
        raise _failure(error) from None


def _until_ended(tls: SSL.Connection) -> None:
    """Drop what the peer still sends until it ends TLS. Raises SSL.WantReadError until then."""
    try:
        while True:
            tls.recv(_PART)
    except SSL.ZeroReturnError:
        return


def _failure(error: SSL.Error) -> TlsFailed:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    words = "; ".join(str(reason[-1]) for reason in reasons if reason) or type(error).__name__
    return TlsFailed(f"TLS: {words}")
