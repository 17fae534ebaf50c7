"""TrustPin's sample apps, in their lab builds: they can be told where the configuration is, where
failure reports go, and to be permissive (contract sections 6.1 and 6.2 have none of these inputs).

The Android sample, and what it has in common with the iOS one, which looks and words things
otherwise (``lab.phone.ios.test_app``).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from lab.model.pins import Mode
from lab.phone import app_words
from lab.phone.activity import BaseActivity, Show, described
from lab.phone.app_view import FETCHING, PACKAGE, TESTING, SampleView
from lab.phone.app_words import Said
from lab.phone.node import Node
from lab.phone.services import (
    Cancelled,
    HttpResponse,
    PhoneServices,
    Sdk,
    SdkFactory,
    SdkSettings,
)
from lab.phone.ui import Changes

MAX_LOG = 400
"""Lines that the log holds; older ones are gone."""
TAG = "TrustPinSample"
"""Under which the phone's log holds what the app says."""


class View(Protocol):
    """The nodes of a sample app."""

    root: Node
    organization: Node
    project: Node
    public_key: Node
    configuration_url: Node
    report_url: Node
    permissive: Node
    url: Node

    def show_setup(self, *, under_way: bool, done: bool) -> None:
        """Show how far the setup is."""

    def show_status(self, busy: str, *, configured: bool) -> None:
        """Show what is under way (``busy``, empty for nothing), else whether the SDK is set up."""

    def show_log(self, lines: Sequence[str]) -> None:
        """Show the log, oldest line first."""


class Words(Protocol):
    """What a sample app says; a module of functions and constants like ``app_words``."""

    WELCOME: tuple[str, ...]
    SET_UP: Said
    SET_UP_ALREADY: Said
    FIELDS_MISSING: Said
    NOT_CONFIGURED: Said
    NO_TEST_URL: Said
    NO_CERTIFICATE_URL: Said
    INVALID_URL: Said
    CLEARED: Said

    def setting_up(self, settings: SdkSettings, /) -> Said: ...
    def setup_failed(self, error: BaseException, /) -> Said: ...
    def testing(self, url: str, /) -> Said: ...
    def answered(self, response: HttpResponse, /) -> Said: ...
    def test_failed(self, error: BaseException, url: str, /) -> Said: ...
    def fetching(self, host: str, /) -> Said: ...
    def fetched(self, pem: str, /) -> Said: ...
    def fetch_failed(self, error: BaseException, url: str, /) -> Said: ...
    def host_of(self, url: str, /) -> str | None: ...


class SampleActivity(BaseActivity):
    """The sample app. Its process owns one SDK, made when it is first needed.

    ``storage`` is the app's private directory, ``device`` the name that reports give. Whatever
    the SDK does, the app goes on: an error that nobody foresaw is said like any other.
    """

    package = PACKAGE
    name = ".MainActivity"
    tag = TAG
    words: Words = app_words
    make_view: Callable[[], View] = SampleView
    setup_once = True
    """Whether the app itself refuses a second setup."""

    def __init__(
        self,
        phone: PhoneServices,
        make_sdk: SdkFactory,
        storage: Path,
        device: str,
        changes: Changes | None = None,
    ) -> None:
        self._view = type(self).make_view()
        super().__init__(phone, changes or Changes(), self._view.root)
        self._make_sdk = make_sdk
        self._storage = storage
        self._device = device
        self._making = threading.Lock()
        self._made: Sdk | None = None
        self._log: deque[str] = deque(maxlen=MAX_LOG)
        self._setting_up = False
        self._configured = False
        self._busy = ""
        self._buttons = {
            "setup": self._tap_setup,
            "test": self._tap_test,
            "fetch": self._tap_fetch,
            "clear": self._tap_clear,
        }
        self._report(Said(self.words.WELCOME))

    def _tap_setup(self) -> None:
        view = self._view
        settings = SdkSettings(
            organization_id=view.organization.text,
            project_id=view.project.text,
            public_key=view.public_key.text,
            mode=Mode.PERMISSIVE if view.permissive.checked else Mode.STRICT,
            configuration_url=view.configuration_url.text,
            report_url=view.report_url.text,
            device=self._device,
        )
        required = (settings.organization_id, settings.project_id, settings.public_key)
        if self._configured and self.setup_once:
            self._report(self.words.SET_UP_ALREADY)
        elif self._setting_up:
            return
        elif not all(text.strip() for text in required):
            self._report(self.words.FIELDS_MISSING)
        elif self._start("setup", partial(self._set_up, settings)):
            self._setting_up = True
            self._report(self.words.setting_up(settings))
            self._refresh()

    def _set_up(self, settings: SdkSettings) -> Show:
        try:
            self._sdk().setup(settings)
        except BaseException as error:  # noqa: BLE001 - said on the screen, nothing hides it
            return partial(self._setup_ended, self.words.setup_failed(error))
        return partial(self._setup_ended, self.words.SET_UP)

    def _setup_ended(self, said: Said) -> None:
        self._setting_up = False
        self._configured = not said.failed
        self._report(said)
        self._refresh()

    def _tap_test(self) -> None:
        url = self._view.url.text.strip()
        if self._busy:
            return
        elif not self._configured:
            self._report(self.words.NOT_CONFIGURED)
        elif not url:
            self._report(self.words.NO_TEST_URL)
        elif self._begin(TESTING, partial(self._test, url), why(self.words.test_failed, url)):
            self._report(self.words.testing(url))

    def _test(self, url: str) -> Said:
        return self.words.answered(self._sdk().get(url))

    def _tap_fetch(self) -> None:
        url = self._view.url.text.strip()
        host = self.words.host_of(url)
        if self._busy:
            return
        elif not url:
            self._report(self.words.NO_CERTIFICATE_URL)
        elif host is None:
            self._report(self.words.INVALID_URL)
        elif self._begin(FETCHING, partial(self._fetch, host), why(self.words.fetch_failed, url)):
            self._report(self.words.fetching(host))

    def _fetch(self, host: str) -> Said:
        return self.words.fetched(self._sdk().fetch_certificate(host))

    def _begin(
        self, busy: str, work: Callable[[], Said], failed: Callable[[BaseException], Said]
    ) -> bool:
        """Begin a test or a fetch, and tell whether it could be."""

        def run() -> Show:
            try:
                said = work()
            except BaseException as error:  # noqa: BLE001 - said on the screen, nothing hides it
                said = failed(error)
            return partial(self._ended, said)

        if not self._start(busy, run):
            return False
        self._busy = busy
        self._refresh()
        return True

    def _ended(self, said: Said) -> None:
        self._busy = ""
        self._report(said)
        self._refresh()

    def _tap_clear(self) -> None:
        self._log.clear()
        self._report(self.words.CLEARED)

    def _refresh(self) -> None:
        self._view.show_setup(under_way=self._setting_up, done=self._configured)
        self._view.show_status(self._busy, configured=self._configured)

    def _report(self, said: Said) -> None:
        """Write what the app says to its own log and to the phone's."""
        now = self._phone.now()
        stamp = f"{datetime.fromtimestamp(now, UTC):[%H:%M:%S]}"
        for line in said.lines:
            self._log.extend(self._rows(f"{stamp} {line}"))
            self._phone.log(self.tag, "ERROR" if said.failed else "INFO", line)
        self._view.show_log(self._log)
        if said.toast:
            self._say(said.toast)

    def _rows(self, entry: str) -> list[str]:
        """Return what the log holds of an entry: a text node of it has lines."""
        return entry.split("\n")

    def _sdk(self) -> Sdk:
        with self._making:
            if self._closed:
                raise Cancelled("Canceled")
            if self._made is None:
                self._made = self._make_sdk(self._phone, self._storage)
            return self._made

    def _end(self) -> None:
        # Whoever makes the SDK just now is waited for: it must not outlive the process.
        with self._making:
            made, self._made = self._made, None
        if made is None:
            return
        try:
            made.close()
        except BaseException as error:  # noqa: BLE001 - the process ends all the same
            self._phone.log(self.tag, "WARN", f"closing the SDK: {described(error)}")


def why(say: Callable[[BaseException, str], Said], url: str) -> Callable[[BaseException], Said]:
    """Return what says why a request to ``url`` failed."""
    return lambda error: say(error, url)
