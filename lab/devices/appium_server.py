"""An Appium server of the lab's own, from the npm packages that the project pins."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

from lab.devices.adb_host import AdbHost
from lab.devices.kept import CannotStart, KeptServer, free_port
from lab.devices.phone_process import clean_environment

START_CAP = 60.0
"""Seconds in which the server must be ready; some machines are slow, and it loads a lot."""
NPM = "npm ci"
"""What installs the packages, in the project's folder."""

CACHE = "node_modules/.cache/appium/extensions.yaml"
"""Where Appium notes its drivers, with their absolute paths."""

_LOOK = 0.05
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that is none (port 9, RFC 863): what an Appium server asks the internet stays here."""
_NODE_VERSION = re.compile(r"v(\d+)\.(\d+)\.")
_NODE_OPTIONS = re.compile(r"node_.*|npm_.*|appium_.*", re.IGNORECASE)


class DriverName(StrEnum):
    """What Appium drives a phone with: an npm package."""

    UIAUTOMATOR2 = "appium-uiautomator2-driver"
    XCUITEST = "appium-xcuitest-driver"

    @property
    def called(self) -> str:
        """As it is called by its makers."""
        return {
            DriverName.UIAUTOMATOR2: "UiAutomator2 driver",
            DriverName.XCUITEST: "XCUITest driver",
        }[self]


class AppiumUnavailable(Exception):
    """There is no Appium here; the message says what is missing, and how to get it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where Node and the npm packages are."""

    node: Path
    project: Path
    """The folder of package.json and node_modules."""
    appium: str
    """Version of Appium."""
    driver: str
    """Version of its driver."""
    driver_name: DriverName = DriverName.UIAUTOMATOR2

    @property
    def description(self) -> str:
        """What drives a phone, for the evidence."""
        return f"Appium {self.appium}, {self.driver_name.called} {self.driver}"


def find_installation(
    project: Path,
    environment: Mapping[str, str] | None = None,
    *,
    driver: DriverName = DriverName.UIAUTOMATOR2,
) -> Installation:
    """Return what is installed in the folder ``project``. Raises AppiumUnavailable."""
    seen = os.environ if environment is None else environment
    found = shutil.which("node", path=seen.get("PATH"))
    if found is None:
        raise AppiumUnavailable("there is no Node.js: install version 20.19 or newer")
    node = Path(found)
    version = _node_version(node)
    if not _is_supported(version):
        raise AppiumUnavailable(
            f"{node} is version {version[0]}.{version[1]}: Appium needs 20.19 or newer"
        )
    modules = project.absolute() / "node_modules"
    return Installation(
        node,
        project.absolute(),
        _package_version(modules / "appium", project),
        _package_version(modules / driver, project),
        driver,
    )


class AppiumServer:
    """An Appium server from construction until ``close``. Raises AppiumUnavailable.

    ``folder`` is a folder of its own: home, temporary files, and its log ``appium.log``. It uses
    the phones of ``adb``, or those that ``environment`` leads it to.
    """

    def __init__(
        self,
        installation: Installation,
        folder: Path,
        adb: AdbHost | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        start_cap: float = START_CAP,
    ) -> None:
        self.installation = installation
        _drop_stale_cache(installation.project)
        self.port = free_port()
        self.log = folder / "appium.log"
        command = [
            *(str(installation.node), str(installation.project / "node_modules/appium/index.js")),
            *("server", "--address", "127.0.0.1", "--port", str(self.port)),
            *("--log-timestamp", "--log-no-colors", "--log-level", "info"),
        ]
        try:
            self._server = KeptServer(
                "the Appium server",
                command,
                environment=_environment(installation, folder, adb, environment or {}),
                folder=folder,
                log=self.log,
            )
        except CannotStart as error:
            raise AppiumUnavailable(str(error)) from None
        try:
            self._await_ready(start_cap)
        except BaseException:
            self._server.end()
            raise

    @property
    def address(self) -> str:
        """The URL at which it is reached."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Id of the session that the server and all that it starts are in."""
        return self._server.pid

    @staticmethod
    def data_folder(folder: Path) -> Path:
        """Return where a server in ``folder`` has what it notes of this machine."""
        return folder / "home" / ".local" / "share"

    def obituary(self, patience: float = 0.0) -> str | None:
        """Say how the server ended, with its last words; None where it still runs after
        ``patience`` seconds."""
        return self._server.obituary(patience)

    def close(self) -> None:
        """End the server, and everything that it started. May be repeated."""
        self._server.end()

    def _await_ready(self, cap: float) -> None:
        deadline = time.monotonic() + cap
        with urllib3.PoolManager(retries=False) as client:
            while (ended := self._server.obituary(_LOOK)) is None:
                try:
                    answer = client.request("GET", f"{self.address}/status", timeout=1.0)
                except HTTPError:
                    answer = None
                if answer is not None and answer.status == 200:
                    return
                if time.monotonic() > deadline:
                    raise AppiumUnavailable(
                        f"the Appium server was not ready within {cap:g} seconds; see {self.log}"
                    )
        raise AppiumUnavailable(ended)


def _drop_stale_cache(project: Path) -> None:
    """Remove what Appium noted of its drivers where that is about another folder: a project that
    was moved or copied would be without any driver."""
    noted = project / CACHE
    with contextlib.suppress(OSError):
        if str(project / "node_modules") not in noted.read_text("utf-8", "replace"):
            noted.unlink()


def _environment(
    installation: Installation, folder: Path, adb: AdbHost | None, further: Mapping[str, str]
) -> dict[str, str]:
    """Make the folders that the server is to use, and return what it finds them by. Raises
    AppiumUnavailable."""
    home, temporary, tools = folder / "home", folder / "tmp", folder / "android" / "platform-tools"
    try:
        for made in (home, temporary, tools):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        if adb is not None:
            (tools / "adb").unlink(missing_ok=True)
            (tools / "adb").symlink_to(adb.program)
    except OSError as error:
        raise AppiumUnavailable(f"{folder}: {error.strerror}") from None
    kept = {
        name: value
        for name, value in clean_environment(os.environ).items()
        if not _NODE_OPTIONS.fullmatch(name)
    }
    return {
        **kept,
        **({} if adb is None else adb.environment),
        **further,
        "HOME": str(home),
        # What a driver notes of this machine, a tunnel's registry for one, is this server's alone.
        "XDG_DATA_HOME": str(AppiumServer.data_folder(folder)),
        "TMPDIR": str(temporary),
        "ANDROID_HOME": str(tools.parent),
        "APPIUM_HOME": str(installation.project),
        # Where it is not in a git checkout of its own, Appium asks GitHub for its revision.
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _node_version(node: Path) -> tuple[int, int]:
    try:
        said = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AppiumUnavailable(f"{node} cannot be run: {error}") from None
    match = _NODE_VERSION.match(said)
    if match is None:
        raise AppiumUnavailable(f"{node} does not say which version it is, but {said[:40]!r}")
    return int(match[1]), int(match[2])


def _is_supported(version: tuple[int, int]) -> bool:
    # As Appium 3.8.0 says under "engines".
    return (20, 19) <= version < (21, 0) or (22, 12) <= version < (23, 0) or version >= (24, 0)


def _package_version(folder: Path, project: Path) -> str:
    try:
        version = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    except (OSError, ValueError, LookupError, TypeError):
        raise AppiumUnavailable(
            f"{folder.name} is not installed: run '{NPM}' in {project}"
        ) from None
    return str(version)
