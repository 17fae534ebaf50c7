"""Real clients: curl, openssl and plain sockets."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.model.device import Endpoint
from tests.patience import CAP

_STORES = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in _STORES and not name.lower().endswith("_proxy")
}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


@dataclass(frozen=True)
class Answered:
    """What curl made of one request."""

    exit: int
    status: int
    version: str
    location: str
    media_type: str
    body: bytes
    complaint: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Curl:
    """curl that trusts ``root`` and nothing else, and finds hosts at the given endpoints."""

    root: Path
    directory: Path

    def __call__(
        self, endpoint: Endpoint, host: str, *arguments: str, path: str = "/", data: bytes = b""
    ) -> Answered:
        body = self.directory / "curl-body"
        body.unlink(missing_ok=True)
        told = "%{http_code}\n%{http_version}\n%{redirect_url}\n%{content_type}\n"
        sent = ("--data-binary", "@-") if data else ()
        command = [
            *("curl", "--silent", "--show-error", "--disable", "--cacert", str(self.root)),
            *("--max-time", str(CAP), "--resolve", f"{host}:{endpoint.port}:{endpoint.host}"),
            *("--output", str(body), "--write-out", told, *sent, *arguments),
            f"https://{host}:{endpoint.port}{path}",
        ]
        done = subprocess.run(command, env=ENVIRONMENT, input=data, capture_output=True)
        # One group of lines for each URL; that of the last is told.
        status, version, location, media_type, _ = done.stdout.decode().split("\n")[-5:]
        return Answered(
            done.returncode,
            int(status),
            version,
            location,
            media_type,
            body.read_bytes() if body.exists() else b"",
            done.stderr.decode(),
        )


def served_chain(endpoint: Endpoint, host: str | None) -> tuple[bytes, ...]:
    """Return the DER certificates that openssl is served for SNI ``host``, in order."""
    name = ("-noservername",) if host is None else ("-servername", host)
    done = subprocess.run(
        ["openssl", "s_client", "-connect", str(endpoint), "-showcerts", *name],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CAP,
    )
    shown = done.stdout.decode().partition("Server certificate")[0]
    return tuple(ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(shown))


def connect(endpoint: Endpoint) -> socket.socket:
    return socket.create_connection((endpoint.host, endpoint.port), CAP)


def client_context(root: Path, *alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(root))
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def secure(
    endpoint: Endpoint, host: str, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    plain = connect(endpoint)
    try:
        return context.wrap_socket(plain, server_hostname=host, session=session)
    except BaseException:
        plain.close()
        raise


def get(connection: ssl.SSLSocket, host: str) -> bytes:
    """Send a GET and return the first bytes of the answer."""
    connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return connection.recv(4096)


def ended(connection: socket.socket) -> bool:
    """Read until the other side ends the connection, in whatever way; False past CAP."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
