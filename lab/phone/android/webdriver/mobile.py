"""The ``mobile:`` commands of Appium's UiAutomator2 driver, as far as this phone has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum

from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.keys import press
from lab.phone.files import MAX_FILE, FileError, PhoneFiles
from lab.phone.node import LAUNCHER
from lab.phone.webdriver.elements import Elements
from lab.phone.webdriver.protocol import Code, Command, Failed, Parameters


class AppState(IntEnum):
    """Appium's numbers for the state of an app."""

    NOT_INSTALLED = 0
    NOT_RUNNING = 1
    BACKGROUND = 3
    FOREGROUND = 4


class MobileCommands:
    """What ``execute/sync`` can be asked for. Commands take one object of named arguments."""

    def __init__(self, system: AndroidSystem, elements: Elements) -> None:
        self._access = system.access
        self._phone = system.phone
        self._screen = system.screen
        self._elements = elements
        self._shell = Shell(system)
        self._commands: dict[str, Command] = {
            "activateApp": self._activate,
            "clearApp": self._clear,
            "clickGesture": self._click,
            "deepLink": self._deep_link,
            "getCurrentActivity": lambda _: self._front()[1],
            "getCurrentPackage": lambda _: self._front()[0],
            "getDeviceTime": self._device_time,
            "hideKeyboard": lambda _: False,
            "isAppInstalled": lambda call: self.state(_app(call)) is not AppState.NOT_INSTALLED,
            "isKeyboardShown": lambda _: False,
            "pressKey": self._press_key,
            "pullFile": self._pull,
            "pushFile": self._push,
            "queryAppState": lambda call: self.state(_app(call)),
            "replaceElementValue": self._replace,
            "scrollGesture": lambda call: self._screen.scroll(
                down=call.text("direction") == "down"
            ),
            "shell": self._run,
            "startActivity": self._start,
            "terminateApp": self._terminate,
        }

    def execute(self, script: str, call: Parameters) -> object:
        """Carry out ``mobile: name``. Raises Failed."""
        name = script.removeprefix("mobile:").strip()
        command = self._commands.get(name) if script.startswith("mobile:") else None
        if command is None:
            known = ", ".join(sorted(self._commands))
            raise Failed(Code.UNKNOWN_METHOD, f"no {script[:80]!r}; 'mobile:' has {known}")
        return command(call)

    def state(self, package: str) -> AppState:
        """Return what an app is doing."""
        if package not in dict(self._screen.packages):
            return AppState.NOT_INSTALLED
        if not self._screen.running(package):
            return AppState.NOT_RUNNING
        front = self._screen.foreground
        is_front = front is not None and front.package == package
        return AppState.FOREGROUND if is_front else AppState.BACKGROUND

    def launch(self, component: str, data: str | None = None, action: str = "") -> None:
        """Bring an app to the front. Raises Failed where there is none."""
        try:
            self._screen.launch(component, data=data, action=action)
        except (ValueError, FileError) as error:
            raise Failed(Code.UNKNOWN_ERROR, f"cannot start it: {error}") from None

    def clear(self, package: str) -> None:
        """Delete what an app has stored. Raises Failed."""
        try:
            self._screen.clear(package)
        except (ValueError, FileError) as error:
            raise Failed(Code.UNKNOWN_ERROR, f"cannot clear it: {error}") from None

    # -- apps -----------------------------------------------------------------------------

    def _activate(self, call: Parameters) -> None:
        self.launch(_app(call))

    def _terminate(self, call: Parameters) -> bool:
        package = _app(call)
        was_running = self._screen.running(package)
        self._screen.stop(package)
        return was_running

    def _clear(self, call: Parameters) -> None:
        self.clear(_app(call))

    def _start(self, call: Parameters) -> None:
        data = call.text("uri") if "uri" in call.values else None
        self.launch(call.text("intent", ""), data, call.text("action", ""))

    def _deep_link(self, call: Parameters) -> None:
        self.launch(call.text("package", ""), call.text("url"))

    def _front(self) -> tuple[str, str]:
        """Return package and activity of what is in front."""
        front = self._screen.foreground
        return (LAUNCHER, ".Launcher") if front is None else (front.package, front.name)

    # -- touch and keys -------------------------------------------------------------------

    def _click(self, call: Parameters) -> None:
        if "elementId" in call.values:
            self._elements.tap(call.text("elementId"))
            return
        self._elements.touch((call.number("x"), call.number("y")))

    def _press_key(self, call: Parameters) -> None:
        press(self._screen, call)

    def _replace(self, call: Parameters) -> None:
        self._elements.enter(call.text("elementId"), call.text("text"), replace=True)

    # -- files, clock, shell --------------------------------------------------------------

    def _push(self, call: Parameters) -> None:
        path, payload = call.text("remotePath"), call.text("payload")
        try:
            content = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            raise Failed(Code.INVALID_ARGUMENT, "'payload' is not base64") from None
        if len(content) > MAX_FILE:
            raise Failed(Code.INVALID_ARGUMENT, f"the file is longer than {MAX_FILE} bytes")
        self._on_file(lambda: self._files().write(path, content))

    def _pull(self, call: Parameters) -> str:
        path = call.text("remotePath")
        content: list[bytes] = []
        self._on_file(lambda: content.append(self._files().read(path)))
        return base64.b64encode(content[0]).decode("ascii")

    def _files(self) -> PhoneFiles:
        """Return the files as adb sees them, through which Appium's driver would work."""
        return self._access.files(self._access.adb_uid)

    def _on_file(self, action: Callable[[], None]) -> None:
        try:
            action()
        except FileError as error:
            raise Failed(Code.UNKNOWN_ERROR, str(error)) from None

    def _device_time(self, call: Parameters) -> str:
        if "format" in call.values:
            raise Failed(Code.UNSUPPORTED, "no 'format': the time comes as in ISO 8601")
        return datetime.fromtimestamp(int(self._phone.now()), UTC).isoformat()

    def _run(self, call: Parameters) -> object:
        """Run a shell command. As ``adb shell`` does, the words are joined by spaces and then
        read by the phone's shell: quoting is the caller's affair."""
        arguments = call.sequence("args", [])
        if not all(isinstance(argument, str) for argument in arguments):
            raise Failed(Code.INVALID_ARGUMENT, "'args' must be a list of strings")
        ran = self._shell.run(" ".join([call.text("command"), *arguments]))
        stdout, stderr = (
            ran.stdout.decode("utf-8", "replace"),
            ran.stderr.decode("utf-8", "replace"),
        )
        if ran.code != 0:
            raise Failed(
                Code.UNKNOWN_ERROR,
                f"Cannot execute the '{call.text('command')}' shell command. Original error: "
                f"Command exited with code {ran.code}; Stderr: '{stderr.strip()}'; "
                f"Stdout: '{stdout.strip()}'",
            )
        if call.boolean("includeStderr", default=False):
            return {"stdout": stdout, "stderr": stderr}
        return stdout


def _app(call: Parameters) -> str:
    return call.text("appId")
