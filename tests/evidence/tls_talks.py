"""TLS connections of OpenSSL's in memory: what each end sent, and the secrets."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.pki.hierarchy import LabPki

HOST = "api.acme.test"


@dataclass(frozen=True, slots=True)
class Talk:
    """A connection that is over."""

    up: bytes
    down: bytes
    key_log: tuple[bytes, ...]
    chain: tuple[str, ...]
    """SHA-256 of what was served."""


def talk(
    pki: LabPki,
    folder: Path,
    *,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    trusts: bool = True,
    said: bytes = b"GET / HTTP/1.1\r\n\r\n",
    suites: str | None = None,
    curve: str | None = None,
) -> Talk:
    """Return a connection on which a client asks for HOST. It refuses the chain unless it
    ``trusts``; ``suites`` and ``curve`` are what the server has."""
    served = pki.compromised.issue(HOST)
    certificate, key = served.write(folder, "served")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server_side, client_side):
        context.minimum_version = context.maximum_version = version
    if suites is not None:
        server_side.set_ciphers(suites)
    if curve is not None:
        server_side.set_ecdh_curve(curve)
    anchor = pki.compromised_root if trusts else pki.public_root
    client_side.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(anchor.der))
    log = folder / "keys.log"
    log.unlink(missing_ok=True)
    client_side.keylog_filename = str(log)
    to_client, from_client, to_server, from_server = (ssl.MemoryBIO() for _ in range(4))
    client = client_side.wrap_bio(to_client, from_client, server_hostname=HOST)
    server = server_side.wrap_bio(to_server, from_server, server_side=True)
    up, down = bytearray(), bytearray()

    def pass_on() -> None:
        for line, other, kept in ((from_client, to_server, up), (from_server, to_client, down)):
            fresh = line.read()
            kept += fresh
            other.write(fresh)

    steps: list[Callable[[], object]] = [client.do_handshake, server.do_handshake] * 3
    steps += [lambda: client.write(said), server.read, client.unwrap, server.unwrap]
    for step in steps:
        # It waits for the other end, or has told it why it goes.
        with contextlib.suppress(ssl.SSLError):
            step()
        pass_on()
    return Talk(bytes(up), bytes(down), tuple(log.read_bytes().splitlines()), served.digests)
