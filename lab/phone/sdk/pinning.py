"""The pins: which configuration decides, and what is judged by it (contract section 10)."""

from __future__ import annotations

from pathlib import Path

from lab.model.pins import Pin, PinConfiguration
from lab.model.profile import NEWEST, Profile
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.connecting import SDK_USER_AGENT, ConnectingClient
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, TrustPinError
from lab.phone.sdk.events import Listeners, ValidationEvent, ValidationListener
from lab.phone.sdk.lifecycle import Lifecycle
from lab.phone.sdk.project import Project, sanitize
from lab.phone.sdk.storage import ConfigurationFiles
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import PhoneServices


class PinningClient(ConnectingClient):
    """Keeps a configuration, judges by it what is served, and tells listeners."""

    verifier_class: type[PinVerifier] = PinVerifier
    keeper_class: type[ConfigurationKeeper] = ConfigurationKeeper
    profile: Profile = NEWEST
    """The SDK versions whose documented behaviour this client shows."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._lifecycle = Lifecycle(self.profile)
        self._listeners = Listeners(lambda text: self.log("ERROR", text))
        self._project: Project | None = None
        self._keeper: ConfigurationKeeper | None = None
        self._verifier: tuple[PinConfiguration, PinVerifier] | None = None
        self._source = self._http(SDK_USER_AGENT, lambda *served: self.check_source(*served))

    def add_listener(self, listener: ValidationListener) -> None:
        """Tell ``listener`` about every definitive verdict from now on, if this version does."""
        self._listeners.add(listener)

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
        """Take note of a connection that was refused for certain; ``pins`` are the host's."""

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
