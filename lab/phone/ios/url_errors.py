"""What URLSession calls the failures of the platform: code and localizedDescription.

Codes are those of NSURLErrorDomain (Apple, "URL Loading System Error Codes"); texts those of iOS in
English. iOS tells less than Android: whatever is wrong with a chain, a name or a date is -1202.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.phone.node import one_line
from lab.phone.services import (
    BadUrl,
    Cancelled,
    ConnectError,
    ConnectionLost,
    HttpProtocolError,
    PlatformError,
    ProxyError,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
    UnknownHost,
)

ATS_REFUSED = -1022


@dataclass(frozen=True, slots=True)
class UrlError:
    """How iOS tells of a failure."""

    code: int
    text: str


_TEXTS: tuple[tuple[type[PlatformError], int, str], ...] = (
    (UnknownHost, -1003, "A server with the specified hostname could not be found."),
    (ConnectError, -1004, "Could not connect to the server."),
    (
        ProxyError,
        310,
        "There was a problem communicating with the secure web proxy server (HTTPS).",
    ),
    (ConnectionLost, -1005, "The network connection was lost."),
    (SocketTimeout, -1001, "The request timed out."),
    (
        SslProtocolError,
        -1200,
        "An SSL error has occurred and a secure connection to the server cannot be made.",
    ),
    (BadUrl, -1002, "unsupported URL"),
    (Cancelled, -999, "cancelled"),
)

_UNTRUSTED = (
    "The certificate for this server is invalid. You might be connecting to a server that is "
    "pretending to be \N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK} which could "
    "put your confidential information at risk."
)


def url_error(error: PlatformError, host: str) -> UrlError:
    """Return what iOS says of ``error``, which befell a request to ``host``."""
    if isinstance(error, SslHandshakeError | SslPeerUnverifiedError):
        return UrlError(-1202, _UNTRUSTED.format(host))
    if isinstance(error, HttpProtocolError):
        if str(error).startswith("Too many follow-up requests"):
            return UrlError(-1007, "too many HTTP redirects")
        return UrlError(-1017, "cannot parse response")
    for kind, code, text in _TEXTS:
        if isinstance(error, kind):
            return UrlError(code, text)
    # App Transport Security's refusal says it itself, and so does what a stand-in raises.
    code = ATS_REFUSED if "App Transport Security" in str(error) else -1
    return UrlError(code, one_line(str(error)))
