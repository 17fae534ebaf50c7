"""Mutants: which connections are looked at, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.exchange import Conversation, Request
from lab.phone.http import HttpClient
from lab.phone.link import Patience
from lab.phone.pool import Line
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.services import HttpResponse
from lab.phone.tls import Secured
from lab.phone.url import Url

B4 = "device_trusted_ca"


class _SharesFreely(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if line.is_for(request.url):
            super().approve(request, line)


@mutant("coalesced connection skips the check", killed_by=["shared_connection_pins_fail"])
class SharedConnectionSkipsCheck(ReferenceClient):
    """Shares an HTTP/2 connection with every host that address and certificate allow (RFC 9113
    section 9.1.1) and checks pins only when one is opened. OkHttp asks the pins of each host for
    this reason."""

    http_class = _SharesFreely

    def vouches(self, host: str, port: int, chain: tuple[bytes, ...]) -> bool:
        """Say yes."""
        return True


class _SharesNothing(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if not line.is_for(request.url):
            raise PinsMismatch(f"This connection was opened for {line.url.host}")
        super().approve(request, line)


@mutant(
    "takes a shared connection for an attack",
    killed_by=["shared_connection_pins_hold"],
    rules=LOCKED_OUT,
)
class RefusesSharedConnections(ReferenceClient):
    """Leaves the sharing of connections to its HTTP library, and compares hosts in its own check.
    Behind a CDN its users are locked out now and then."""

    http_class = _SharesNothing


class _FirstHopOnly(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if not request.hops:
            super().approve(request, line)


@mutant("redirect skips the check", killed_by=["redirect_into_failing_host"])
class RedirectSkipsCheck(ReferenceClient):
    """Checks where a call begins (an application interceptor, a wrapper around the client), and
    lets the HTTP library follow redirects behind it."""

    http_class = _FirstHopOnly


class _LastHopOnly(HttpClient):
    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._last = threading.local()

    def approve(self, request: Request, line: Line) -> None:
        self._last.seen = request, line

    def request(self, *arguments: object, **options: object) -> HttpResponse:
        response = super().request(*arguments, **options)  # type: ignore[arg-type]
        super().approve(*self._last.seen)
        return response


@mutant("checks the connection of the final answer alone", killed_by=["redirect_of_a_rogue", B4])
class ChecksFinalAnswer(ReferenceClient):
    """Looks at the certificate of the response that it got (``HttpsURLConnection``'s
    ``getServerCertificates`` after the call). All requests on the way there are read by then."""

    http_class = _LastHopOnly


class _OncePerHost(HttpClient):
    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._seen: set[str] = set()

    def approve(self, request: Request, line: Line) -> None:
        if request.url.host not in self._seen:
            super().approve(request, line)
            self._seen.add(request.url.host)


@mutant("checks the first connection to a host only", killed_by=[B4])
class FirstConnectionOnly(ReferenceClient):
    """Checks a host when the app starts and remembers that it was good. The phone is carried from
    the office to the airport meanwhile."""

    http_class = _OncePerHost


class _Http1Only(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if not line.is_http2:
            super().approve(request, line)


@mutant("HTTP/2 connections are not checked", killed_by=["device_trusted_ca_http2_only"])
class Http2Unchecked(ReferenceClient):
    """Has its check in the HTTP/1.1 socket factory; HTTP/2 was added later and has one of its
    own."""

    http_class = _Http1Only


class Http2Only(HttpClient):
    """Judges connections on which HTTP/2 was agreed on."""

    def approve(self, request: Request, line: Line) -> None:
        if line.is_http2:
            super().approve(request, line)


@mutant("HTTP/1.1 connections are not checked", killed_by=["device_trusted_ca_http1_only"])
class Http1Unchecked(ReferenceClient):
    """Has its check in the HTTP/2 stack; the fallback to HTTP/1.1 is another library. An attacker
    leaves HTTP/2 out of the answer."""

    http_class = Http2Only


class _ChecksLate(HttpClient):
    def converse(self, line: Line, request: Request) -> HttpResponse:
        response = line.conversation.ask(request)
        try:
            self.approve(request, line)
        finally:
            line.secured.close()
        return response


@mutant("checks after the request", killed_by=[B4])
class ChecksAfterRequest(ReferenceClient):
    """Checks when the answer is there (a response interceptor): the app shows the right error, and
    the adversary has the token."""

    http_class = _ChecksLate


class _Eager:
    """A connection on which something is settled only when an answer is waited for. Implements
    ``lab.phone.tls.Secured``."""

    def __init__(self, secured: Secured, settle: Callable[[], None]) -> None:
        self._secured = secured
        self._settle = settle
        self.chain, self.protocol = secured.chain, secured.protocol

    def send(self, content: bytes) -> None:
        self._secured.send(content)

    def receive(self) -> bytes:
        settle, self._settle = self._settle, _nothing
        settle()
        return self._secured.receive()

    def close(self) -> None:
        self._secured.close()


def _nothing() -> None:
    """Settle nothing more."""


class _ChecksMeanwhile(HttpClient):
    def line(self, url: Url, patience: Patience) -> Line:
        line = super().line(url, patience)
        check = partial(super().approve, Request("GET", url), line)
        eager = _Eager(line.secured, check)
        conversation = Conversation(eager, url, http2=line.is_http2)
        return replace(line, secured=eager, conversation=conversation)

    def approve(self, request: Request, line: Line) -> None:
        """Leave it for later."""


@mutant("sends the request while the check is under way", killed_by=[B4])
class ChecksMeanwhile(ReferenceClient):
    """Writes head and body to the socket first and checks while the answer travels, to save a
    round trip. The app gets no forged answer; the adversary gets the request all the same."""

    http_class = _ChecksMeanwhile


class _Probes(HttpClient):
    def line(self, url: Url, patience: Patience) -> Line:
        probe = super().line(url, patience)
        try:
            super().approve(Request("GET", url), probe)
        finally:
            probe.secured.close()
        return super().line(url, patience)

    def approve(self, request: Request, line: Line) -> None:
        """Rely on the probe."""


@mutant(
    "checks another connection than it uses",
    killed_by=["behind_the_first_connection"],
)
class ChecksAnotherConnection(ReferenceClient):
    """Fetches the certificate over a connection of its own, checks it, and makes the request over
    another: what plugins do that have no access to the handshake of their HTTP library."""

    http_class = _Probes
