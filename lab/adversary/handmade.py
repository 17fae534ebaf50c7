"""One connection of a server that is made by hand: bytes in, bytes out, no socket, no thread."""

from __future__ import annotations

from collections.abc import Iterator

from tlslite.errors import TLSAbruptCloseError, TLSLocalAlert, TLSRemoteAlert
from tlslite.handshakesettings import HandshakeSettings

from lab.adversary import alerts
from lab.adversary.handmade_server import (
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    HandmadeServer,
    HungUp,
    Memory,
    Version,
    limit,
)
from lab.adversary.track import Track
from lab.model.serving import Terminate
from lab.model.wire import Alert, TlsVersion

_VERSIONS = {TlsVersion.TLS12: TLS12, TlsVersion.TLS13: TLS13}
_NAMES = {SSL3: "SSLv3", TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3"}
_PART = 16 * 1024
_FATAL = 2

# Ciphers in Python: the one that is fastest there comes first.
CIPHERS = ["chacha20-poly1305", "aes128gcm", "aes256gcm", "aes128", "aes256"]


class Handmade:
    """One connection of a handmade server: fed with what comes, asked for what is to be sent."""

    def __init__(
        self,
        server: type[HandmadeServer],
        serving: Terminate,
        versions: tuple[TlsVersion, ...],
        track: Track,
    ) -> None:
        track.served_chain = serving.digests
        self._memory = Memory()
        self._server = server(self._memory, serving, track)
        self._track = track
        self._anomaly = serving.anomaly
        self._plain = bytearray()
        self.over = False
        """Nothing more comes of this connection."""
        self._work = self._serve(serving, tuple(_VERSIONS[v] for v in versions))

    @property
    def piece(self) -> int:
        """Bytes that are to be sent at a time; 0 for as many as there are."""
        return self._server.piece

    def feed(self, data: bytes) -> bytes:
        """Take what the client sent; return what is to be sent to it."""
        self._memory.incoming += data
        return self._go_on()

    def end(self) -> None:
        """The client sends nothing more."""
        self._memory.ended = True
        self._go_on()

    def take(self) -> bytes:
        """Return the application bytes that have come since."""
        plain = bytes(self._plain)
        self._plain.clear()
        return plain

    def say(self, data: bytes) -> bytes:
        """Return application data as it is to be sent."""
        if not self._server.closed:
            for _ in self._server.writeAsync(data):
                pass
        return self._outgoing()

    def farewell(self) -> bytes:
        """Return a close_notify, where the handshake was finished."""
        if not self._server.closed:
            for _ in self._server.closeAsync():
                pass
        return self._outgoing()

    def _go_on(self) -> bytes:
        if not self.over:
            try:
                # tlslite-ng yields 0 for: nothing more to read for now.
                self.over = next((False for wants in self._work if wants == 0), True)
            except TLSRemoteAlert as alert:
                self._alert(alert.level, alert.description, sent_by_client=True)
            except TLSLocalAlert as alert:
                self._alert(alert.level, alert.description, sent_by_client=False)
            except HungUp:
                self.over = True
            except TLSAbruptCloseError:
                self.over = True
            except Exception as error:  # noqa: BLE001 - tlslite-ng asserts what clients may break
                self._track.note = f"not understood: {type(error).__name__}"
                self.over = True
        return self._outgoing()

    def _outgoing(self) -> bytes:
        content = self._server.flight(bytes(self._memory.outgoing))
        self._memory.outgoing.clear()
        self.over = self.over or self._server.hangs_up
        if self._server.done and self._track.anomaly is None:
            self._track.anomaly = self._anomaly
            self._track.changed()
        return content

    def _serve(self, serving: Terminate, versions: tuple[Version, ...]) -> Iterator[int]:
        server = self._server
        settings = HandshakeSettings()
        settings.cipherNames = list(CIPHERS)
        limit(settings, *versions)
        settings.keyShares = ["secp256r1", "x25519"]
        settings.eccCurves = ["secp256r1", "x25519", "secp384r1", "secp521r1"]
        settings.ticket_count = 0
        server.configure(settings)
        alpn = [bytearray(protocol.encode()) for protocol in serving.protocols] or None
        yield from server.handshakeServerAsync(settings=settings, alpn=alpn, **server.options())
        agreed = server.session.appProto
        version = _NAMES[server.version]
        self._track.established(version, bytes(agreed).decode("latin-1") if agreed else None)
        while True:
            for result in server.readAsync(_PART):
                if isinstance(result, int):
                    yield result
                elif not result:
                    return
                else:
                    self._track.plaintext(result)
                    self._plain += result

    def _alert(self, level: int, code: int, *, sent_by_client: bool) -> None:
        self.over = True
        if code != alerts.CLOSE_NOTIFY and self._track.alert is None:
            name = alerts.name_of(code)
            self._track.alert = Alert(code, name, sent_by_client, fatal=level == _FATAL)
