"""Apps on the phone: installed, started, stopped, and what became of them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from lab.devices.android.facts import apk_paths, app_version, fact
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.logcat import read_log
from lab.devices.android.marks import ask, holds, succeeded, told_of

START_CAP = 30.0
"""Seconds that an app may take to start."""

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
_NOT_STARTED = re.compile(
    r"^(Error( type \d+)?\b.*|.*SecurityException.*|Status: (?!ok).*)$", re.MULTILINE
)
_LISTED = re.compile(r"^package:(\S+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AppVersion:
    """The version of an app that is installed."""

    name: str
    code: int
    apks: tuple[str, ...]
    """Paths of its APKs on the phone, the base first."""


def package_name(package: str) -> str:
    """Return a package's name as it is. Raises ValueError for what is none."""
    if not _PACKAGE.fullmatch(package) or len(package) > 255:
        raise ValueError(f"{package[:80]!r} is no app's package name")
    return package


def read_version(link: AdbLink, package: str) -> AppVersion | None:
    """Return which version is installed, None for none. Raises DeviceLost, CommandRefused."""
    answers = ask(
        link,
        {
            "apks": f"pm path {package_name(package)}",
            "version": f"dumpsys package {package} | grep -E 'versionName=|versionCode='",
        },
    )
    apks = apk_paths(answers["apks"].output)
    if not apks:
        return None
    name, code = app_version(answers["version"].output) or ("", 0)
    return AppVersion(name, code, apks)


def read_packages(link: AdbLink, prefix: str = "") -> tuple[str, ...]:
    """Return the packages that are installed and begin so, sorted. Raises DeviceLost,
    CommandRefused."""
    listed = _LISTED.findall(link.shell("pm list packages"))
    return tuple(sorted({name for name in listed if name.startswith(prefix)}))


def install(link: AdbLink, build: Path) -> None:
    """Install an APK instead of what is there of the same name. Raises DeviceLost,
    CommandRefused."""
    link.install(build)


def uninstall(link: AdbLink, package: str) -> None:
    """Remove an app and its data. Raises DeviceLost, and CommandRefused where the phone keeps
    it."""
    command = f"pm uninstall {package_name(package)}"
    ran = link.run(command)
    if ran.code or "Success" not in ran.output:
        raise CommandRefused(f"{told_of(command)}: {fact(ran.output) or 'it failed'}")


def start(link: AdbLink, package: str, activity: str | None = None) -> None:
    """Start an app, and wait until it is there: its launcher's activity where none is told.
    Raises DeviceLost, CommandRefused."""
    name = package_name(package)
    if activity is None:
        activity = _launcher(link, name)
    component = shlex.quote(f"{name}/{activity}")
    command = f"am start -W -n {component}"
    told = succeeded(command, link.run(command, cap=START_CAP))
    if (match := _NOT_STARTED.search(told)) is not None:
        raise CommandRefused(f"{name} was not started: {fact(match[0])}")


def stop(link: AdbLink, package: str) -> None:
    """End an app. Raises DeviceLost, CommandRefused."""
    link.shell(f"am force-stop {package_name(package)}")


def clear(link: AdbLink, package: str) -> None:
    """Make an app forget everything. Raises DeviceLost, CommandRefused."""
    command = f"pm clear {package_name(package)}"
    told = succeeded(command, link.run(command))
    if "Success" not in told:
        raise CommandRefused(f"{told_of(command)}: {fact(told)}")


def is_running(link: AdbLink, package: str) -> bool:
    """Tell whether an app has a process. Raises DeviceLost, CommandRefused."""
    command = f"pidof {package_name(package)}"
    return holds(command, link.run(command))


def trouble(link: AdbLink, package: str, since: str) -> str | None:
    """Return in the phone's words how an app crashed or stopped responding since a
    ``logcat.log_moment``, None where it did not. Raises DeviceLost, CommandRefused."""
    name = package_name(package)
    crash: list[str] = []
    for line in read_log(link, since, ("AndroidRuntime", "ActivityManager", "DEBUG", "libc")):
        if line.tag == "ActivityManager":
            if line.message.startswith(f"ANR in {name}"):
                return f"{name} does not respond: {fact(line.message)}"
            if re.match(rf"Process {re.escape(name)}\b.*has (died|crashed)", line.message):
                crash = crash or [line.message]
        elif line.message.startswith("FATAL EXCEPTION"):
            crash = [line.message]
        elif line.tag == "AndroidRuntime" and crash:
            crash.append(line.message)
            if line.message.startswith("Process:") and not re.match(
                rf"Process: {re.escape(name)}[,: ]", f"{line.message} "
            ):
                # Another app's.
                crash = []
        elif line.tag in ("DEBUG", "libc") and f">>> {name} <<<" in line.message:
            crash = [line.message]
    return f"{name} crashed: {fact(' '.join(crash[:4]))}" if crash else None


def _launcher(link: AdbLink, package: str) -> str:
    """Return the activity that the launcher would start."""
    told = link.run(f"cmd package resolve-activity --brief {package}").output.split()
    if not told or not told[-1].startswith(f"{package}/"):
        raise CommandRefused(f"{package} is not installed, or has nothing that can be started")
    return told[-1].partition("/")[2]
