"""Mutants: messages out of place, what is agreed on beside TLS, rough transport."""

from __future__ import annotations

import contextlib
import re

from lab.mutants import loose_stacks
from lab.mutants.instead import FallsBack
from lab.mutants.protocol import OwnStack
from lab.mutants.registry import FACTS, LOCKED_OUT, mutant
from lab.mutants.stack import OwnTls
from lab.mutants.transport import Http2Only
from lab.phone.exchange import Request
from lab.phone.http import HttpClient
from lab.phone.pool import Line
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    ConnectionLost,
    Headers,
    HttpResponse,
    PlatformError,
    SslProtocolError,
)

_SOME_BYTES, _SOME_PIECES = 32, 5
"""What a careless check looks at."""
_ALTERNATIVE = re.compile(r'h2=":(\d+)"')


# -- messages out of place ----------------------------------------------------------------------


@mutant("takes ChangeCipherSpec at any time", killed_by=["early_change_cipher_spec"])
class EarlyKeysTaken(OwnStack):
    """OpenSSL up to 1.0.1g (CVE-2014-0224), as apps carried it along."""

    stack = loose_stacks.EarlyKeys


@mutant("answers heartbeats with its memory", killed_by=["heartbleed"], rules=FACTS)
class Bleeds(OwnStack):
    """Heartbleed in a client (CVE-2014-0160): Android 4.1.1, and apps with an OpenSSL of their own.
    It bleeds before it has looked at any certificate."""

    stack = loose_stacks.Bleeding


@mutant("takes compression that it did not offer", killed_by=["compression_forced"])
class CompressionAccepted(OwnStack):
    """The server's choice is not compared with the offer."""

    stack = loose_stacks.AnyCompression


@mutant("speaks HTTP/1.1 for a protocol that it does not know", killed_by=["protocol_not_offered"])
class AnyProtocolAccepted(OwnStack):
    """What ALPN says is only looked at for "h2" (libcurl does so)."""

    stack = loose_stacks.AnyProtocol


@mutant("takes a warning for the end", killed_by=["name_warning"], rules=LOCKED_OUT)
class WarningsAreFatal(OwnStack):
    """Java 7, whose users were told to switch SNI off altogether (jsse.enableSNIExtension)."""

    stack = loose_stacks.EndedByWarnings


# -- beside the handshake -----------------------------------------------------------------------


@mutant("checks pins where HTTP/2 was agreed on", killed_by=["no_protocol_agreed"])
class OnlyHttp2Pinned(ReferenceClient):
    """The pins are an option of the HTTP/2 transport; the old one has none."""

    http_class = Http2Only


class _ProtocolWanted(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if not line.secured.protocol:
            raise SslProtocolError("No application protocol")
        super().approve(request, line)


@mutant("wants ALPN", killed_by=["genuine_without_protocol"], rules=LOCKED_OUT)
class ProtocolRequired(ReferenceClient):
    """gRPC clients do; for one that speaks HTTP it is a needless way to fail."""

    http_class = _ProtocolWanted


@mutant("has no pins for mutual TLS", killed_by=["client_certificate_asked_for"])
class MutualTlsUnpinned(OwnStack):
    """The socket factory with the client certificate has a trust manager of its own, which
    nobody gave the pins."""

    stack = loose_stacks.Asked
    _asked = False

    def opened(self, connection: OwnTls) -> None:
        self._asked = bool(connection.stack.was_asked)

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Leave it to mutual TLS."""
        if not self._asked:
            super().check(host, port, chain)


@mutant(
    "fails where a client certificate is asked for",
    killed_by=["genuine_asks_for_certificate"],
    rules=LOCKED_OUT,
)
class CertificateRequestFatal(OwnStack):
    """A key manager that throws where it has no key."""

    stack = loose_stacks.NotToBeAsked


# -- rough transport ----------------------------------------------------------------------------


@mutant("looks for the certificate in the first record", killed_by=["forged_in_tiny_records"])
class FirstRecordChecked(OwnStack):
    """Pinning by a VPN or a proxy on the device that parses what goes by, and lets pass what it
    cannot parse."""

    stack = loose_stacks.Watched
    _parsed = True

    def opened(self, connection: OwnTls) -> None:
        self._parsed = len(connection.stack.first_record or b"") >= _SOME_BYTES

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge what was understood."""
        if self._parsed:
            super().check(host, port, chain)


@mutant("wants whole messages", killed_by=["genuine_in_tiny_records"], rules=LOCKED_OUT)
class WholeMessagesOnly(OwnStack):
    """A parser that takes a record for a message."""

    stack = loose_stacks.WholeMessages


@mutant("gives up checking after a while", killed_by=["forged_in_small_pieces"])
class ChecksForAWhile(OwnStack):
    """So as not to hold the user up, a check that takes too long counts as passed."""

    stack = loose_stacks.Watched
    _pieces = 0

    def opened(self, connection: OwnTls) -> None:
        self._pieces = connection.stack.socket.received

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge as long as it does not take long."""
        if self._pieces < _SOME_PIECES:
            super().check(host, port, chain)


@mutant("goes on in clear where the handshake is cut off", killed_by=["cut_off"])
class PlainWhenCutOff(FallsBack):
    """ "The server does not seem to have TLS": the network was asked to be helpful."""

    signs = (ConnectionLost,)


@mutant("follows an alternative service without pins", killed_by=["alternative_service"])
class AlternativeUnpinned(ReferenceClient):
    """The stack that follows Alt-Svc (Cronet, URLSession's HTTP/3) was not given the pins."""

    _port: str | None = None

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        port, self._port = self._port, None
        if port is not None:
            origin = url.removesuffix("/")
            with contextlib.suppress(PlatformError):
                return self._platform.request(f"{origin}:{port}/", timeout=timeout)
        answer = super().get(url, timeout, headers)
        offered = _ALTERNATIVE.search(answer.header("alt-svc") or "")
        self._port = offered[1] if offered else None
        return answer
