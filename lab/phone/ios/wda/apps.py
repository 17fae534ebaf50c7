"""Apps as WebDriverAgent handles them: launched, brought to the front, ended, asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from lab.phone.files import FileError
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_nodes import SPRINGBOARD
from lab.phone.ios.wda.session import MAX_WAIT, Route, Session, seconds
from lab.phone.node import one_line
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters


class AppState(IntEnum):
    """Apple's numbers for the state of an app (XCUIApplicationState)."""

    UNKNOWN = 0
    NOT_RUNNING = 1
    BACKGROUND = 3
    FOREGROUND = 4


class Apps:
    """Carries out the commands about apps. May be used from any thread."""

    def __init__(self, screen: IPhoneScreen, pid_of: Callable[[str], int]) -> None:
        self._screen = screen
        self._pid_of = pid_of

    def routes(self) -> list[Route]:
        """Return the commands."""
        about = "/wda/apps"
        return [
            ("POST", f"{about}/launch", self._launch),
            ("POST", f"{about}/activate", self._activate),
            ("POST", f"{about}/terminate", self._terminate),
            ("POST", f"{about}/state", lambda _, __, body: int(self.state(bundle_of(body)))),
            ("GET", f"{about}/list", lambda *_: [self.active()]),
            ("GET", "/wda/activeAppInfo", lambda *_: self.active()),
            ("POST", "/wda/deactivateApp", self._deactivate),
            ("POST", "/url", self._open),
        ]

    def begin(self, wanted: Mapping[str, Any]) -> None:
        """Bring the app of a new session to the front; unless told otherwise, started anew.
        Raises Failed."""
        capabilities = Parameters(wanted)
        bundle_id = capabilities.text("bundleId", "")
        if not bundle_id or not capabilities.boolean("autoLaunch", default=True):
            return
        if capabilities.boolean("forceAppLaunch", default=True):
            self._screen.stop(bundle_id)
        try:
            self.activate(bundle_id)
        except Failed as error:
            raise Failed(Code.SESSION_NOT_CREATED, str(error)) from None

    def state(self, bundle_id: str) -> AppState:
        """Return what an app is doing."""
        if bundle_id == SPRINGBOARD:
            front = self._screen.foreground
            return AppState.FOREGROUND if front is None else AppState.BACKGROUND
        if bundle_id not in dict(self._screen.packages):
            return AppState.UNKNOWN
        if not self._screen.running(bundle_id):
            return AppState.NOT_RUNNING
        front = self._screen.foreground
        is_front = front is not None and front.package == bundle_id
        return AppState.FOREGROUND if is_front else AppState.BACKGROUND

    def activate(self, bundle_id: str) -> None:
        """Bring an app to the front, and start it where it does not run. Raises Failed."""
        try:
            self._screen.launch(bundle_id)
        except (ValueError, FileError) as error:
            raise Failed(
                Code.INVALID_ARGUMENT,
                f"cannot launch {one_line(bundle_id, 100)!r}; is it installed? {error}",
            ) from None

    def terminate(self, bundle_id: str) -> bool:
        """End an app, and tell whether it ran."""
        ran = self._screen.running(bundle_id)
        self._screen.stop(bundle_id)
        return ran

    def active(self) -> dict[str, object]:
        """Return which app is in front."""
        front = self._screen.foreground
        bundle_id = SPRINGBOARD if front is None else front.package
        return {
            "pid": self._pid_of(bundle_id),
            "bundleId": bundle_id,
            "name": "" if front is None else self._screen.label(bundle_id),
            "processArguments": {"env": {}, "args": []},
        }

    def background(self, duration: float) -> None:
        """Leave the app in front for some seconds; with a negative number, for good. Raises
        Failed."""
        front = self._screen.foreground
        self._screen.home()
        if front is None or duration < 0:
            return
        if duration > MAX_WAIT:
            raise Failed(Code.INVALID_ARGUMENT, f"longer than {MAX_WAIT:.0f} seconds")
        # Nothing but time brings it back, unless somebody else changes what is in front.
        self._screen.wait_front(duration)
        if self._screen.foreground is None and self._screen.running(front.package):
            self.activate(front.package)

    def open_url(self, url: str, bundle_id: str = "") -> None:
        """Let an app open a URL: the one that is named, or the one that takes such URLs. Raises
        Failed."""
        try:
            self._screen.launch(bundle_id, data=url)
        except (ValueError, FileError) as error:
            raise Failed(Code.UNKNOWN_ERROR, f"cannot open it: {error}") from None

    def _launch(self, _: Session, __: Values, body: Parameters) -> None:
        body.sequence("arguments", [])
        body.mapping("environment", {})
        self.activate(bundle_of(body))

    def _activate(self, _: Session, __: Values, body: Parameters) -> None:
        self.activate(bundle_of(body))

    def _terminate(self, _: Session, __: Values, body: Parameters) -> bool:
        return self.terminate(bundle_of(body))

    def _deactivate(self, _: Session, __: Values, body: Parameters) -> None:
        self.background(seconds(body, "duration", 3.0))

    def _open(self, _: Session, __: Values, body: Parameters) -> None:
        self.open_url(body.text("url"), body.text("bundleId", ""))


def bundle_of(body: Parameters) -> str:
    """Return the app that is meant. Raises Failed."""
    return body.text("bundleId")
