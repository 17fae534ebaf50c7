"""A TLS client written in Python (tlslite-ng), for clients whose TLS library is what is wrong.

As it stands here it is right, like the platform's: it validates, and refuses what that refuses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from OpenSSL import crypto
from tlslite.constants import AlertDescription, ContentType, ECPointFormat, HandshakeType
from tlslite.errors import BaseTLSException, TLSAbruptCloseError
from tlslite.handshakesettings import HandshakeSettings
from tlslite.tlsconnection import TLSConnection

from lab.phone.link import Link
from lab.phone.services import ConnectionLost, SslHandshakeError, SslProtocolError
from lab.phone.tls import HTTP2, HTTP11
from lab.phone.verify import Judge

TLS10, TLS11, TLS12, TLS13 = ((3, minor) for minor in range(1, 5))
_PART = 16 * 1024
_UNRECOGNIZED_NAME = bytes([1, 112])
"""A warning, which says nothing of the certificate (RFC 6066 section 3)."""


class _Socket:
    """What tlslite-ng takes for a socket, over a link with its limits."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.received = 0
        """How many pieces came."""

    def recv(self, _size: int) -> bytes:
        self.received += 1
        return self._link.receive(self._link.patience.step())

    def send(self, content: bytes) -> int:
        self._link.send(bytes(content), self._link.patience.step())
        return len(content)

    def sendall(self, content: bytes) -> None:
        self.send(content)

    def close(self) -> None:
        """The link is closed by who owns it."""


class Stack(TLSConnection):
    """A TLS client. One that is wrong overrides one of the methods without underscore."""

    def __init__(self, link: Link) -> None:
        self.socket = _Socket(link)
        super().__init__(self.socket)
        # The link is closed by its owner.
        self.closeSocket = False
        self.hello: Any = None
        """The ClientHello that was sent."""

    def configure(self, settings: HandshakeSettings) -> None:
        """Change what is offered and what is taken."""

    def greet(self, hello: Any) -> None:
        """Change the ClientHello that is about to be sent."""

    def heard(self, message: Any) -> None:
        """Take note of a message of the server's, or change what will be believed that it says."""

    def agree(self, protocol: str) -> None:
        """Decide whether to go on with the application protocol that was agreed on; empty for
        none. Raises SslProtocolError."""
        if protocol not in (HTTP2, HTTP11, ""):
            raise SslProtocolError(f"The server chose {protocol}, which was not offered")

    def ignores(self, kind: int, content: bytes) -> bool:
        """Tell whether a record is passed over as if it had not come."""
        return kind == ContentType.alert and content == _UNRECOGNIZED_NAME

    def shake_hands(self, host: str) -> None:
        """Do the handshake. Raises PlatformError."""
        settings = HandshakeSettings()
        settings.minVersion, settings.versions = TLS12, [TLS13, TLS12]
        settings.cipherNames = ["chacha20-poly1305", "aes128gcm", "aes256gcm", "aes128", "aes256"]
        settings.keyExchangeNames = ["ecdhe_ecdsa", "ecdhe_rsa", "rsa"]
        settings.eccCurves = ["secp256r1", "x25519", "secp384r1", "secp521r1"]
        settings.keyShares = ["secp256r1"]
        # Without the brainpool schemes, which it offers and does not take.
        settings.more_sig_schemes = ["Ed25519"]
        settings.ec_point_formats = [ECPointFormat.uncompressed]
        settings.use_heartbeat_extension = False
        self.configure(settings)
        protocols = [bytearray(protocol.encode()) for protocol in (HTTP2, HTTP11)]
        with _told_apart():
            self.handshakeClientCert(settings=settings, serverName=host, alpn=protocols)
        agreed = self.session.appProto
        self.agree(bytes(agreed).decode("latin-1") if agreed else "")

    # -- where tlslite-ng comes through -----------------------------------------------------

    def _sendMsg(self, msg: Any, *args: Any, **options: Any) -> Iterator[int]:  # noqa: N802
        if getattr(msg, "handshakeType", None) == HandshakeType.client_hello:
            self.hello = msg
            self.greet(msg)
        yield from super()._sendMsg(msg, *args, **options)

    def _getMsg(self, *expected: Any) -> Iterator[Any]:  # noqa: N802
        for result in super()._getMsg(*expected):
            if not isinstance(result, int):
                self.heard(result)
            yield result

    def _getNextRecord(self) -> Iterator[Any]:  # noqa: N802
        while True:
            for result in super()._getNextRecord():
                if isinstance(result, int):
                    yield result
                    continue
                header, parser = result
                if self.ignores(header.type, bytes(parser.bytes)):
                    break
                yield result


class OwnTls:
    """A connection of a ``Stack``, as the HTTP client takes it. Owns its link."""

    def __init__(self, stack: Stack, link: Link) -> None:
        self.stack = stack
        self._link = link
        served = stack.session.serverCertChain
        shown = served.x509List if served is not None else ()
        self.chain = tuple(bytes(certificate.bytes) for certificate in shown)
        agreed = stack.session.appProto
        self.protocol = bytes(agreed).decode("latin-1") if agreed else ""

    def receive(self) -> bytes:
        with _told_apart():
            return bytes(self.stack.read(_PART))

    def send(self, content: bytes) -> None:
        with _told_apart():
            self.stack.write(content)

    def close(self) -> None:
        with contextlib.suppress(ConnectionLost, SslProtocolError), _told_apart():
            self.stack.closeSocket = True
            self.stack.close()
        self._link.close()


def open_by_hand(stack: type[Stack], link: Link, host: str, judge: Judge) -> OwnTls:
    """Do the handshake with ``host`` by a ``stack`` and judge what it serves. Takes ``link`` over.

    Raises PlatformError; the link is closed then.
    """
    made = stack(link)
    try:
        made.shake_hands(host)
        opened = OwnTls(made, link)
        if judge.verify and opened.chain:
            _validate(opened.chain, judge)
            judge.rules.check_name(host, opened.chain[0])
    except BaseException:
        link.close()
        raise
    return opened


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """Raise what the platform would: for an end that came too early, and for all else."""
    try:
        yield
    except TLSAbruptCloseError as error:
        raise ConnectionLost("Connection closed by peer") from error
    except (BaseTLSException, SyntaxError) as error:
        # Of some of its own errors tlslite-ng cannot make words.
        code = getattr(error, "description", None)
        what = AlertDescription.toRepr(code) or type(error).__name__
        raise SslProtocolError(f"SSL handshake aborted: {what}") from error


def _validate(chain: tuple[bytes, ...], judge: Judge) -> None:
    store = crypto.X509Store()
    for anchor in judge.anchors:
        store.add_cert(_read(anchor))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    leaf, *others = map(_read, chain)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        raise SslHandshakeError(
            f"java.security.cert.CertPathValidatorException: {error}"
        ) from error


def _read(der: bytes) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)
