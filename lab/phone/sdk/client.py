"""The reference client: what an app with a correct pinning SDK does (contract section 10).

``ReferenceClient`` is as SDK 6 is documented to be; ``ReferenceClient41`` and ``ReferenceClient40``
as those versions are.
"""

from __future__ import annotations

import ssl
import time
from functools import partial
from pathlib import Path

from lab.model.pins import Pin, PinConfiguration
from lab.model.profile import NEWEST, SDK_4_0, SDK_4_1, Profile
from lab.phone.http import HttpClient, LeafCheck
from lab.phone.link import Link
from lab.phone.path_rules import ANDROID, PlatformRules
from lab.phone.pool import Pool
from lab.phone.sdk.background import FirstFetch
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import (
    ErrorFetchingPinningInfo,
    InvalidServerCert,
    Timeout,
    TrustPinError,
)
from lab.phone.sdk.events import Listeners, ValidationEvent, ValidationListener
from lab.phone.sdk.lifecycle import Lifecycle
from lab.phone.sdk.limits import Limits
from lab.phone.sdk.project import Project, read_settings, sanitize
from lab.phone.sdk.reporter import Fate, Reporter, fate_of
from lab.phone.sdk.reports import Failure, QueuedReport, ReportQueue, write_report
from lab.phone.sdk.storage import ConfigurationFiles
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Headers,
    HttpResponse,
    PhoneServices,
    PlatformError,
    SdkSettings,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    SslProtocolError,
)
from lab.phone.sessions import Sessions
from lab.phone.tls import Secured, open_tls
from lab.phone.verify import Judge

APP_USER_AGENT = "TrustPin-Android-Sample/1.0.0"
SDK_USER_AGENT = "TrustPin-Reference-Client/1.0"
CLOSE_CAP = 0.8
"""Seconds that ``close`` waits for the threads that fetch and report."""


class ReferenceClient:
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

    user_store = False
    """Whether the user's certificates are trusted; an app does not unless it opts in."""
    verify_chain = True
    """Whether the platform validates chain and name before the pins are looked at."""
    platform_rules: PlatformRules = ANDROID
    user_agent = APP_USER_AGENT
    verifier_class: type[PinVerifier] = PinVerifier
    keeper_class: type[ConfigurationKeeper] = ConfigurationKeeper
    http_class: type[HttpClient] = HttpClient
    sessions_class: type[Sessions] = Sessions
    changes_scheme = False
    """Whether the app's redirects may lead from https to http, which OkHttp allows."""
    profile: Profile = NEWEST
    """The SDK versions whose documented behaviour this client shows."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        self.phone = phone
        self.storage = storage
        self._lifecycle = Lifecycle(self.profile)
        self._limits = Limits()
        self._listeners = Listeners(lambda text: self.log("ERROR", text))
        self._queue = ReportQueue(storage, lambda text: self.log("WARN", text))
        self._reporter = Reporter(self._queue, self._send_safely)
        self._first_fetch: FirstFetch | None = None
        self._project: Project | None = None
        self._keeper: ConfigurationKeeper | None = None
        self._verifier: tuple[PinConfiguration, PinVerifier] | None = None
        self._pool = Pool()
        self._app = self._app_http(lambda *served: self.check(*served))
        self._source = self._http(SDK_USER_AGENT, lambda *served: self.check_source(*served))
        self._collector = self._http(SDK_USER_AGENT, lambda *served: self.check_collector(*served))
        self._platform = self._http(SDK_USER_AGENT, None)

    def add_listener(self, listener: ValidationListener) -> None:
        """Tell ``listener`` about every definitive verdict from now on, if this version does."""
        self._listeners.add(listener)

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

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge what was served to a connection of the app, before it sends anything.

        Raises TrustPinError, which ends the connection.
        """
        self.log("DEBUG", f"Starting certificate verification for domain: {host}")
        name = sanitize(host)
        self.log("DEBUG", f"Sanitized domain: {name}")
        self._judge(self.configuration(), name, port, chain)

    def vouches(self, host: str, port: int, chain: tuple[bytes, ...]) -> bool:
        """Tell whether the pins let a request for ``host`` go out on a connection that is open
        already, and which this chain was served to; without any event or report about it."""
        usable = self._keeper.usable if self._keeper is not None else None
        if usable is None:
            return False
        try:
            self.verifier(usable).judge(sanitize(host), chain, self.phone.now())
        except TrustPinError:
            return False
        return True

    def check_source(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge what a source of the configuration served, by the configuration held.

        Only the platform's word is asked where that has no pin for the source that is alive:
        the signature is what a configuration is believed for, and pins that have expired must
        not keep the new ones out.
        """
        held = self._keeper.held if self._keeper is not None else None
        if held is None:
            return
        name = sanitize(host)
        verifier = self.verifier(held)
        if verifier.live(verifier.pins_for(name) or (), self.phone.now()):
            self._judge(held, name, port, chain)

    def check_collector(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge what the collector served, without any event or report about it.

        A collector without pins has the platform's word; without any configuration in force
        nothing is sent.
        """
        usable = self._keeper.usable if self._keeper is not None else None
        if usable is None:
            raise ErrorFetchingPinningInfo("No usable pinning configuration")
        name = sanitize(host)
        verifier = self.verifier(usable)
        if verifier.pins_for(name) is not None:
            verifier.judge(name, chain, self.phone.now())

    def configuration(self) -> PinConfiguration:
        """Return the configuration in force, and wait for it where none has arrived yet.

        Raises what stands in its way: NotInitialized, ErrorFetchingPinningInfo,
        ConfigurationValidationFailed, ConfigIntegrityError, Timeout.
        """
        if self._keeper is None:
            raise self._lifecycle.not_set_up()
        return self._keeper.current(self.profile.waits_for)

    def verifier(self, configuration: PinConfiguration) -> PinVerifier:
        """Return the verifier of this very configuration."""
        known = self._verifier
        if known is not None and known[0] is configuration:
            return known[1]
        assert self._project is not None, "a configuration comes of a setup"
        verifier = self.verifier_class(configuration, self._project.mode)
        self._verifier = configuration, verifier
        return verifier

    def fetch(self, url: str, timeout: float) -> bytes:
        """Return what ``url`` answers with within ``timeout`` seconds, all in all. Redirects are
        not followed (an assumption).

        Raises ErrorFetchingPinningInfo, PlatformError, and what ``check_source`` raises.
        """
        with self._limits.within(timeout) as limit:
            answer = self._source.request(
                url, timeout=timeout, follow_redirects=False, cancellation=limit
            )
        if answer.status != 200:
            raise ErrorFetchingPinningInfo(f"HTTP {answer.status}")
        return answer.body

    def report(
        self,
        host: str,
        port: int,
        chain: tuple[bytes, ...],
        error: TrustPinError,
        pins: tuple[Pin, ...],
    ) -> None:
        """Queue a report about a connection that was refused, never one about the collector."""
        project = self._project
        if project is None or not project.report_url or host == project.report_host:
            return
        failure = Failure(host, port, self.phone.now(), error.code, chain, pins)
        self._queue.add(self.compose(failure))
        if self._lifecycle.is_ready:
            self._reporter.nudge()

    def compose(self, failure: Failure) -> QueuedReport:
        """Write the report about a failure."""
        assert self._project is not None, "failures are reported after setup"
        return write_report(failure, self._project.device)

    def send(self, report: QueuedReport) -> Fate:
        """Try to deliver a report. Raises PlatformError and what ``check_collector`` raises."""
        assert self._project is not None, "reports are sent after setup"
        answer = self._collector.request(
            self._project.report_url,
            method="POST",
            headers=(("Content-Type", "application/json"),),
            body=report.body,
            follow_redirects=False,
            cancellation=self._limits.closing,
        )
        fate = self.fate(answer.status)
        if fate is not Fate.DELIVERED:
            self.log("WARN", f"The collector answered {answer.status} to report {report.id}")
        return fate

    def fate(self, status: int) -> Fate:
        """Return what becomes of a report that the collector answered with this status."""
        return fate_of(status)

    def log(self, level: str, message: str) -> None:
        """Write a line to the phone's log."""
        self.phone.log("TrustPin", level, message)

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        """Do the handshake with ``host`` on an open connection and judge what it serves.

        Raises PlatformError. Takes ``link`` over.
        """
        return open_tls(link, host, judge)

    def _app_http(self, check: LeafCheck) -> HttpClient:
        return self.http_class(
            self.phone,
            user_agent=self.user_agent,
            user_store=self.user_store,
            verify=self.verify_chain,
            rules=self.platform_rules,
            check=check,
            tls=self.open_tls,
            pool=self._pool,
            vouches=lambda *served: self.vouches(*served),
            sessions=self.sessions_class(),
            changes_scheme=self.changes_scheme,
        )

    def _http(self, user_agent: str, check: LeafCheck | None) -> HttpClient:
        return HttpClient(
            self.phone,
            user_agent=user_agent,
            user_store=self.user_store,
            verify=self.verify_chain,
            rules=self.platform_rules,
            check=check,
            tls=self.open_tls,
        )

    def _make_keeper(self, project: Project) -> ConfigurationKeeper:
        files = ConfigurationFiles(self.storage, project.scope, lambda text: self.log("WARN", text))
        keeper = self.keeper_class(project, files, self.phone, self.fetch, self.profile)
        self._project, self._keeper = project, keeper
        return keeper

    def _judge(
        self, configuration: PinConfiguration, host: str, port: int, chain: tuple[bytes, ...]
    ) -> None:
        verifier = self.verifier(configuration)
        pins = verifier.pins_for(host) or ()
        if pins:
            self.log("DEBUG", f"Found domain configuration with {len(pins)} pins")
        try:
            pin = verifier.judge(host, chain, self.phone.now())
        except TrustPinError as error:
            self.log("ERROR", f"{error.code}: {error}")
            if error.kind in self.profile.announces:
                self._listeners.tell(ValidationEvent(host, error, chain[0]))
                self.report(host, port, chain, error, pins)
            raise
        if pin is None:
            self.log("INFO", f"Domain {host} is not registered: allowed (permissive mode)")
            return
        self.log("DEBUG", f"Certificate hash matches {pin.kind} pin for domain {host}")
        self.log("INFO", f"Valid pin found for {host}")
        if self.profile.announces:
            self._listeners.tell(ValidationEvent(host))

    def _send_safely(self, report: QueuedReport) -> Fate:
        try:
            return self.send(report)
        except (PlatformError, TrustPinError) as error:
            self.log("WARN", f"Report {report.id} has to wait: {error}")
        except Exception as error:  # noqa: BLE001 - a stand-in's mistake must not end the thread
            self.log("ERROR", f"Report {report.id} not sent: {type(error).__name__}: {error}")
        return Fate.KEPT


class ReferenceClient41(ReferenceClient):
    """As SDK 4.1 is documented to be."""

    profile = SDK_4_1


class ReferenceClient40(ReferenceClient):
    """As SDK 4.0 is documented to be."""

    profile = SDK_4_0
