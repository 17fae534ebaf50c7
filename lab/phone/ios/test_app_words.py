"""What TrustPin's iOS TestApp says: the lines of its log (contract section 6.2).

The contract does not tell the texts of the SDK's own errors (localizedDescription). Here they are
the documented Swift name and the error's words.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from lab.model.pins import Mode
from lab.phone.activity import described, words
from lab.phone.app_words import EXCERPT, KEY_EXCERPT, MAX_PEM, Said
from lab.phone.ios.url_errors import url_error
from lab.phone.node import one_line, speakable
from lab.phone.sdk.errors import TrustPinError
from lab.phone.services import HttpResponse, PlatformError, SdkSettings

USER_AGENT = "TrustPin-iOS-Sample/1.0"

INFO, SUCCESS, WARNING, ERROR, DEBUG = "📱", "✅", "⚠️", "❌", "🔍"
"""The icons of log entries."""

_SWIFT = {
    "ConfigIntegrityError": "configIntegrityFailed",
    # Kotlin's alone; to Swift both are the project's configuration (contract section 3.1).
    "NotInitialized": "invalidProjectConfig",
    "SetupInProgress": "invalidProjectConfig",
}


def _info(*lines: str) -> tuple[str, ...]:
    return tuple(f"{INFO} {line}" for line in lines)


def _failed(*lines: str) -> Said:
    return Said(tuple(f"{ERROR} {line}" for line in lines), failed=True)


WELCOME = _info("TrustPin iOS Sample started")
SET_UP = Said((f"{SUCCESS} TrustPin configuration successful",))
SET_UP_ALREADY = SET_UP
FIELDS_MISSING = _failed("Configuration failed: Missing required fields")
NOT_CONFIGURED = _failed("Connection failed: TrustPin not configured")
NO_TEST_URL = _failed("Connection failed: No URL provided")
NO_CERTIFICATE_URL = _failed("Fetch certificate failed: No URL provided")
INVALID_URL = _failed("Fetch certificate failed: Invalid URL format")
CLEARED = Said(_info("Log cleared"))


def setting_up(settings: SdkSettings) -> Said:
    """Say that a setup begins."""
    mode = "Permissive" if settings.mode is Mode.PERMISSIVE else "Strict"
    return Said(
        _info(
            "Configuring TrustPin...",
            f"Organization ID: {one_line(settings.organization_id)}",
            f"Project ID: {one_line(settings.project_id)}",
            f"Public Key: {one_line(settings.public_key, KEY_EXCERPT)}...",
            f"Mode: {mode}",
        )
    )


def setup_failed(error: BaseException) -> Said:
    """Say why a setup failed."""
    return _failed(f"TrustPin configuration failed: {_description(error, '')}")


def testing(url: str) -> Said:
    """Say that a request begins."""
    return Said(
        (
            *_info(
                f"Testing connection to: {url}",
                "Making HTTP request...",
                "Method: GET",
                f"URL: {url}",
                f"User-Agent: {USER_AGENT}",
            ),
            f"{DEBUG} Using TrustPin SSL certificate validation",
        )
    )


def answered(response: HttpResponse) -> Said:
    """Say what was answered, each on one line: no server writes log lines.

    A status beyond 200 to 299 is a failed test, as any app would treat it.
    """
    received = _info("Response received:", f"Status: {response.status}")
    if not 200 <= response.status <= 299:
        failure = f"{ERROR} Connection failed: HTTP {response.status}"
        return Said((*received, failure), failed=True)
    # No character of UTF-8 takes more than four bytes.
    body = response.body[: 4 * EXCERPT].decode("utf-8", "replace")
    success = f"{SUCCESS} Connection test successful!"
    return Said((success, *received, *_info(f"Response: {one_line(body, EXCERPT)}")))


def test_failed(error: BaseException, url: str) -> Said:
    """Say why a request to ``url`` failed."""
    return _failed(f"Connection failed: {_description(error, _host(url))}")


def fetching(host: str) -> Said:
    """Say that a certificate is being fetched. ``host`` has its port."""
    return Said(_info(f"Fetching certificate from: {host}"))


def fetched(pem: str) -> Said:
    """Say what certificate there is. The digest is that of the text, not of the DER."""
    digest = hashlib.sha256(pem.encode()).hexdigest()
    text = "\n".join(speakable(pem, MAX_PEM).splitlines())
    return Said(
        (
            f"{SUCCESS} Certificate fetched successfully!",
            *_info(f"Certificate SHA256: {digest}", f"Certificate PEM:\n{text}"),
        )
    )


def fetch_failed(error: BaseException, url: str) -> Said:
    """Say why there is no certificate."""
    return _failed(f"Failed to fetch certificate: {_description(error, _host(url))}")


def host_of(url: str) -> str | None:
    """Return ``host:port`` of a URL, None where it has no host."""
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return None
    return f"{parts.hostname}:{port}" if parts.hostname else None


def _host(url: str) -> str:
    return (host_of(url) or url).rpartition(":")[0] or url


def _description(error: BaseException, host: str) -> str:
    """Return what an error's ``localizedDescription`` would be."""
    if isinstance(error, TrustPinError):
        return f"TrustPinErrors.{swift_name(error)}: {words(error)}"
    if isinstance(error, PlatformError):
        return one_line(url_error(error, host).text)
    return described(error)


def swift_name(error: TrustPinError) -> str:
    """Return the Swift case of an error (contract section 3.1)."""
    try:
        code = str(error.code)
    except Exception:  # noqa: BLE001 - a stand-in's error may be anything
        code = type(error).__name__
    name = one_line(code, EXCERPT)
    return _SWIFT.get(name, name[:1].lower() + name[1:])
