"""A TLS client that sends its request as early data, for clients that are wrong on purpose."""

from __future__ import annotations

from dataclasses import replace

from OpenSSL import SSL

from lab.openssl import allows_early_data, write_early_data
from lab.phone.exchange import Conversation, Request
from lab.phone.http import HttpClient
from lab.phone.link import Link, Patience
from lab.phone.pool import Line
from lab.phone.tls import HTTP2, TlsConnection, make_client, outgoing, shake_hands
from lab.phone.url import Url
from lab.phone.verify import Findings


class EarlyConnection:
    """A connection whose handshake is finished only once something is to be read. Implements
    ``lab.phone.tls.Secured``."""

    def __init__(self, link: Link, connection: SSL.Connection, findings: Findings) -> None:
        self._link = link
        self._connection = connection
        self._findings = findings
        self._opened: TlsConnection | None = None
        self.chain: tuple[bytes, ...] = ()
        # What the session was made with; early data cannot wait to hear what it will be.
        self.protocol = HTTP2

    def send(self, content: bytes) -> None:
        if self._opened is not None:
            self._opened.send(content)
        elif content and write_early_data(self._connection, content):
            self._link.send(outgoing(self._connection), self._link.patience.step())

    def receive(self) -> bytes:
        if self._opened is None:
            shake_hands(self._link, self._connection, self._findings)
            self._opened = TlsConnection(self._link, self._connection)
        return self._opened.receive()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        else:
            self._link.close(outgoing(self._connection))


class EarlyHttp(HttpClient):
    """Sends requests as early data wherever a ticket allows it, and checks nothing then."""

    def line(self, url: Url, patience: Patience) -> Line:
        judge = self._judge()
        if self.sessions is not None:
            judge = self.sessions.offered_to(url.host, url.port, judge)
        if judge.session is None or not allows_early_data(judge.session):
            return super().line(url, patience)
        left = patience.left(patience.step())
        sock = self._phone.connect(url.host, url.port, left, patience.cancellation)
        findings = Findings()
        early = EarlyConnection(
            Link(sock, patience), make_client(url.host, judge, findings), findings
        )
        conversation = Conversation(early, url, http2=True)
        return Line(url, replace(judge, session=None), early, conversation)

    def approve(self, request: Request, line: Line) -> None:
        if not isinstance(line.secured, EarlyConnection):
            super().approve(request, line)
