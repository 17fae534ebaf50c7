"""TLS stacks that take messages, extensions or records as they should not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlslite.constants import ContentType, ExtensionType
from tlslite.messages import CertificateRequest, EncryptedExtensions, Message, ServerHello

from lab.mutants.stack import Stack
from lab.phone.services import SslProtocolError
from lab.phone.tls import HTTP2, HTTP11

_HEARTBEAT_ANSWER = 2
_BLED = 4096
_MEMORY = b"authorization: Bearer 0123456789abcdef\r\ncookie: session=fedcba9876543210\r\n" * 64
"""What lies about in the memory of an app."""


class EarlyKeys(Stack):
    """Takes a ChangeCipherSpec whenever it comes."""

    def _getMsg(self, expected: Any, second: Any = None, kind: Any = None) -> Iterator[Any]:  # noqa: N802
        awaited = expected if isinstance(expected, tuple) else (expected,)
        if ContentType.change_cipher_spec in awaited:
            yield from super()._getMsg(expected, second, kind)
            return
        both = (*awaited, ContentType.change_cipher_spec)
        while True:
            for result in super()._getMsg(both, second, kind):
                if getattr(result, "contentType", None) == ContentType.change_cipher_spec:
                    break
                yield result
            else:
                return


class Bleeding(Stack):
    """Answers a heartbeat request with as many bytes as it asks for."""

    def ignores(self, kind: int, content: bytes) -> bool:
        if kind != ContentType.heartbeat:
            return super().ignores(kind, content)
        asked = min(int.from_bytes(content[1:3], "big"), _BLED)
        memory = _MEMORY[:asked]
        head = bytes([_HEARTBEAT_ANSWER]) + len(memory).to_bytes(2, "big")
        for _ in self._sendMsg(
            Message(ContentType.heartbeat, bytearray(head + memory + bytes(16)))
        ):
            pass
        return True


class AnyCompression(Stack):
    """Does not look at the compression that the server chose."""

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerHello):
            message.compression_method = 0


def _is_unknown(extension: Any) -> bool:
    if extension.extType != ExtensionType.alpn:
        return False
    return bytes(extension.protocol_names[0]).decode("latin-1") not in (HTTP2, HTTP11)


class AnyProtocol(Stack):
    """Speaks HTTP/1.1 where it does not know the protocol that the server chose."""

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerHello | EncryptedExtensions):
            message.extensions = [e for e in message.extensions or () if not _is_unknown(e)]


class EndedByWarnings(Stack):
    """Takes every alert for the end."""

    def ignores(self, kind: int, content: bytes) -> bool:
        return False


class Asked(Stack):
    """Takes note of whether the server asked for a client certificate."""

    was_asked = False

    def heard(self, message: Any) -> None:
        self.was_asked |= isinstance(message, CertificateRequest)


class NotToBeAsked(Stack):
    """Has no certificate, and fails where it is asked for one."""

    def heard(self, message: Any) -> None:
        if isinstance(message, CertificateRequest):
            raise SslProtocolError("No client certificate is set up")


class WholeMessages(Stack):
    """Wants a whole handshake message in every record."""

    def _getNextRecordFromSocket(self) -> Iterator[Any]:  # noqa: N802
        for result in super()._getNextRecordFromSocket():
            if not isinstance(result, int):
                header, parser = result
                content = bytes(parser.bytes)
                whole = len(content) >= 4 + int.from_bytes(content[1:4], "big")
                if header.type == ContentType.handshake and not whole:
                    raise SslProtocolError("Malformed handshake record")
            yield result


class Watched(Stack):
    """Takes note of the first record that came, and of how many pieces all came in."""

    first_record: bytes | None = None

    def _getNextRecordFromSocket(self) -> Iterator[Any]:  # noqa: N802
        for result in super()._getNextRecordFromSocket():
            if not isinstance(result, int) and self.first_record is None:
                self.first_record = bytes(result[1].bytes)
            yield result
