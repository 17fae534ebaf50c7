"""The reference client: what an app with a correct pinning SDK does (contract section 10).

``ReferenceClient`` is as SDK 6 is documented to be; ``ReferenceClient41`` and ``ReferenceClient40``
as those versions are.
"""

from __future__ import annotations

import ssl
import time
from functools import partial
from pathlib import Path

from lab.model.profile import SDK_4_0, SDK_4_1
from lab.phone.sdk.background import FirstFetch
from lab.phone.sdk.connecting import SDK_USER_AGENT
from lab.phone.sdk.errors import InvalidServerCert, Timeout
from lab.phone.sdk.project import read_settings, sanitize
from lab.phone.sdk.reporting import ReportingClient
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Headers,
    HttpResponse,
    PhoneServices,
    SdkSettings,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
)

CLOSE_CAP = 0.8
"""Seconds that ``close`` waits for the threads that fetch and report."""


class ReferenceClient(ReportingClient):
    """Implements ``lab.phone.services.Sdk``. May be used from any thread.

    Definitive failures are told to listeners and reported where the documents have a listener
    (contract section 5); where they have none, the app hears of them as errors alone.

    A client that is wrong in one way is a subclass that overrides one thing:

    - ``user_store``, ``verify_chain``: what the platform is asked to check;
    - ``platform_rules``: the platform's own rules about path and name;
    - ``user_agent``: what the app calls itself to servers;
    - ``verifier_class``: a ``PinVerifier`` that compares in another way;
    - ``keeper_class``: a ``ConfigurationKeeper`` with another idea of what is in force;
    - ``open_tls``: the platform's TLS, for every connection that the client makes;
    - ``http_class``: the HTTP client that carries the app's requests;
    - ``sessions_class``: which TLS sessions of the app's are resumed, and with whom;
    - ``changes_scheme``: whether a redirect may lead the app from https to http;
    - ``vouches``: whether a connection that is open already may be shared;
    - ``check``: all that is done about the chain of a connection of the app;
    - ``configuration``: which configuration decides about it;
    - ``fetch``, ``check_source``: how a configuration is fetched and whom from;
    - ``report``, ``compose``, ``send``, ``fate``, ``check_collector``: whether and how failures
      are reported, whom to;
    - ``get``, ``fetch_certificate``: the calls of the app themselves.
    """

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._first_fetch: FirstFetch | None = None
        self._app = self._app_http(lambda *served: self.check(*served))
        self._platform = self._http(SDK_USER_AGENT, None)

    def setup(self, settings: SdkSettings) -> None:
        """Set up as the documents of this version have it: with a fetch, or with one that runs
        in the background and is told of at the first request."""
        if not self._lifecycle.begin():
            self.log("WARN", "TrustPin is already initialized: this setup is ignored")
            return
        try:
            keeper = self._make_keeper(read_settings(settings))
            if self.profile.setup_fetches:
                keeper.start()
            else:
                keeper.take_up()
        except BaseException as error:
            self._project = self._keeper = None
            self._lifecycle.fail(error)
            raise
        self._lifecycle.succeed()
        if self.profile.setup_fetches:
            self._reporter.nudge()
        else:
            # What an earlier start could not report needs a configuration, too.
            warn = partial(self.log, "WARN")
            self._first_fetch = FirstFetch(keeper, warn, self._reporter.nudge)

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self._lifecycle.require_setup()
        response = self._app.request(
            url, headers=headers, timeout=timeout, cancellation=self._limits.closing
        )
        if url.lower().startswith("https:"):
            self._reporter.nudge()
        return response

    def fetch_certificate(self, host: str, port: int = 443) -> str:
        """Return the leaf, PEM. Works before setup too, as the sample apps rely on.

        Raises InvalidServerCert where the platform does not trust it, Timeout where this version
        has that error, PlatformError.
        """
        name = sanitize(host)
        if not 0 < port < 65536:
            raise InvalidServerCert(f"Invalid port: {port}")
        try:
            leaf = self._platform.leaf(name, port, DEFAULT_TIMEOUT, self._limits.closing)
        except SocketTimeout as error:
            kind = Timeout if Timeout.__name__ in self.profile.errors else InvalidServerCert
            raise kind(f"No certificate of '{name}' in time") from error
        except (SslHandshakeError, SslPeerUnverifiedError, SslProtocolError) as error:
            raise InvalidServerCert(str(error)) from error
        return ssl.DER_cert_to_PEM_cert(leaf)

    def close(self) -> None:
        deadline = time.monotonic() + CLOSE_CAP
        self._limits.close()
        self._pool.close()
        self._reporter.close(CLOSE_CAP)
        if self._first_fetch is not None:
            self._first_fetch.wait(max(0.0, deadline - time.monotonic()))


class ReferenceClient41(ReferenceClient):
    """As SDK 4.1 is documented to be."""

    profile = SDK_4_1


class ReferenceClient40(ReferenceClient):
    """As SDK 4.0 is documented to be."""

    profile = SDK_4_0
