"""The life of a configuration as a state machine, against a model written from the contract."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lab.model.profile import SDK_4_1, SDK_6
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import TrustPinError
from lab.phone.sdk.storage import STATE, TOKEN, ConfigurationFiles
from lab.phone.services import ConnectError
from tests.phone.sdk import tokens
from tests.phone.sdk.phones import TestPhone
from tests.phone.sdk.tokens import PROJECT

VERSIONS = range(1, 6)
WRONG = (tokens.tampered, tokens.foreign, tokens.future, tokens.without_domains)
GOOD = {version: tokens.right(version) for version in VERSIONS}
BAD = {(make.__name__, version): make(version) for make in WRONG for version in VERSIONS}
STEPS = [0.0, 4.0, 5.0, 300.0, 599.0, 600.0, 601.0, 40_000.0, 86_399.0, 86_400.0, -1.0, -700.0]
DAY = 86_400.0


class ConfigurationLife(RuleBasedStateMachine):
    """Publishing, outages, attacks, clock changes, restarts and damaged files in any order."""

    profile = SDK_6

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.phone = TestPhone()
        self.served: bytes | None = None
        self.version: int | None = None
        """What is served is right, and this version; None where it is wrong or there is none."""
        self.fetches = self.due_fetches = 0
        self.keeper: ConfigurationKeeper | None = None
        # The model.
        self.in_force: tuple[int, float] | None = None
        self.fresh = False
        self.highest = 0
        self.failed_at: float | None = None
        self.failure = "ErrorFetchingPinningInfo"
        self.token_on_disk: int | None = None
        self.state_on_disk: tuple[float, int] | None = None

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def fetch(self, url: str, timeout: float) -> bytes:
        self.fetches += 1
        if self.served is None:
            raise ConnectError("down")
        return self.served

    @rule(version=st.sampled_from(VERSIONS))
    def publish(self, version: int) -> None:
        self.served, self.version = GOOD[version], version

    @rule(which=st.sampled_from(sorted(BAD)))
    def attack(self, which: tuple[str, int]) -> None:
        self.served, self.version = BAD[which], None

    @rule()
    def outage(self) -> None:
        self.served = self.version = None

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: float) -> None:
        self.phone.clock += step

    @precondition(lambda self: self.state_on_disk is not None)
    @rule(name=st.sampled_from([TOKEN, STATE]), lost=st.booleans())
    def disk_fails(self, name: str, lost: bool) -> None:
        path = Path(self.folder.name) / name
        if lost:
            path.unlink(missing_ok=True)
        elif path.exists():
            path.write_bytes(path.read_bytes()[:-3])
        if name == TOKEN:
            self.token_on_disk = None
        else:
            self.state_on_disk = None

    @rule()
    def restart(self) -> None:
        files = ConfigurationFiles(Path(self.folder.name), PROJECT.scope, self.phone.lines.append)
        keeper = ConfigurationKeeper(PROJECT, files, self.phone, self.fetch, self.profile)
        self.in_force, self.fresh, self.failed_at, self.highest = None, False, None, 0
        if self.state_on_disk is not None:
            at, self.highest = self.state_on_disk
            if self.token_on_disk is not None:
                self.in_force = (self.token_on_disk, at)
        due = self._attempt()
        if self.profile.setup_fetches:
            if due == "ErrorFetchingPinningInfo" and self._usable():
                due = ""
            assert _error_of(keeper.start) == due
            self.keeper = None if due else keeper
        else:
            assert _error_of(keeper.take_up) == ""
            assert _error_of(keeper.prefetch) == ""
            self.keeper = keeper

    @precondition(lambda self: self.keeper is not None)
    @rule()
    def request(self) -> None:
        assert self.keeper is not None
        if not (self.fresh and self.in_force and 0 <= self._age() < 600):
            waits = self.failed_at is not None and 0 <= self.phone.clock - self.failed_at < 5
            if not (waits and self._usable()):
                self._attempt()
        due = "" if self._usable() else self.failure
        assert _error_of(self.keeper.current) == due
        if not due:
            assert self.in_force is not None
            assert self.keeper.current().version == self.in_force[0]

    @invariant()
    def fetches_as_often_as_it_should(self) -> None:
        if hasattr(self, "folder"):
            assert self.fetches == self.due_fetches

    @invariant()
    def never_goes_back(self) -> None:
        """Whatever else happens, what is in force is the highest that was trusted."""
        if self.profile.refuses_older and hasattr(self, "folder") and self.keeper is not None:
            held = self.keeper.held
            assert held is None or held.version == self.highest

    def _age(self) -> float:
        assert self.in_force is not None
        return self.phone.clock - self.in_force[1]

    def _usable(self) -> bool:
        return self.in_force is not None and self._age() < DAY

    def _attempt(self) -> str:
        """Model one fetch of the whole list, and return the error that a start ends with."""
        older = self.version is not None and self.version < self.highest
        if self.version is None or (older and self.profile.refuses_older):
            self.failed_at = self.phone.clock
            self.due_fetches += 2
            self.failure = self._failure()
            return self.failure
        now = self.phone.clock
        self.in_force, self.highest = (self.version, now), self.version
        self.token_on_disk, self.state_on_disk = self.version, (now, self.version)
        self.fresh, self.failed_at = True, None
        self.due_fetches += 1
        return ""

    def _failure(self) -> str:
        if self.served is None:
            return "ErrorFetchingPinningInfo"
        return "ConfigIntegrityError" if self.version else "ConfigurationValidationFailed"


class LifeBeforeReplayProtection(ConfigurationLife):
    """The same with a setup that fetches, and with older versions like any other."""

    profile = SDK_4_1


def _error_of(call: Callable[[], object]) -> str:
    try:
        call()
    except TrustPinError as error:
        return error.code
    return ""


MANY = settings(max_examples=100, stateful_step_count=30, deadline=None)
ConfigurationLife.TestCase.settings = MANY
LifeBeforeReplayProtection.TestCase.settings = MANY
TestConfigurationLife = ConfigurationLife.TestCase
TestLifeBeforeReplayProtection = LifeBeforeReplayProtection.TestCase
