"""Independent judges of a chain: the openssl program, a verifier in Rust, and a TLS handshake.

Each returns None where it believes the chain, or the reason why it does not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from lab.pki.credential import Credential
from tests.patience import CAP

Verifier = Callable[[Credential, x509.Certificate, str], str | None]
"""Judges what a server presents, for a root that is trusted and a host or address."""


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(c.public_bytes(Encoding.PEM) for c in certificates)


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    return None


def openssl(credential: Credential, root: x509.Certificate, host: str) -> str | None:
    subject = ("-verify_hostname", host) if address(host) is None else ("-verify_ip", host)
    with tempfile.TemporaryDirectory() as directory:
        trusted, sent, leaf = (Path(directory, name) for name in ("root", "issuers", "leaf"))
        trusted.write_bytes(pem(root))
        sent.write_bytes(pem(*credential.issuers))
        leaf.write_bytes(pem(credential.certificate))
        untrusted = ("-untrusted", str(sent)) if credential.issuers else ()
        command = [
            *("openssl", "verify", "-x509_strict", "-purpose", "sslserver"),
            *("-no-CApath", "-no-CAstore", "-CAfile", str(trusted)),
            *(*untrusted, *subject, str(leaf)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CAP)
    return done.stderr if done.returncode else None


def rust(credential: Credential, root: x509.Certificate, host: str) -> str | None:
    numeric = address(host)
    subject = x509.DNSName(host) if numeric is None else x509.IPAddress(numeric)
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(subject)
    try:
        verifier.verify(credential.certificate, list(credential.issuers))
    except VerificationError as error:
        return str(error)
    return None


def handshake(credential: Credential, root: x509.Certificate, host: str) -> str | None:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        server_context.load_cert_chain(*credential.write(Path(directory), "server"))
    client_context = ssl.create_default_context(cadata=pem(root).decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    assert client.getpeercert(binary_form=True) == credential.chain_der[0]
    return None


def signatures(credential: Credential, root: x509.Certificate, host: str) -> str | None:
    """Verify each signature and nothing else; for keys that the verifier in Rust refuses."""
    chain = (*credential.chain, root)
    for issued, issuer in itertools.pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except Exception as error:  # noqa: BLE001 - the kinds are many, and each is a refusal
            return repr(error)
    return None


ALL: dict[str, Verifier] = {"openssl": openssl, "rust": rust, "handshake": handshake}
each = pytest.mark.parametrize("verifier", ALL.values(), ids=ALL)
