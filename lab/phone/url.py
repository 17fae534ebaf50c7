"""http and https URLs as an HTTP client on Android understands them."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from lab.phone.services import BadUrl

MAX_URL = 8 * 1024
"""Characters."""
MAX_NAME = 253
"""Characters of a host name (RFC 1035 section 2.3.4)."""

PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?\Z")
_KEPT = "/%:@!$&'()*+,;=~"
"""Characters of a path that stay as they are, beside letters, digits and ``-._``."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL without user information and fragment: what is requested and where."""

    scheme: str
    host: str
    """A name in lower-case ASCII, or an address; IPv6 without brackets."""
    port: int
    target: str
    """Path and query, ASCII."""

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port: what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.target

    def resolve(self, location: str) -> Url | None:
        """Return where a Location header leads, None where that cannot be requested."""
        location = location.strip()
        try:
            # urljoin would take https:// for the URL that it is joined to.
            absolute = _SCHEME.match(location) is not None
            return parse_url(location if absolute else urljoin(str(self), location))
        except (ValueError, BadUrl):
            return None


def origin_of(host: str, port: int) -> Url:
    """Return the https URL of the root of ``host``, a name or an address. Raises BadUrl."""
    if not 0 < port < 65536:
        raise BadUrl(f'Invalid URL port: "{port}"')
    return Url("https", _host(host, literal=":" in host), port, "/")


def parse_url(text: str) -> Url:
    """Read a URL. Raises BadUrl."""
    text = text.strip()
    shown = ascii(text[:80])[1:-1]
    match = _SCHEME.match(text)
    if match is None:
        raise BadUrl(f"Expected URL scheme 'http' or 'https' but no scheme was found for {shown}")
    scheme = match[0].lower()
    if scheme not in PORTS:
        raise BadUrl(f"Expected URL scheme 'http' or 'https' but was '{scheme[:80]}'")
    if len(text) > MAX_URL:
        raise BadUrl(f"URL longer than {MAX_URL} characters: {shown}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadUrl(f'Invalid URL: "{shown}"') from None
    if port == 0:
        raise BadUrl('Invalid URL port: "0"')
    return Url(
        scheme,
        _host(host, literal="[" in parts.netloc),
        port or PORTS[scheme],
        _quoted(parts.path or "/", _KEPT)
        + (parts.query and "?" + _quoted(parts.query, _KEPT + "?")),
    )


def _host(text: str, *, literal: bool) -> str:
    """Return the canonical form of a host; ``literal`` is in brackets. Raises BadUrl."""
    name = ""
    # A zone (RFC 4007 section 11) belongs to one machine and into no request.
    if literal:
        with suppress(ValueError):
            name = "" if "%" in text else str(ipaddress.IPv6Address(text))
        valid = bool(name)
    else:
        with suppress(UnicodeError):
            name = text.encode("idna").decode("ascii").lower()
        valid = _NAME.match(name) is not None and len(name) <= MAX_NAME
    if not valid:
        raise BadUrl(f'Invalid URL host: "{ascii(text[:80])[1:-1]}"')
    return name


def _quoted(text: str, kept: str) -> str:
    return quote(text, safe=kept, errors="replace")
