"""What the sample app says: the lines of its log and its toasts (contract section 6.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.phone.activity import described, words
from lab.phone.node import one_line, speakable
from lab.phone.sdk.errors import TrustPinError
from lab.phone.services import HttpResponse, PlatformError, SdkSettings

USER_AGENT = "TrustPin-Android-Sample/1.0.0"
EXCERPT = 200
"""Characters of a response that are shown."""
KEY_EXCERPT = 20
"""Characters of the public key that are shown."""
MAX_PEM = 16_000
"""Characters of a certificate that are shown."""

WELCOME: tuple[str, ...] = (
    "Welcome to TrustPin Android Sample",
    "Configure TrustPin and test connections...",
    "TrustPin Android Sample started",
    "TrustPin configured for debug logging",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the app says at one time."""

    lines: tuple[str, ...]
    toast: str = ""
    failed: bool = False


def setting_up(settings: SdkSettings) -> Said:
    """Say that a setup begins."""
    return Said(
        (
            "Configuring TrustPin...",
            f"   Organization ID: {one_line(settings.organization_id)}",
            f"   Project ID: {one_line(settings.project_id)}",
            f"   Public Key: {one_line(settings.public_key, KEY_EXCERPT)}...",
        )
    )


SET_UP = Said(
    (
        "TrustPin configuration successful",
        "Configuration fields locked - TrustPin is now configured",
    ),
    "TrustPin configured successfully!",
)
FIELDS_MISSING = Said(
    ("Configuration failed: Missing required fields",),
    "Please fill in all configuration fields",
    failed=True,
)
SET_UP_ALREADY = Said(
    ("Setup attempt ignored: TrustPin already configured",),
    "TrustPin is already configured",
    failed=True,
)


def setup_failed(error: BaseException) -> Said:
    """Say why a setup failed."""
    if isinstance(error, TrustPinError):
        text = words(error)
        lines: tuple[str, ...] = (f"TrustPin configuration failed: {text}", _type(error, "code"))
    elif isinstance(error, PlatformError):
        text = words(error)
        lines = (f"Unexpected error: {text}", _type(error, "java_name"))
    else:
        text = described(error)
        lines = (f"Unexpected error: {text}",)
    return Said(lines, f"Configuration failed: {text}", failed=True)


def testing(url: str) -> Said:
    """Say that a request begins."""
    return Said(
        (
            f"Testing connection to: {url}",
            "Making HTTP request...",
            "   Method: GET",
            f"   URL: {url}",
            f"   User-Agent: {USER_AGENT}",
        )
    )


NOT_CONFIGURED = Said(
    ("Test connection failed: TrustPin not configured",),
    "Please configure TrustPin first",
    failed=True,
)
NO_TEST_URL = Said(
    ("Test connection failed: No URL provided",), "Please enter a test URL", failed=True
)


def answered(response: HttpResponse) -> Said:
    """Say what was answered. All of it is on one line each: no server writes log lines.

    A status beyond 200 to 299 is a failed test, as any app would treat it.
    """
    status = one_line(f"{response.status} {response.reason}", EXCERPT).rstrip()
    received = (
        "Response received:",
        f"   Status: {status}",
        f"   Headers: {len(response.headers)} headers",
    )
    if not 200 <= response.status <= 299:
        failure = f"Connection failed: HTTP {status}"
        return Said((*received, failure), failure, failed=True)
    # No character of UTF-8 takes more than four bytes.
    body = response.body[: 4 * EXCERPT].decode("utf-8", "replace")
    success = "Connection test successful!"
    return Said((*received, success, f"   Response: {one_line(body, EXCERPT)}"), success)


def test_failed(error: BaseException, url: str = "") -> Said:
    """Say why a request failed. Android names no ``url``."""
    if isinstance(error, TrustPinError):
        failure = f"TrustPin validation failed: {words(error)}"
        return Said((failure, _type(error, "code")), failure, failed=True)
    if isinstance(error, PlatformError):
        failure = f"Connection failed: {words(error)}"
        return Said((failure, _type(error, "java_name")), failure, failed=True)
    failure = f"Connection failed: {described(error)}"
    return Said((failure,), failure, failed=True)


NO_CERTIFICATE_URL = Said(
    ("Fetch certificate failed: No URL provided",), "Please enter a test URL", failed=True
)
INVALID_URL = Said(("Fetch certificate failed: Invalid URL",), "Invalid URL", failed=True)


def fetching(host: str) -> Said:
    """Say that a certificate is being fetched."""
    return Said((f"Fetching certificate for: {host}",))


def fetched(pem: str) -> Said:
    """Say what certificate there is. The digest is that of the text, not of the DER."""
    digest = hashlib.sha256(pem.encode()).hexdigest()
    text = "\n".join(speakable(pem, MAX_PEM).splitlines())
    return Said(
        (f"Certificate PEM:\n{text}", f"SHA-256 checksum: {digest}"),
        "Certificate fetched successfully!",
    )


def fetch_failed(error: BaseException, url: str = "") -> Said:
    """Say why there is no certificate. Android names no ``url``."""
    known = isinstance(error, TrustPinError | PlatformError)
    failure = f"Fetch certificate failed: {words(error) if known else described(error)}"
    return Said((failure,), failure, failed=True)


CLEARED = Said(("Log cleared",))


def host_of(url: str) -> str | None:
    """Return the host of a URL, None where it has none."""
    try:
        return urlsplit(url).hostname or None
    except ValueError:
        return None


def _type(error: BaseException, attribute: str) -> str:
    """Say of which type ``error`` is: what its ``attribute`` names."""
    try:
        name = str(getattr(error, attribute))
    except Exception:  # noqa: BLE001 - a stand-in's error may be anything
        name = type(error).__name__
    return f"   Error type: {one_line(name, EXCERPT)}"
