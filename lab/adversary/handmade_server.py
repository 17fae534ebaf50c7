"""TLS servers that are made by hand, with tlslite-ng: for handshakes that OpenSSL will not produce.

What is wrong with each of them is in ``odd_choices`` and ``odd_messages``.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

from tlslite.constants import ExtensionType
from tlslite.handshakesettings import HandshakeSettings
from tlslite.messages import ServerHello
from tlslite.tlsconnection import TLSConnection

from lab.adversary.handmade_keys import message, signing_key
from lab.adversary.track import Track
from lab.model.serving import Terminate

Version = tuple[int, int]
"""As it stands in a record: (3, 3) is TLS 1.2, (3, 4) is TLS 1.3."""

SSL3, TLS10, TLS11, TLS12, TLS13 = ((3, minor) for minor in range(5))
_HANDSHAKE, _CLIENT_HELLO = 22, 1


class HungUp(Exception):
    """The server ends the connection without a word."""


class Memory:
    """What tlslite-ng takes for a socket that does not block."""

    def __init__(self) -> None:
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.ended = False

    def recv(self, size: int) -> bytes:
        if not self.incoming and not self.ended:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing there")
        part = bytes(self.incoming[:size])
        del self.incoming[:size]
        return part

    def send(self, data: bytes) -> int:
        self.outgoing += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.outgoing += data

    def close(self) -> None:
        """Nothing is held."""


class HandmadeServer(TLSConnection):
    """A server that can be wrong: a subclass overrides one of the methods without underscore.

    It is a correct server itself. ``done`` tells whether what is wrong with it went out.
    """

    piece = 0
    """Bytes that are sent at a time; 0 for as many as there are."""
    record = 0
    """Bytes of a handshake message in one record; 0 for as many as there are."""
    hangs_up = False
    """Whether the connection ends behind what is sent now."""

    def __init__(self, memory: Memory, serving: Terminate, track: Track) -> None:
        super().__init__(memory)
        self.serving = serving
        self.track = track
        self.done = False
        self._whole = self.recordSize
        self._random = b""
        self._tell_secrets()

    # -- what a subclass overrides ----------------------------------------------------------

    def configure(self, settings: HandshakeSettings) -> None:
        """Change what is negotiated."""

    def options(self) -> dict[str, Any]:
        """Return the arguments of the handshake."""
        key = signing_key(self.serving.key)
        return {"certChain": message(self.serving.chain, key), "privateKey": key}

    def heard(self, hello: Any) -> Iterator[int]:
        """Take note of the ClientHello, or change what will be believed that it says.

        What is yielded is for the transport, as tlslite-ng's own generators do. Raises HungUp.
        """
        yield from ()

    def say(self, said: Any) -> Iterator[Any]:
        """Yield what is sent in place of the message ``said``."""
        yield said

    def flight(self, content: bytes) -> bytes:
        """Return what is sent of the bytes ``content``."""
        return content

    # -- where tlslite-ng comes through -----------------------------------------------------

    def _tell_secrets(self) -> None:
        """Keep what decrypts the connection, as OpenSSL tells it (the format of NSS's key log):
        tlslite-ng has no word for it, and hands it to its record layer alone."""
        records: Any = self._recordLayer
        new, old = records.calcTLS1_3PendingState, records.calcPendingStates
        stages = iter(("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0"))

        def told(suite: int, client: bytes, server: bytes, *more: Any) -> Any:
            stage = next(stages, None)
            if stage is not None:
                self._note_secret(f"CLIENT_{stage}", client)
                self._note_secret(f"SERVER_{stage}", server)
            return new(suite, client, server, *more)

        def told_before(suite: int, master: bytes, random: bytes, *more: Any) -> Any:
            self._random = bytes(random)
            self._note_secret("CLIENT_RANDOM", master)
            return old(suite, master, random, *more)

        records.calcTLS1_3PendingState, records.calcPendingStates = told, told_before

    def _note_secret(self, label: str, secret: bytes) -> None:
        line = f"{label} {self._random.hex()} {bytes(secret).hex()}"
        self.track.secrets.append(line.encode())

    def _sendMsg(self, msg: Any, *args: Any, **options: Any) -> Iterator[int]:  # noqa: N802
        for said in self.say(msg):
            # An alert of two records is none; a ChangeCipherSpec is a byte anyhow.
            if self.record and said.contentType == _HANDSHAKE:
                self.recordSize = self.record
            yield from super()._sendMsg(said, *args, **options)
            self.recordSize = self._whole

    def _queue_message(self, msg: Any) -> None:
        for said in self.say(msg):
            super()._queue_message(said)

    def _getMsg(self, expected: Any, second: Any = None, kind: Any = None) -> Iterator[Any]:  # noqa: N802
        for result in super()._getMsg(expected, second, kind):
            if getattr(result, "handshakeType", None) == _CLIENT_HELLO:
                self._random = bytes(result.random)
                if not self.serving.protocols:
                    without(result, ExtensionType.alpn)
                yield from self.heard(result)
            yield result


class OddServer(HandmadeServer):
    """Says something else in place of one kind of message."""

    spoilt: type | tuple[type, ...] = ServerHello

    def say(self, said: Any) -> Iterator[Any]:
        if isinstance(said, self.spoilt):
            self.done = True
            yield from self.spoil(said)
        else:
            yield said

    def spoil(self, said: Any) -> Iterator[Any]:
        """Yield what is sent in place of ``said``, a message of the kind ``spoilt``."""
        yield said


def without(hello: Any, kind: int) -> None:
    """Do not know an extension, as a server that is older than it."""
    if hello.extensions is not None:
        hello.extensions = [e for e in hello.extensions if e.extType != kind]


def limit(settings: HandshakeSettings, *versions: Version) -> None:
    """Speak ``versions`` alone, and older ones as servers of their time did."""
    settings.versions = sorted(versions, reverse=True)
    settings.minVersion, settings.maxVersion = min(versions), max(versions)
    if settings.maxVersion < TLS12:
        settings.cipherNames, settings.macNames = ["aes128", "aes256"], ["sha"]
