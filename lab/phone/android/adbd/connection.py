"""One connection of an adb server or library: its greeting, its streams, its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from lab.phone.android.adbd.auth import TOKEN_SIZE, AuthorizedKeys, KeyPolicy
from lab.phone.android.adbd.limits import Limits
from lab.phone.android.adbd.messages import (
    MAX_DATA,
    MAX_DATA_OLD,
    VERSION,
    VERSION_OLD,
    Kind,
    Message,
    ProtocolBroken,
)
from lab.phone.android.adbd.stream import Stream, StreamClosed
from lab.phone.android.adbd.wire import Wire
from lab.phone.files import FileError

_TOKEN, _SIGNATURE, _PUBLIC_KEY = 1, 2, 3
"""First argument of AUTH."""


class Service(Protocol):
    """What answers on a stream, in a thread of its own. Raises StreamClosed."""

    def __call__(self, stream: Stream) -> None:
        """Accept the stream, serve it, return when done; it is closed then. One that returns
        without having accepted has refused it."""


Find = Callable[["Connection", str], Service | None]
"""Returns what an OPEN asks for, None where the phone has no such thing."""


class Connection:
    """Serves one connection until it ends; ``run`` does all of it, in one thread.

    ``banner`` gives what the phone says of itself, ``find`` what an OPEN asks for; ``say`` takes
    lines for the phone's log. They may be called from any thread.
    """

    def __init__(
        self,
        wire: Wire,
        number: int,
        *,
        banner: Callable[[], bytes],
        keys: AuthorizedKeys,
        policy: KeyPolicy,
        find: Find,
        say: Callable[[str], None],
        limits: Limits,
    ) -> None:
        self.number = number
        self._wire = wire
        self._banner = banner
        self._keys = keys
        self._policy = policy
        self._find = find
        self._say = say
        self._limits = limits
        self._max_data = MAX_DATA_OLD
        self._lock = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._threads: set[threading.Thread] = set()
        self._at_end: list[Callable[[], None]] = []
        self._last_id = 0
        self._ended = False

    def run(self) -> None:
        """Serve until the connection ends. Raises nothing."""
        try:
            self._greet()
            while True:
                self._take(self._wire.receive(None))
        except ProtocolBroken as error:
            self._say(f"connection {self.number}: {error}; closed")
        except TimeoutError as error:
            self._say(f"connection {self.number}: {error}; closed")
        except (OSError, EOFError):
            self._say(f"connection {self.number} has ended")
        finally:
            self._tidy()

    def end(self) -> None:
        """End the connection, from any thread."""
        self._wire.end()

    def join(self, deadline: float) -> None:
        """Wait for the threads of its services, until ``deadline`` at most."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def open(self, service: str) -> Stream | None:
        """Open a stream to a service of the peer; None where it refuses."""
        with self._lock:
            if self._ended or len(self._streams) >= self._limits.streams:
                return None
            stream = self._new_stream(0)
        self._send(Message(Kind.OPEN, stream.local, 0, service.encode() + b"\0"))
        if stream.opened(self._limits.accept):
            return stream
        self._forget(stream)
        return None

    def start(self, stream: Stream, service: Service) -> None:
        """Serve a stream in a thread of its own."""
        thread = threading.Thread(
            target=self._serve, args=(service, stream), name="adbd stream", daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def on_end(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when the connection ends, at once where it has."""
        with self._lock:
            ended = self._ended
            self._at_end.append(call)
        if ended:
            call()

    def _greet(self) -> None:
        hello = self._wire.receive(time.monotonic() + self._limits.greeting)
        if hello.kind is not Kind.CNXN:
            raise ProtocolBroken(f"{hello.kind.name} before CNXN")
        if hello.arg0 < VERSION_OLD or hello.arg1 < 1:
            raise ProtocolBroken("CNXN of no version that there is")
        if self._policy is not KeyPolicy.OPEN:
            self._authenticate()
        version = min(hello.arg0, VERSION)
        self._max_data = min(hello.arg1, MAX_DATA)
        self._send(Message(Kind.CNXN, version, MAX_DATA, self._banner()))
        self._wire.with_checksums = self._wire.decoder.checked = version < VERSION
        self._wire.decoder.limit = MAX_DATA

    def _authenticate(self) -> None:
        for _ in range(self._limits.tokens):
            token = os.urandom(TOKEN_SIZE)
            self._send(Message(Kind.AUTH, _TOKEN, 0, token))
            answer = self._wire.receive(time.monotonic() + self._limits.greeting)
            if answer.kind is not Kind.AUTH:
                raise ProtocolBroken(f"{answer.kind.name} instead of AUTH")
            if answer.arg0 == _SIGNATURE:
                if self._keys.has_signed(token, answer.payload):
                    return
            elif answer.arg0 == _PUBLIC_KEY:
                self._offered(answer.payload)
                return
            else:
                raise ProtocolBroken(f"AUTH of kind {answer.arg0}")
        raise ProtocolBroken("too many signatures that nobody here knows")

    def _offered(self, line: bytes) -> None:
        """Decide about a key. Raises ProtocolBroken, EOFError, OSError where it is refused."""
        if self._policy is KeyPolicy.ACCEPT:
            try:
                self._keys.accept(line)
            except (ValueError, FileError) as error:
                raise ProtocolBroken(str(error)) from None
            return
        self._say(f"connection {self.number}: a key that is not accepted")
        # As on a phone whose user does not tap: nothing is said, and nothing else is taken.
        self._wire.receive(time.monotonic() + self._limits.consent)
        raise ProtocolBroken("a message after a key that is not accepted")

    def _take(self, message: Message) -> None:
        """Carry out one message. Raises ProtocolBroken."""
        if message.kind is Kind.OPEN:
            self._opened(message)
            return
        if message.kind in (Kind.CNXN, Kind.AUTH):
            raise ProtocolBroken(f"a second {message.kind.name}")
        with self._lock:
            stream = self._streams.get(message.arg1)
        if stream is None or stream.remote not in (0, message.arg0):
            # Streams end on both sides at once, and what was on its way is nobody's any more.
            return
        if message.kind is Kind.WRTE:
            stream.deliver(message.payload)
            with self._lock:
                unread = sum(stream.held for stream in self._streams.values())
            if unread > self._limits.unread:
                raise ProtocolBroken(f"{unread} bytes that nobody has read")
        elif message.kind is Kind.OKAY:
            stream.acknowledge(message.arg0)
        else:
            with self._lock:
                self._streams.pop(stream.local, None)
            stream.hang_up()

    def _opened(self, message: Message) -> None:
        if message.arg0 == 0 or message.arg1 != 0:
            raise ProtocolBroken("OPEN without an id")
        name = _service_name(message.payload)
        service = self._find(self, name)
        if service is None:
            self._say(f"connection {self.number}: no service {name[:100]!r}")
            self._send(Message(Kind.CLSE, 0, message.arg0))
            return
        with self._lock:
            if len(self._streams) >= self._limits.streams:
                raise ProtocolBroken(f"more than {self._limits.streams} streams")
            stream = self._new_stream(message.arg0)
        self.start(stream, service)

    def _new_stream(self, remote: int) -> Stream:
        self._last_id = self._last_id % 0xFFFFFFFF + 1
        stream = Stream(self._last_id, remote, self._max_data, self._send)
        self._streams[stream.local] = stream
        return stream

    def _serve(self, service: Service, stream: Stream) -> None:
        try:
            with suppress(StreamClosed):
                service(stream)
        finally:
            self._forget(stream)
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _forget(self, stream: Stream) -> None:
        """Close a stream that nobody serves any more."""
        # It has to be found until then: closing waits for the last acknowledgement.
        stream.close()
        with self._lock:
            self._streams.pop(stream.local, None)

    def _send(self, message: Message) -> None:
        try:
            self._wire.send(message)
        except OSError as error:
            if isinstance(error, TimeoutError):
                self._say(f"connection {self.number}: {error}; closed")
            # Whoever receives notices it, too, and tidies up.
            self._wire.end()

    def _tidy(self) -> None:
        self._wire.end()
        with self._lock:
            self._ended = True
            streams = list(self._streams.values())
            self._streams.clear()
            calls = list(self._at_end)
        for stream in streams:
            stream.hang_up()
        for call in calls:
            call()
        self._wire.close()


def _service_name(payload: bytes) -> str:
    """Read what an OPEN asks for. Raises ProtocolBroken."""
    name, _, rest = payload.partition(b"\0")
    if rest.strip(b"\0"):
        raise ProtocolBroken("OPEN of a name with a NUL in it")
    return name.decode("utf-8", "replace")
