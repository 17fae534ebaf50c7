"""What a server said in a handshake, as openssl s_client or a plain socket saw it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from lab.model.anomaly import Anomaly
from lab.model.device import Endpoint
from lab.model.wire import TlsVersion
from tests.adversary.peers import HOST, s_client

CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS = 1, 2, 8
CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST = 11, 12, 13
SERVER_HELLO_DONE, CERTIFICATE_VERIFY, FINISHED = 14, 15, 20
HANDSHAKE, CHANGE_CIPHER_SPEC, ALERT, HEARTBEAT = 22, 20, 21, 24

LAX = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
"""Takes every suite and key that OpenSSL has."""
RSA_ONLY = {Anomaly.DH512, Anomaly.DH1024, Anomaly.EXPORT_KEY}
"""What is served with a key of RSA."""
VERSION = {TlsVersion.TLS12: "-tls1_2", TlsVersion.TLS13: "-tls1_3"}

_MESSAGE = re.compile(
    rb"^(>>>|<<<) [^\n]*(Handshake|RecordHeader|Alert)[^\n]*\n((?:    (?:[0-9a-f]{2} ?)+\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Talk:
    """A handshake as ``openssl s_client -msg`` shows it: decrypted, message by message."""

    sent: tuple[bytes, ...]
    received: tuple[bytes, ...]
    """Handshake messages with their headers of four bytes."""
    alerts: tuple[bytes, ...]
    """Those of the server: level and code."""
    text: str
    chain_text: bytes

    @property
    def kinds(self) -> list[int]:
        """The types of the server's messages, in order."""
        return [message[0] for message in self.received]

    def one(self, kind: int) -> bytes:
        """Return the body of the server's only message of this type."""
        (message,) = (m for m in self.received if m[0] == kind)
        return message[4:]

    def hello(self) -> bytes:
        """Return the body of the ClientHello."""
        return next(m for m in self.sent if m[0] == CLIENT_HELLO)[4:]

    def transcript(self, until: int) -> bytes:
        """Return the hello and the server's messages before the first of type ``until``."""
        at = self.kinds.index(until)
        hello = next(m for m in self.sent if m[0] == CLIENT_HELLO)
        return b"".join([hello, *self.received[:at]])


def talk(proxy: Endpoint, *arguments: str) -> Talk:
    """Let openssl do a handshake with the host, and tell what was said."""
    done: subprocess.CompletedProcess[bytes] = s_client(proxy, HOST, "-msg", *arguments)
    sent: list[bytes] = []
    received: list[bytes] = []
    alerts: list[bytes] = []
    for side, what, dump in _MESSAGE.findall(done.stdout):
        content = bytes.fromhex(dump.decode())
        if what == b"Handshake":
            (sent if side == b">>>" else received).append(content)
        elif what == b"Alert" and side == b"<<<":
            alerts.append(content)
    text = (done.stdout + done.stderr).decode(errors="replace")
    shown = b"\n".join(re.findall(rb"-----BEGIN.+?-----END CERTIFICATE-----", done.stdout, re.S))
    return Talk(tuple(sent), tuple(received), tuple(alerts), text, shown)


@dataclass(frozen=True)
class Chosen:
    """What a ServerHello chose."""

    version: bytes
    random: bytes
    suite: int
    compression: int
    extensions: dict[int, bytes]


def chosen(hello: bytes) -> Chosen:
    """Read the body of a ServerHello (RFC 5246 section 7.4.1.3)."""
    at = 35 + hello[34]
    suite, compression = int.from_bytes(hello[at : at + 2], "big"), hello[at + 2]
    found = dict(extensions(hello[at + 5 :]))
    return Chosen(hello[:2], hello[2:34], suite, compression, found)


def extensions(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Read extensions without the length of them all."""
    while block:
        kind, size = int.from_bytes(block[:2], "big"), int.from_bytes(block[2:4], "big")
        yield kind, block[4 : 4 + size]
        block = block[4 + size :]


def offered_suites(hello: bytes) -> set[int]:
    """Read the suites of the body of a ClientHello."""
    at = 35 + hello[34]
    size = int.from_bytes(hello[at : at + 2], "big")
    listed = hello[at + 2 : at + 2 + size]
    return {int.from_bytes(listed[i : i + 2], "big") for i in range(0, size, 2)}


def records(content: bytes) -> list[tuple[int, bytes]]:
    """Cut what came over a socket into records; the last may be cut off."""
    found = []
    while content:
        size = int.from_bytes(content[3:5], "big")
        found.append((content[0], content[5 : 5 + size]))
        content = content[5 + size :]
    return found


def messages(content: bytes) -> list[bytes]:
    """Cut handshake messages in a row apart; each keeps its header of four bytes."""
    found = []
    while content:
        size = 4 + int.from_bytes(content[1:4], "big")
        found.append(content[:size])
        content = content[size:]
    return found
