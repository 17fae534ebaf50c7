"""The virtual phone as a device: a process of its own, driven by Appium's Python client."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from appium.common.helper import library_version as client_version
from appium.options.android import UiAutomator2Options
from appium.webdriver.webdriver import WebDriver
from selenium.common.exceptions import WebDriverException

from lab.apps.android import said
from lab.apps.browser_android import AndroidBrowser
from lab.apps.page import AppPage, BrowserPage
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.devices.appium import DeviceConnection
from lab.devices.phone_process import END_CAP, START_CAP, PhoneProcess
from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.device import AppSetup, DeviceFacts, DeviceLost, Network, Surroundings
from lab.model.outcome import PIN_KINDS, AppOutcome, ErrorKind

COMMAND_CAP = 15.0
"""Seconds that a command may take; the longest waits ten for the screen to be idle."""
FAREWELL_CAP = 2.0
"""Seconds to take leave of a phone."""

# Where Android keeps CA certificates, one file each.
STORES = {
    Trust.SYSTEM: "/system/etc/security/cacerts",
    Trust.USER: "/data/misc/user/0/cacerts-added",
}
OURS = "lab-"
"""How the names of the lab's own certificates begin."""


class VirtualPhone:
    """Starts a phone and drives it. Raises DeviceLost where it cannot be started.

    ``home`` is a folder of its own. ``sdk`` names the pinning client as ``package.module:Class``.
    ``report_url`` is where an app reports to that has not been told otherwise.
    """

    def __init__(
        self,
        id: str,
        surroundings: Surroundings,
        home: Path,
        *,
        sdk: str,
        factory_anchors: tuple[bytes, ...],
        report_url: str,
        source: str | None,
        cap: float = COMMAND_CAP,
        start_cap: float = START_CAP,
    ) -> None:
        self._id = id
        self._surroundings = surroundings
        self._home = home
        self._sdk = sdk
        self._report_url = report_url
        self._source = source
        self._offset = 0.0
        self._app_started = False
        self._lost = False
        self._driver: WebDriver | None = None
        self._own = tuple(home / name for name in ("phone", "air", "factory.pem"))
        self._prepare(factory_anchors)
        try:
            self._process = PhoneProcess(self._arguments(), start_cap=start_cap)
        except DeviceLost as error:
            self._remove_files()
            raise DeviceLost(f"{id}: {error}") from None
        self._connection = DeviceConnection(
            f"http://127.0.0.1:{self._process.port}", cap=cap, obituary=self._process.obituary
        )
        try:
            self._driver = self._begin()
        except (DeviceLost, WebDriverException) as error:
            self.close()
            raise DeviceLost(f"{id}: no session: {error}") from None
        except BaseException:
            self.close()
            raise
        self._app: AppPage = TrustPinAndroidApp(self._driver)
        self._browser: BrowserPage = AndroidBrowser(self._driver)

    @property
    def id(self) -> str:
        return self._id

    @property
    def source(self) -> str | None:
        return self._source

    @property
    def reports(self) -> frozenset[ErrorKind]:
        return PIN_KINDS

    @cached_property
    def facts(self) -> DeviceFacts:
        names = ("ro.product.model", "ro.build.version.release", "ro.build.version.sdk")
        asked = "; ".join(f"getprop {name}" for name in names)
        model, release, level = self._shell(asked).splitlines()
        package = self._app.package
        dump = self._shell(f"dumpsys package {package} | grep versionName=")
        return DeviceFacts(
            id=self._id,
            platform="virtual",
            model=model,
            os=f"Android {release} (API level {level})",
            app=package,
            app_version=dump.strip().removeprefix("versionName="),
            sdk=self._sdk,
            details={"udid": self._id, "automation": f"Appium Python client {client_version()}"},
        )

    def lacks(self, need: Need) -> str | None:
        return None

    def take_route(self, kind: RouteKind) -> None:
        around = self._surroundings
        if kind is RouteKind.PROXY:
            # The proxy first: nothing is to go out over the home network without it.
            self._shell(f"settings put global http_proxy {around.proxy} && {_join(around.home)}")
        else:
            self._shell(f"{_join(around.rogue)} && settings delete global http_proxy")

    def trust(self, store: Trust, certificates: tuple[bytes, ...]) -> None:
        ours = " ".join(f"{folder}/{OURS}*" for folder in STORES.values())
        self._shell(f"rm -f {ours}")
        folder = STORES.get(store)
        if folder is None:
            return
        with self._driving() as driver:
            for number, certificate in enumerate(certificates):
                content = ssl.DER_cert_to_PEM_cert(certificate).encode("ascii")
                path = f"{folder}/{OURS}{number}.0"
                driver.push_file(path, base64.b64encode(content).decode("ascii"))

    def set_clock_offset(self, seconds: float) -> None:
        if seconds != self._offset:
            self._shell(f"date @{time.time() + seconds:.6f}")
            self._offset = seconds

    def set_up(self, setup: AppSetup, *, fresh: bool = True) -> AppOutcome:
        told = replace(setup, report_url=setup.report_url or self._report_url)

        def act() -> AppOutcome:
            self._app.start(fresh=fresh)
            self._app_started = True
            return self._app.set_up(told)

        return self._measured(act)

    def request(self, url: str) -> AppOutcome:
        return self._measured(lambda: self._app.request(url))

    def control(self, url: str, kind: Control) -> AppOutcome:
        """Let the browser request ``url``. Raises ValueError for ``Control.NONE``."""
        if kind is Control.NONE:
            raise ValueError("no control client is wanted")

        def act() -> AppOutcome:
            outcome = self._browser.open(url, careless=kind is Control.CARELESS)
            if self._app_started:
                self._app.come_back()
            return outcome

        return self._measured(act)

    def screenshot(self) -> bytes | None:
        with self._driving() as driver:
            picture: bytes = driver.get_screenshot_as_png()
            return picture

    def recover(self) -> None:
        raise DeviceLost("a virtual phone that ended is not started again")

    def close(self) -> None:
        """End the phone and remove its files; the folder, too, if nothing else is in it."""
        if self._driver is not None and not self._lost:
            self._connection.limit(FAREWELL_CAP)
            try:
                self._driver.quit()
            except DeviceLost:
                self._lost = True
            except WebDriverException:
                # It ended the session itself; what is left to do is the same.
                pass
        self._driver = None
        self._connection.close()  # type: ignore[no-untyped-call]
        self._process.end(0.0 if self._lost else END_CAP)
        self._remove_files()

    def _prepare(self, factory_anchors: tuple[bytes, ...]) -> None:
        """Make what the phone needs. Whatever an earlier phone left behind is not its own."""
        for path in self._own:
            _remove(path)
        air = self._home / "air"
        air.mkdir(mode=0o700, parents=True)
        for name in ("home", "rogue"):
            network: Network = getattr(self._surroundings, name)
            text = json.dumps(
                {
                    "ssid": network.ssid,
                    "resolver": str(network.resolver),
                    "gateway": str(network.gateway),
                }
            )
            (air / f"{name}.json").write_text(text, encoding="utf-8")
        if factory_anchors:
            anchors = "".join(map(ssl.DER_cert_to_PEM_cert, factory_anchors))
            (self._home / "factory.pem").write_text(anchors, encoding="ascii")

    def _remove_files(self) -> None:
        for path in self._own:
            _remove(path)
        with suppress(OSError):
            self._home.rmdir()

    def _arguments(self) -> list[str]:
        home = self._home.absolute()
        arguments = ["--name", self._id, "--sdk", self._sdk]
        arguments += ["--home", str(home / "phone"), "--air", str(home / "air")]
        if (home / "factory.pem").exists():
            arguments += ["--factory", str(home / "factory.pem")]
        if self._source is not None:
            arguments += ["--source", self._source]
        return arguments

    def _begin(self) -> WebDriver:
        options = UiAutomator2Options()
        options.udid = self._id
        # The lab may think for longer than Appium's default of a minute.
        options.new_command_timeout = 0
        return WebDriver(command_executor=self._connection, options=options)

    def _shell(self, command: str) -> str:
        """Run a command line on the phone and return its output."""
        with self._driving() as driver:
            output: str = driver.execute_script("mobile: shell", {"command": command})
            return output

    def _measured(self, act: Callable[[], AppOutcome]) -> AppOutcome:
        commands, started = self._connection.commands, time.monotonic()
        with self._driving():
            outcome = act()
        return replace(
            outcome,
            seconds=time.monotonic() - started,
            commands=self._connection.commands - commands,
        )

    @contextmanager
    def _driving(self) -> Iterator[WebDriver]:
        """Drive the phone. Raises DeviceLost where it is gone, or refuses what every phone
        must do."""
        if self._lost or self._driver is None:
            raise DeviceLost(f"{self._id} is gone")
        try:
            yield self._driver
        except DeviceLost as error:
            self._lost = True
            raise DeviceLost(f"{self._id}: {error}") from None
        except WebDriverException as error:
            raise DeviceLost(f"{self._id} refused a command: {said(error)}") from None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _join(network: Network) -> str:
    return f"cmd wifi connect-network {shlex.quote(network.ssid)} open"
