"""devices.yaml, read and checked. Every mistake in it is a SettingsError with its line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from lab.devices.complaints import complaints
from lab.devices.document import Document, read_document
from lab.devices.iphone_models import IosSettings, VirtualIosSettings
from lab.devices.models import CommandSettings, DeviceSettings, DevicesFile
from lab.devices.phone_models import (
    REFERENCE_CLIENT,
    AndroidSettings,
    AppiumMode,
    VirtualSettings,
)
from lab.devices.problems import Problem, SettingsError, nearest, quote
from lab.devices.template import Template, Unset

__all__ = [
    "REFERENCE_CLIENT",
    "AndroidSettings",
    "CommandSettings",
    "DeviceSettings",
    "IosSettings",
    "Problem",
    "Settings",
    "SettingsError",
    "VirtualIosSettings",
    "VirtualSettings",
    "load",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The devices of a lab, in the order of the file."""

    file: Path
    devices: tuple[DeviceSettings, ...]
    _document: Document = field(repr=False, compare=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all devices."""
        return tuple(device.id for device in self.devices)

    def device(self, device_id: str) -> DeviceSettings:
        """Return the device called ``device_id``. Raises SettingsError where there is none."""
        return self.devices[self._index(device_id)]

    def check_programs(
        self,
        ids: Iterable[str],
        environ: Mapping[str, str] | None = None,
        *,
        required: bool = False,
    ) -> Mapping[str, str]:
        """Check that what these devices start is there and that the environment variables they
        ask for are set; other devices are not looked at.

        Returns the devices that are optional and lack something, each with what it lacks. Raises
        SettingsError where another one does, or any where all are ``required``.
        """
        seen = os.environ if environ is None else environ
        absent: dict[str, str] = {}
        found: list[Problem] = []
        for device_id in ids:
            problems = list(self._missing(self._index(device_id), seen))
            if problems and self.device(device_id).optional and not required:
                absent[device_id] = "; ".join(problem.text for problem in problems)
            else:
                found += problems
        if found:
            raise SettingsError(str(self.file), found)
        return absent

    def _index(self, device_id: str) -> int:
        if device_id not in self.ids:
            text = f"there is no device {quote(device_id)}{nearest(device_id, self.ids)}"
            raise SettingsError(str(self.file), [Problem(0, "", text)])
        return self.ids.index(device_id)

    def _missing(self, index: int, environ: Mapping[str, str]) -> Iterator[Problem]:
        device = self.devices[index]
        match device:
            case CommandSettings():
                yield from self._unset(index, _templates(device), environ)
                yield from self._programs(index, device, environ)
            case AndroidSettings():
                yield from self._unset(index, device.secrets.items(), environ)
                yield from self._files(index, device)
                if device.adb.server is not None and not _finds("adb", environ):
                    text = "the program adb is not found; install it, or use 'tcp' or 'usb'"
                    yield self._document.at(("devices", index, "adb", "server"), text)
            case IosSettings():
                yield from self._unset(index, device.secrets.items(), environ)
                build = device.app.build
                if build is not None and not build.is_file():
                    text = f"there is no file {quote(str(build))}; correct the path"
                    yield self._document.at(("devices", index, "app", "build"), text)
                if device.appium.lab and not _finds("node", environ):
                    text = "'lab' needs the program node, which is not found; install it"
                    yield self._document.at(("devices", index, "appium", "lab"), text)
            case VirtualIosSettings():
                if device.appium is AppiumMode.LAB and not _finds("node", environ):
                    text = "'lab' needs the program node, which is not found; install it"
                    yield self._document.at(("devices", index, "appium"), text)
            case VirtualSettings():
                if device.appium is AppiumMode.LAB:
                    for program in (p for p in ("adb", "node") if not _finds(p, environ)):
                        text = f"'lab' needs the program {program}, which is not found; install it"
                        yield self._document.at(("devices", index, "appium"), text)

    def _unset(
        self,
        index: int,
        templates: Iterable[tuple[tuple[str | int, ...], Template]],
        environ: Mapping[str, str],
    ) -> Iterator[Problem]:
        for place, template in templates:
            path = ("devices", index, *place)
            for name in sorted(template.variables - environ.keys()):
                text = f"the environment variable {name} is not set; set it, or remove ${{{name}}}"
                yield self._document.at(path, text)

    def _programs(
        self, index: int, device: CommandSettings, environ: Mapping[str, str]
    ) -> Iterator[Problem]:
        for where, argv in device.commands.items():
            try:
                program = argv[0].fill({}, environ)
            except Unset:
                continue
            if not _finds(program, environ):
                text = f"program {quote(program)} not found; install it or correct its name"
                yield self._document.at(("devices", index, *where, 0), text)

    def _files(self, index: int, device: AndroidSettings) -> Iterator[Problem]:
        named = {("app", "build"): device.app.build, ("adb", "key"): device.adb.key}
        for where, file in named.items():
            if file is not None and not file.is_file():
                text = f"there is no file {quote(str(file))}; correct the path"
                yield self._document.at(("devices", index, *where), text)


def load(file: Path) -> Settings:
    """Read ``file``. Raises SettingsError, which names every mistake; programs and environment
    variables are left to ``check_programs``."""
    document = read_document(file)
    problems = list(document.problems)
    try:
        content = DevicesFile.model_validate(
            document.content, context={"folder": file.absolute().parent}
        )
    except ValidationError as error:
        problems += complaints(document, error)
    else:
        problems += _same_ids(document, content)
    if problems:
        raise SettingsError(str(file), problems)
    return Settings(file, content.devices, document)


def _finds(program: str, environ: Mapping[str, str]) -> bool:
    return shutil.which(program, path=environ.get("PATH", os.defpath)) is not None


def _same_ids(document: Document, content: DevicesFile) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, device in enumerate(content.devices):
        path = ("devices", index, "id")
        # Folders are named after devices, and not every file system tells cases apart.
        name = device.id.casefold()
        if name in first:
            text = f"duplicate id {quote(device.id)}; it is taken on line {first[name]}, choose "
            yield document.at(path, f"{text}another")
        first.setdefault(name, document.line(path))


def _templates(device: CommandSettings) -> Iterator[tuple[tuple[str | int, ...], Template]]:
    groups: dict[tuple[str, ...], tuple[Template, ...] | None] = {
        **device.commands,
        ("routes", "proxy"): device.routes.proxy,
        ("routes", "wifi"): device.routes.wifi,
    }
    if device.control.routes is not None:
        groups["control", "routes", "proxy"] = device.control.routes.proxy
        groups["control", "routes", "wifi"] = device.control.routes.wifi
    for place, argv in groups.items():
        for index, template in enumerate(argv or ()):
            yield (*place, index), template
    for name, template in device.env.items():
        yield ("env", name), template
