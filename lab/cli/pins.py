"""``trustpin-lab pins``: the pins of a certificate, from a file or from a server."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import warnings
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from lab.cli.saying import fail
from lab.model.pins import PinKind
from lab.pinning.pins import digest_of, read_certificate

TIMEOUT = 5.0
"""Seconds to wait for a server: to connect, and again for its handshake."""
MAX_FILE = 1 << 20
"""Bytes of a file; no chain of certificates is as long."""

_SERVER = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>[0-9]{1,5})")


class Unreadable(Exception):
    """No certificate could be had; the message says why in one line."""


def pins(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|HOST:PORT",
            help="A PEM or DER file (of a chain, the first certificate counts), or a TLS server.",
        ),
    ],
    hexadecimal: Annotated[
        bool, typer.Option("--hex", help="Write digests as hexadecimal, not as base64.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Show the four pins of a certificate.

    A server's certificate is taken as it comes, without verification: compare it with another
    source before you pin it.
    """
    try:
        certificate = certificate_from(source)
    except Unreadable as error:
        fail(f"{source!r}: {error}")
    texts = {kind.value: _text(certificate, kind, hexadecimal) for kind in PinKind}
    if as_json:
        typer.echo(json.dumps(texts, indent=2))
        return
    width = max(map(len, texts))
    for kind, text in texts.items():
        typer.echo(f"{kind:<{width}}  {text}")


def certificate_from(source: str) -> x509.Certificate:
    """Read the certificate that ``source`` stands for: a file, else HOST:PORT.

    Raises Unreadable.
    """
    content = _content(source)
    # A certificate that breaks a rule, such as a serial number below zero, has pins all the same.
    with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
        try:
            return read_certificate(content)
        except ValueError:
            raise Unreadable("not a certificate, neither PEM nor DER") from None


def served_leaf(host: str, port: int) -> bytes:
    """Return the DER of the leaf that a TLS server presents, unverified. Raises Unreadable."""
    if not 0 < port < 1 << 16:
        raise Unreadable("a port is a number from 1 to 65535")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            leaf = secured.getpeercert(binary_form=True)
    except TimeoutError:
        raise Unreadable(f"no answer within {TIMEOUT:g} s") from None
    except ssl.SSLError as error:
        raise Unreadable(f"no TLS handshake: {error.reason or error}") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    except UnicodeError:
        raise Unreadable("not a host name") from None
    assert leaf is not None, "no suite without a certificate is offered"
    return leaf


def _content(source: str) -> bytes:
    server = _SERVER.fullmatch(source)
    try:
        with Path(source).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        if server is None:
            raise Unreadable("no such file, and not HOST:PORT") from None
        return served_leaf(server["v6"] or server["host"], int(server["port"]))
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    if len(content) > MAX_FILE:
        raise Unreadable(f"longer than {MAX_FILE} bytes: not a certificate")
    return content


def _text(certificate: x509.Certificate, kind: PinKind, hexadecimal: bool) -> str:
    digest = digest_of(certificate, kind)
    return digest.hex() if hexadecimal else base64.b64encode(digest).decode()
