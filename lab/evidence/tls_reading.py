"""What the TLS of a captured connection shows: the name that was asked for, the chain, alerts, and
how much was said inside of it.

Nothing that was said is opened: of TLS 1.3 the handshake is, with the secrets that a bundle's
captures carry; of older versions it is in clear. Whatever is malformed ends what can be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lab.evidence.tls_keys import TAG, Opener
from lab.network.client_hello import CLIENT_HELLO, HANDSHAKE, extensions, name_in

CHANGE_CIPHER_SPEC, ALERT, APPLICATION = 20, 21, 23
"""Types of records (RFC 8446 section 5.1)."""
SERVER_HELLO, CERTIFICATE, FINISHED = 2, 11, 20
"""Types of handshake messages (section 4)."""
CLOSE_NOTIFY = 0
MAX_RECORD = (1 << 14) + 2048
TLS13 = 0x0304

_HEADER, _RANDOM = 5, 32
_ALERT_SIZE, _TYPE_SIZE = 2, 1
_SUPPORTED_VERSIONS = 43
_GCM = (range(0x009C, 0x00A6), range(0xC02B, 0xC033))
_CHACHA = range(0xCCA8, 0xCCAF)
_GCM_OVERHEAD = 8 + TAG
"""Bytes by which a record is longer than what is in it (RFC 5288 section 3; RFC 7905 section 2)."""


@dataclass(slots=True)
class Shown:
    """What a connection shows. ``None`` stands for what cannot be read."""

    asks: bool = False
    """There is a whole ClientHello."""
    name: str | None = None
    """That it asks for (RFC 6066 section 3), lower case."""
    chain: tuple[str, ...] | None = None
    """SHA-256 of each certificate that the server sent, lower-case hex."""
    alerts: set[tuple[int, bool]] = field(default_factory=set)
    """Codes but close_notify, and whether the client sent them."""
    sealed_alerts: set[bool] = field(default_factory=set)
    """Whether the client sent them: what may be alerts, and cannot be read."""
    said: int | None = 0
    """Application bytes from the client."""


Secrets = Mapping[tuple[str, bytes], bytes]
"""From a label of a key log and the client's random to a secret."""


def secrets_of(lines: Iterator[bytes]) -> dict[tuple[str, bytes], bytes]:
    """Return what lines of a key log hold, without those that are malformed."""
    found = {}
    for line in lines:
        try:
            label, random, secret = line.decode("ascii").split()
            found[label, bytes.fromhex(random)] = bytes.fromhex(secret)
        except ValueError:
            continue
    return found


def read_tls(up: bytes, down: bytes, secrets: Secrets) -> Shown:
    """Return what the bytes from and to the client show."""
    shown = Shown()
    asked, answered = list(_records(up)), list(_records(down))
    hello = _first(asked, CLIENT_HELLO)
    if hello is not None:
        shown.asks, shown.name = True, name_in(hello)
    # A HelloRetryRequest is one, too, and says the same.
    reply = _first(answered, SERVER_HELLO)
    version, suite = (0, 0) if reply is None else _agreed(reply)
    random = b"" if hello is None else hello[2 : 2 + _RANDOM]
    openers = (
        Opener.of(suite, secrets.get((f"{whose}_HANDSHAKE_TRAFFIC_SECRET", random), b""))
        for whose in ("CLIENT", "SERVER")
    )
    sides = [
        _side_13(records, opener) if version == TLS13 else _side_12(records, _overhead(suite))
        for records, opener in zip((asked, answered), openers, strict=True)
    ]
    for side, by_client in zip(sides, (True, False), strict=True):
        shown.alerts |= {(code, by_client) for code in side.alerts}
        if side.sealed_alert:
            shown.sealed_alerts.add(by_client)
    shown.said = sides[0].said
    sent = [body for kind, body in _messages(sides[1].handshake) if kind == CERTIFICATE]
    if sent:
        shown.chain = _digests(sent[0], with_context=version == TLS13)
    return shown


@dataclass(slots=True)
class _Side:
    """What one end sent."""

    handshake: bytearray = field(default_factory=bytearray)
    """Of its handshake what can be read."""
    alerts: set[int] = field(default_factory=set)
    sealed_alert: bool = False
    said: int | None = 0

    def alert(self, body: bytes) -> None:
        """Take note of an alert that can be read."""
        if len(body) == _ALERT_SIZE and body[1] != CLOSE_NOTIFY:
            self.alerts.add(body[1])


def _side_13(records: list[bytes], opener: Opener | None) -> _Side:
    """Read one side of TLS 1.3, where only the handshake is opened."""
    side = _Side()
    finished = False
    for record in records:
        kind, body = record[0], record[_HEADER:]
        if kind == HANDSHAKE:
            side.handshake += body
        elif kind == ALERT:
            side.alert(body)
        elif kind == APPLICATION and opener is None:
            # The handshake is among it, so that nothing can be counted.
            side.said, side.sealed_alert = None, True
        elif kind == APPLICATION and opener is not None:
            inner = None if finished else opener.opened(record)
            if inner is None:
                # Early data, or what comes behind the handshake: under secrets that are not here.
                _sealed(side, len(body) - TAG - _TYPE_SIZE)
            elif inner[0] == HANDSHAKE:
                side.handshake += inner[1]
                finished = any(kind == FINISHED for kind, _ in _messages(side.handshake))
            elif inner[0] == ALERT:
                side.alert(inner[1])
    return side


def _side_12(records: list[bytes], overhead: int | None) -> _Side:
    """Read one side of an older version, which is in clear up to ChangeCipherSpec."""
    side = _Side()
    sealed = False
    for record in records:
        kind, body = record[0], record[_HEADER:]
        if kind == CHANGE_CIPHER_SPEC:
            sealed = True
        elif kind == HANDSHAKE and not sealed:
            side.handshake += body
        elif kind == ALERT and not sealed:
            side.alert(body)
        elif kind == ALERT:
            side.sealed_alert = True
        elif kind == APPLICATION and overhead is None:
            side.said = None
        elif kind == APPLICATION and side.said is not None and overhead is not None:
            side.said += max(0, len(body) - overhead)
    return side


def _sealed(side: _Side, size: int) -> None:
    """Take note of so many bytes that cannot be read."""
    if size == _ALERT_SIZE:
        # Nothing else is that short.
        side.sealed_alert = True
    elif side.said is not None:
        side.said += max(0, size)


def _records(content: bytes) -> Iterator[bytes]:
    """Yield each record, with its header, up to what is none."""
    at = 0
    while at + _HEADER <= len(content):
        length = int.from_bytes(content[at + 3 : at + _HEADER], "big")
        end = at + _HEADER + length
        in_order = CHANGE_CIPHER_SPEC <= content[at] <= APPLICATION and content[at + 1] == 3
        if not in_order or length > MAX_RECORD or end > len(content):
            return
        yield content[at:end]
        at = end


def _first(records: list[bytes], wanted: int) -> bytes | None:
    """Return the first message of a kind that is in clear, None where there is none."""
    clear = b"".join(record[_HEADER:] for record in records if record[0] == HANDSHAKE)
    return next((body for kind, body in _messages(clear) if kind == wanted), None)


def _messages(content: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each handshake message that is whole."""
    at = 0
    while at + 4 <= len(content):
        length = int.from_bytes(content[at + 1 : at + 4], "big")
        if at + 4 + length > len(content):
            return
        yield content[at], bytes(content[at + 4 : at + 4 + length])
        at += 4 + length


def _agreed(hello: bytes) -> tuple[int, int]:
    """Return version and suite of a ServerHello."""
    at = 2 + _RANDOM
    at += 1 + (hello[at] if at < len(hello) else 0)
    suite = int.from_bytes(hello[at : at + 2], "big")
    chosen = extensions(hello[at + 3 :]).get(_SUPPORTED_VERSIONS, hello[:2])
    return int.from_bytes(chosen, "big"), suite


def _digests(message: bytes, *, with_context: bool) -> tuple[str, ...]:
    """Return SHA-256 of each certificate in a Certificate message (RFC 8446 section 4.4.2; RFC
    5246 section 7.4.2)."""
    at = (1 + message[0] if with_context and message else 0) + 3
    found = []
    while at + 3 <= len(message):
        end = at + 3 + int.from_bytes(message[at : at + 3], "big")
        if end > len(message):
            break
        found.append(hashlib.sha256(message[at + 3 : end]).hexdigest())
        at = end
        if with_context:
            at += 2 + int.from_bytes(message[at : at + 2], "big")
    return tuple(found)


def _overhead(suite: int) -> int | None:
    """Return by how many bytes a record of TLS 1.2 is longer than what is in it, None where that
    is not the same for all."""
    if any(suite in each for each in _GCM):
        return _GCM_OVERHEAD
    return TAG if suite in _CHACHA else None
