"""What an app sets the SDK up with, checked (contract section 2.1)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.model.pins import Mode
from lab.phone.sdk.errors import InvalidProjectConfig, InvalidServerCert
from lab.phone.services import SdkSettings
from lab.pinning.jws import BadPublicKey, read_public_key

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Project:
    """Settings that are complete and well formed."""

    organization_id: str
    project_id: str
    public_key: str
    mode: Mode
    sources: tuple[str, ...]
    """Where the signed configuration is fetched from, in this order. What the app names and
    nothing else: no host is built in."""
    report_url: str = ""
    """Where failure reports go; empty where none are sent."""
    device: str = ""

    @property
    def report_host(self) -> str:
        """The collector's host; empty where there is no collector."""
        return sanitize(urlsplit(self.report_url).hostname or "") if self.report_url else ""

    @property
    def scope(self) -> str:
        """Tells this project's stored state from another's: a digest, nothing to be read."""
        identity = (self.organization_id, self.project_id, "".join(self.public_key.split()))
        return hashlib.sha256("\n".join(identity).encode()).hexdigest()


def read_settings(settings: SdkSettings) -> Project:
    """Check ``settings``. Raises InvalidProjectConfig, which says what is wrong."""
    key = _required(settings.public_key, "public key")
    try:
        read_public_key(key)
    except BadPublicKey as error:
        raise InvalidProjectConfig(f"Invalid public key: {error}") from None
    source = _required(settings.configuration_url, "configuration URL")
    report_url = settings.report_url.strip()
    return Project(
        organization_id=_required(settings.organization_id, "organization ID"),
        project_id=_required(settings.project_id, "project ID"),
        public_key=key,
        mode=settings.mode,
        sources=(_https(source, "configuration URL"),),
        report_url=_https(report_url, "report URL") if report_url else "",
        device=settings.device.strip(),
    )


def sanitize(host: str) -> str:
    """Return ``host`` in the form in which it is looked up.

    Lower case, without one trailing dot (an assumption, contract section 10, step 7). Raises
    InvalidServerCert where that is no host name (RFC 1123 section 2.1).
    """
    # Some letters beyond ASCII become ASCII when lowered (U+212A KELVIN SIGN).
    name = host.lower().removesuffix(".") if host.isascii() else ""
    if not _HOST.fullmatch(name):
        raise InvalidServerCert(f"Invalid domain: {host[:300]!a}")
    return name


def _required(text: str, name: str) -> str:
    trimmed = text.strip()
    if not trimmed:
        raise InvalidProjectConfig(f"The {name} is missing")
    return trimmed


def _https(url: str, name: str) -> str:
    if not _VISIBLE.fullmatch(url):
        raise InvalidProjectConfig(f"The {name} is not a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        sanitize(host)
    except (ValueError, InvalidServerCert):
        raise InvalidProjectConfig(f"The {name} is not a URL with a host name") from None
    if parts.scheme != "https" or port == 0:
        raise InvalidProjectConfig(f"The {name} must use HTTPS")
    if parts.username is not None or parts.password is not None:
        raise InvalidProjectConfig(f"The {name} must not hold credentials")
    return url
