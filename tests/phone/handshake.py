"""Handshakes with the platform's TLS client."""

from __future__ import annotations

import ssl

from lab.phone.link import Link, Patience
from lab.phone.services import Cancellation
from lab.phone.tls import TlsConnection, open_tls
from lab.phone.verify import Judge
from tests.patience import CAP
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


def shake(
    phone: DirectPhone,
    host: str = HOST,
    *,
    verify: bool = True,
    user_store: bool = False,
    timeout: float = CAP,
    cancellation: Cancellation | None = None,
) -> TlsConnection:
    patience = Patience(timeout, cancellation)
    link = Link(phone.connect(host, 443, timeout, patience.cancellation), patience)
    return open_tls(link, host, Judge(phone.trust_anchors(user_store), phone.now(), verify))


def talk(connection: TlsConnection) -> bytes:
    try:
        connection.send(REQUEST)
        return connection.receive()
    finally:
        connection.close()


def listen(connection: TlsConnection) -> bytes:
    try:
        return connection.receive()
    finally:
        connection.close()
