"""A TLS client that only looks: it says hello, reads what the server shows, and leaves.

Written from RFC 5246 and RFC 8446 on nothing but hashes and ciphers. It verifies nothing and
reads certificates as bytes, so that it can be shown whatever an attack serves; and what OpenSSL
would refuse to send or to take is all the same to it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.wire import TlsVersion

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE, FINISHED = 2, 11, 14, 20
SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, VERSIONS, KEY_SHARE = 0, 10, 11, 13, 43, 51

_SUITES = {
    TlsVersion.TLS12: (0xC02B, 0xC02F, 0xC009, 0xC013, 0x009C, 0x002F),
    TlsVersion.TLS13: (0x1301,),
}
_X25519 = 0x001D
_GROUPS = (_X25519, 0x0017, 0x0018, 0x0019)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)
_NUMBERS = {TlsVersion.TLS12: 0x0303, TlsVersion.TLS13: 0x0304}


class Refused(Exception):
    """The server ended the handshake before it showed a certificate."""


@dataclass(frozen=True)
class Shown:
    """What a server showed."""

    version: TlsVersion
    suite: int
    """IANA's number of the cipher suite."""
    chain: tuple[bytes, ...]
    """DER, in the order of the Certificate message."""

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(hashlib.sha256(der).hexdigest() for der in self.chain)


def look(sock: socket.socket, host: str, version: TlsVersion) -> Shown:
    """Say hello to ``host`` in one version and return what it shows. Raises Refused."""
    secret = X25519PrivateKey.generate()
    hello = _client_hello(host, version, secret)
    sock.sendall(_record(HANDSHAKE, hello))
    stream = _Stream(sock, _Transcript(hello))
    answer = _ServerHello.read(stream.message(SERVER_HELLO))
    if answer.version is TlsVersion.TLS13:
        stream.decrypt_with(secret.exchange(X25519PublicKey.from_public_bytes(answer.share)))
    body = stream.message(CERTIFICATE)
    stream.message(FINISHED if answer.version is TlsVersion.TLS13 else SERVER_HELLO_DONE)
    return Shown(answer.version, answer.suite, _chain(body, answer.version))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0301, len(content)) + content


def _sized(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width) + content


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack("!H", kind) + _sized(content, 2)


def _shorts(*numbers: int) -> bytes:
    return struct.pack(f"!{len(numbers)}H", *numbers)


def _client_hello(host: str, version: TlsVersion, secret: X25519PrivateKey) -> bytes:
    name = _sized(b"\0" + _sized(host.encode(), 2), 2)
    extensions = (
        _extension(SERVER_NAME, name)
        + _extension(GROUPS, _sized(_shorts(*_GROUPS), 2))
        + _extension(SIGNATURES, _sized(_shorts(*_SIGNATURES), 2))
        + _extension(POINT_FORMATS, b"\1\0")
    )
    if version is TlsVersion.TLS13:
        public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        share = _shorts(_X25519) + _sized(public, 2)
        extensions += _extension(VERSIONS, _sized(_shorts(_NUMBERS[version]), 1))
        extensions += _extension(KEY_SHARE, _sized(share, 2))
    body = (
        _shorts(_NUMBERS[TlsVersion.TLS12])
        + os.urandom(32)
        + _sized(b"", 1)
        + _sized(_shorts(*_SUITES[version]), 2)
        + b"\1\0"
        + _sized(extensions, 2)
    )
    return b"\1" + _sized(body, 3)


@dataclass(frozen=True)
class _ServerHello:
    version: TlsVersion
    suite: int
    share: bytes

    @classmethod
    def read(cls, body: bytes) -> _ServerHello:
        at = 34 + 1 + body[34]
        (suite,) = struct.unpack_from("!H", body, at)
        extensions: dict[int, bytes] = {}
        at += 5
        while at < len(body):
            kind, length = struct.unpack_from("!HH", body, at)
            extensions[kind] = body[at + 4 : at + 4 + length]
            at += 4 + length
        modern = extensions.get(VERSIONS) == _shorts(_NUMBERS[TlsVersion.TLS13])
        version = TlsVersion.TLS13 if modern else TlsVersion.TLS12
        return cls(version, suite, extensions.get(KEY_SHARE, b"")[4:])


def _chain(body: bytes, version: TlsVersion) -> tuple[bytes, ...]:
    modern = version is TlsVersion.TLS13
    # The request's context in front, and extensions behind each certificate (RFC 8446, 4.4.2).
    at = (1 + body[0] if modern else 0) + 3
    found = []
    while at < len(body):
        length = int.from_bytes(body[at : at + 3])
        found.append(body[at + 3 : at + 3 + length])
        at += 3 + length
        if modern:
            at += 2 + int.from_bytes(body[at : at + 2])
    return tuple(found)


@dataclass
class _Transcript:
    """The messages so far, and the keys that come of them (RFC 8446 section 7.1)."""

    said: bytes

    def handshake_keys(self, shared: bytes) -> tuple[bytes, bytes]:
        """Return the key and the IV of what the server sends in the handshake."""
        empty = hashlib.sha256().digest()
        early = hmac.digest(bytes(32), bytes(32), "sha256")
        secret = hmac.digest(_expand(early, "derived", empty, 32), shared, "sha256")
        traffic = _expand(secret, "s hs traffic", hashlib.sha256(self.said).digest(), 32)
        return _expand(traffic, "key", b"", 16), _expand(traffic, "iv", b"", 12)


def _expand(secret: bytes, label: str, context: bytes, length: int) -> bytes:
    info = struct.pack("!H", length) + _sized(b"tls13 " + label.encode(), 1) + _sized(context, 1)
    return HKDFExpand(SHA256(), length, info).derive(secret)


@dataclass
class _Stream:
    """The server's handshake messages, out of records that are encrypted sooner or later."""

    sock: socket.socket
    transcript: _Transcript
    pending: bytes = b""
    keys: tuple[AESGCM, bytes] | None = None
    number: int = field(default=0)

    def decrypt_with(self, shared: bytes) -> None:
        """Take what follows for encrypted."""
        key, iv = self.transcript.handshake_keys(shared)
        self.keys = AESGCM(key), iv

    def message(self, wanted: int) -> bytes:
        """Return the body of the next message of this type; those before it are skipped."""
        while True:
            while len(self.pending) < 4 or len(self.pending) < 4 + self._length():
                self.pending += self._handshake_record()
            end = 4 + self._length()
            whole, self.pending = self.pending[:end], self.pending[end:]
            self.transcript.said += whole
            if whole[0] == wanted:
                return whole[4:]

    def _length(self) -> int:
        return int.from_bytes(self.pending[1:4])

    def _handshake_record(self) -> bytes:
        while True:
            head = self._exactly(5)
            kind, content = head[0], self._exactly(int.from_bytes(head[3:]))
            if kind == APPLICATION_DATA and self.keys is not None:
                aead, iv = self.keys
                nonce = int.from_bytes(iv) ^ self.number
                self.number += 1
                inner = aead.decrypt(nonce.to_bytes(12), content, head).rstrip(b"\0")
                kind, content = inner[-1], inner[:-1]
            if kind == ALERT:
                raise Refused(f"alert {content[1]}")
            if kind == HANDSHAKE:
                return content

    def _exactly(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = self.sock.recv(size - len(parts))
            if not part:
                raise Refused("the connection ended")
            parts += part
        return parts
