"""What the phone's browser says, in Chrome's words: pages, and what went wrong with them.

The error names are those of Chromium's net/base/net_error_list.h; the texts those of its English
strings for interstitials and error pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.phone.activity import described
from lab.phone.node import Look, one_line
from lab.phone.services import (
    BadUrl,
    Cancelled,
    CertificateTimeError,
    ConnectError,
    ConnectionLost,
    HttpProtocolError,
    HttpResponse,
    PlatformError,
    ProxyError,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
    UnknownHost,
)

EXCERPT = 200
"""Characters of a page that are shown."""

LOADING = "Loading..."
NOT_PRIVATE = "Your connection is not private"
UNREACHABLE = "This site can't be reached"
NOT_WORKING = "This page isn't working"
NOT_SECURE = "This site can't provide a secure connection"
ADVANCED = "Advanced"
HIDE = "Hide advanced"
BACK_TO_SAFETY = "Back to safety"
PROCEED = "Proceed to {} (unsafe)"


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows below its address bar."""

    title: str = ""
    """What the page is called; empty where there is none."""
    heading: str = ""
    """What went wrong."""
    text: str = ""
    code: str = ""
    """Chrome's name of an error."""
    look: Look = Look.HEADING
    more: str = ""
    """What is to be read behind ``Advanced``."""
    proceed: str = ""
    """URL that the user may request in spite of a certificate error; empty for none."""

    @property
    def is_error(self) -> bool:
        """Whether the browser speaks, and not the server."""
        return bool(self.heading)


BLANK = Page()


def page_of(response: HttpResponse, url: str) -> Page:
    """Return the page that shows an answer: how it begins. Its status is not to be seen, except
    where an error comes with nothing to read."""
    # No character of UTF-8 takes more than four bytes.
    text = one_line(response.body[: 4 * EXCERPT].decode("utf-8", "replace"), EXCERPT)
    if response.status >= 400 and not text.strip():
        said = f"{host_of(url)} is currently unable to handle this request."
        return Page(host_of(url), NOT_WORKING, said, f"HTTP ERROR {response.status}", Look.WARNING)
    return Page(one_line(url.partition("://")[2]), text=text)


def error_page(error: BaseException, url: str) -> Page:
    """Return the page that shows an error. One about the certificate can be overruled."""
    host = host_of(url)
    if isinstance(error, SslHandshakeError | SslPeerUnverifiedError):
        warning = (
            f"Attackers might be trying to steal your information from {host} (for example, "
            "passwords, messages, or credit cards). Learn more"
        )
        more = (
            f"This server could not prove that it is {host}; {_why(error)}. This may be caused "
            "by a misconfiguration or an attacker intercepting your connection."
        )
        code = _certificate_code(error)
        return Page("Privacy error", NOT_PRIVATE, warning, code, Look.WARNING, more, proceed=url)
    if not isinstance(error, PlatformError):
        return Page(host, UNREACHABLE, described(error), "ERR_FAILED", Look.WARNING)
    heading, text, code = _unreachable(error)
    return Page(host, heading, text.format(host), code, Look.WARNING)


def host_of(url: str) -> str:
    """Return the host of a URL, or the URL itself where it has none; short, on one line."""
    try:
        host = urlsplit(url).hostname or url
    except ValueError:
        host = url
    return one_line(host, EXCERPT)


def _certificate_code(error: PlatformError) -> str:
    words = str(error)
    if isinstance(error, CertificateTimeError):
        return "NET::ERR_CERT_DATE_INVALID"
    if isinstance(error, SslPeerUnverifiedError):
        return "NET::ERR_CERT_COMMON_NAME_INVALID"
    for sign, code in _CERTIFICATE_CODES:
        if sign in words:
            return code
    return "NET::ERR_CERT_INVALID"


_CERTIFICATE_CODES = (
    ("Trust anchor", "NET::ERR_CERT_AUTHORITY_INVALID"),
    ("insecure signature hash", "NET::ERR_CERT_WEAK_SIGNATURE_ALGORITHM"),
    ("unacceptable key size", "NET::ERR_CERT_WEAK_KEY"),
    ("name constraints", "NET::ERR_CERT_NAME_CONSTRAINT_VIOLATION"),
)


def _why(error: PlatformError) -> str:
    if isinstance(error, CertificateTimeError):
        return "its security certificate is not valid at this time"
    if isinstance(error, SslPeerUnverifiedError):
        return "its security certificate is from another site"
    return "its security certificate is not trusted by your device's operating system"


_UNREACHABLE: tuple[tuple[type[PlatformError], str, str, str], ...] = (
    (UnknownHost, UNREACHABLE, "{}'s server IP address could not be found.", "NAME_NOT_RESOLVED"),
    (ConnectError, UNREACHABLE, "{} refused to connect.", "CONNECTION_REFUSED"),
    (
        ProxyError,
        UNREACHABLE,
        "The webpage at {} might be temporarily down.",
        "TUNNEL_CONNECTION_FAILED",
    ),
    (SocketTimeout, UNREACHABLE, "{} took too long to respond.", "TIMED_OUT"),
    (SslProtocolError, NOT_SECURE, "{} sent an invalid response.", "SSL_PROTOCOL_ERROR"),
    (
        BadUrl,
        UNREACHABLE,
        "The webpage at {} might be temporarily down or it may have moved.",
        "INVALID_URL",
    ),
    (Cancelled, UNREACHABLE, "The webpage at {} was left.", "ABORTED"),
)


def _unreachable(error: PlatformError) -> tuple[str, str, str]:
    """Return heading, text (with a place for the host) and code of an error."""
    if isinstance(error, ConnectionLost):
        if "reset" in str(error):
            return UNREACHABLE, "The connection was reset.", "ERR_CONNECTION_RESET"
        return UNREACHABLE, "{} unexpectedly closed the connection.", "ERR_CONNECTION_CLOSED"
    if isinstance(error, HttpProtocolError):
        if str(error).startswith("Too many follow-up requests"):
            return NOT_WORKING, "{} redirected you too many times.", "ERR_TOO_MANY_REDIRECTS"
        return NOT_WORKING, "{} sent an invalid response.", "ERR_INVALID_HTTP_RESPONSE"
    for kind, heading, text, code in _UNREACHABLE:
        if isinstance(error, kind):
            return heading, text, f"ERR_{code}"
    return UNREACHABLE, "The webpage at {} might be temporarily down.", "ERR_FAILED"
