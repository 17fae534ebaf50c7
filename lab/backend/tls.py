"""Which certificate a service shows to whom, replaceable while it runs."""

from __future__ import annotations

import ssl
import tempfile
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lab.pki.credential import Credential

ALPN = ("h2", "http/1.1")
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: what RFC 9113 appendix A leaves for HTTP/2."""


class Certificates:
    """A certificate for each server name, and one for clients that name none or another.

    ``present`` may be called from any thread; what it says holds for every connection that
    begins after it returned.
    """

    def __init__(self, default: Credential) -> None:
        self._lock = threading.Lock()
        self._default = server_context(default)
        self._named: Mapping[str, ssl.SSLContext] = MappingProxyType({})
        self._asked: weakref.WeakKeyDictionary[ssl.SSLObject, str] = weakref.WeakKeyDictionary()
        self._front = self._chooser()

    def present(self, credential: Credential, host: str | None = None) -> None:
        """Show ``credential`` to clients that ask for ``host``; None stands for all others."""
        context = server_context(credential)
        with self._lock:
            if host is None:
                self._default = context
            else:
                self._named = MappingProxyType({**self._named, host.lower(): context})
            # Sessions belong to the context that a connection began with. With a new one none is
            # resumed, so that nobody gets in without seeing the new certificate.
            self._front = self._chooser()

    @property
    def context(self) -> ssl.SSLContext:
        """The context to begin a new connection with; the SNI selects the certificate."""
        return self._front

    def server_name(self, connection: ssl.SSLObject) -> str | None:
        """Return the SNI that the client of ``connection`` sent."""
        return self._asked.get(connection)

    def _chooser(self) -> ssl.SSLContext:
        named, default = self._named, self._default

        def choose(
            connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
        ) -> None:
            if name is not None and isinstance(connection, ssl.SSLObject):
                self._asked[connection] = name
            connection.context = named.get((name or "").lower(), default)

        # Has no certificate of its own: each connection is moved to a context that has.
        context = _bare_context()
        context.sni_callback = choose
        return context


def server_context(credential: Credential) -> ssl.SSLContext:
    """Return a TLS server context (1.2 and 1.3, HTTP/2 and HTTP/1.1) for ``credential``.

    Python loads keys from files only. The file is mode 0600 in a directory of mode 0700, and
    both are gone when this returns. Raises ssl.SSLError where key and certificate do not belong
    together.
    """
    context = _bare_context()
    with tempfile.TemporaryDirectory(prefix="trustpin-lab-") as directory:
        chain, key = credential.write(Path(directory), "server")
        context.load_cert_chain(chain, key)
    return context


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(ALPN)
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context
