"""Handmade servers that prove nothing, say what is out of place, or send it in an odd way."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from tlslite.constants import AlertLevel, ContentType, ExtensionType
from tlslite.extensions import ALPNExtension
from tlslite.handshakesettings import HandshakeSettings
from tlslite.messages import (
    Alert,
    CertificateRequest,
    CertificateVerify,
    ChangeCipherSpec,
    EncryptedExtensions,
    Finished,
    Message,
    ServerHello,
    ServerHelloDone,
    ServerKeyExchange,
)

from lab.adversary.handmade_keys import message, signing_key
from lab.adversary.handmade_server import TLS12, HandmadeServer, OddServer, limit
from lab.adversary.offers import weak_offers
from lab.pki.keys import key_der

HEARTBLEED = bytearray(b"\x01\x40\x00")
"""A heartbeat request (RFC 6520 section 4) of 16,384 bytes by its own account, without them."""

NOBODY = "nobody.acme.test"
UNHEARD_OF = b"lab/1"
"""An ALPN protocol that nobody offers."""
PIECE = 64


# -- who holds the key --------------------------------------------------------------------------


@functools.cache
def _another_key() -> bytes:
    return key_der(ec.generate_private_key(ec.SECP256R1()))


class OtherKey(OddServer):
    """Shows certificates whose key it does not have."""

    spoilt = (CertificateVerify, ServerKeyExchange)

    def options(self) -> dict[str, Any]:
        key = signing_key(_another_key())
        return {"certChain": message(self.serving.chain, key), "privateKey": key}


class BadSignature(OddServer):
    """Signs, and spoils the signature."""

    spoilt = (CertificateVerify, ServerKeyExchange)

    def spoil(self, said: Any) -> Iterator[Any]:
        said.signature[-1] ^= 1
        yield said


class NoSignature(OddServer):
    """Goes from Certificate to Finished (TLS 1.3)."""

    spoilt = CertificateVerify

    def spoil(self, said: Any) -> Iterator[Any]:
        yield from ()


class BadFinished(OddServer):
    """Cannot have seen the same handshake as the client, or not the same keys."""

    spoilt = Finished

    def spoil(self, said: Any) -> Iterator[Any]:
        said.verify_data[-1] ^= 1
        yield said


# -- messages out of place ----------------------------------------------------------------------


class EarlyCcs(OddServer):
    """CVE-2014-0224: who switches keys now, switches to keys that anybody can compute."""

    spoilt = ServerHelloDone

    def spoil(self, said: Any) -> Iterator[Any]:
        yield ChangeCipherSpec()
        yield said


class Heartbeat(OddServer):
    """CVE-2014-0160, turned against a client."""

    spoilt = ServerHelloDone

    def heard(self, hello: Any) -> Iterator[int]:
        # What tlslite-ng does with answers to requests of its own.
        self.heartbeat_supported = True
        self.heartbeat_response_callback = self._answered
        yield from ()

    def spoil(self, said: Any) -> Iterator[Any]:
        yield Message(ContentType.heartbeat, HEARTBLEED)
        yield said

    def _answered(self, answer: Any) -> None:
        size = len(answer.payload)
        self.track.misstep = f"answered the heartbeat request with {size} bytes of its memory"
        self.track.changed()


class Compression(OddServer):
    """What CRIME needs (CVE-2012-4929)."""

    def spoil(self, said: Any) -> Iterator[Any]:
        said.compression_method = 1
        yield said


class UnofferedProtocol(OddServer):
    """Says what it will speak inside, as if it had been asked for it."""

    spoilt = (ServerHello, EncryptedExtensions)

    def spoil(self, said: Any) -> Iterator[Any]:
        if isinstance(said, ServerHello) and said.getExtension(ExtensionType.supported_versions):
            # Of TLS 1.3, where the protocol is told later.
            self.done = False
        else:
            chosen = ALPNExtension().create([bytearray(UNHEARD_OF)])
            said.extensions = [*(said.extensions or ()), chosen]
        yield said


class NameWarning(OddServer):
    """Knows another name only, and goes on (RFC 6066 section 3 advises against it)."""

    spoilt = Alert

    def configure(self, settings: HandshakeSettings) -> None:
        # In TLS 1.3 every alert but two is fatal (RFC 8446 section 6).
        limit(settings, TLS12)

    def options(self) -> dict[str, Any]:
        return {**super().options(), "sni": NOBODY}

    def spoil(self, said: Any) -> Iterator[Any]:
        self.done = said.level == AlertLevel.warning
        yield said


class AsksCertificate(OddServer):
    """Wants to know the client's own certificate."""

    spoilt = CertificateRequest

    def options(self) -> dict[str, Any]:
        return {**super().options(), "reqCert": True}


# -- transport ----------------------------------------------------------------------------------


class OneByteRecords(OddServer):
    """Allowed (RFC 5246 section 6.2.1), and hard on parsers."""

    record = 1

    def configure(self, settings: HandshakeSettings) -> None:
        # In TLS 1.3 it would be as many encryptions.
        limit(settings, TLS12)


class SmallPieces(OddServer):
    """As over a very bad link."""

    piece = PIECE


class CutOff(OddServer):
    """As when somebody on the way resets the connection."""

    def flight(self, content: bytes) -> bytes:
        if not self.done:
            return content
        self.hangs_up = True
        return content[: len(content) // 2]


class ReadsHello(HandmadeServer):
    """A correct server, which looks at what it is offered."""

    def heard(self, hello: Any) -> Iterator[int]:
        self.done = True
        if weak := weak_offers(hello):
            self.track.misstep = f"offers {', '.join(weak)}"
        yield from ()
