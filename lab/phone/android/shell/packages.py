"""``pm`` and ``cmd package``: what is installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lab.phone.android.packages import MAX_APK, InstallFailed, Package
from lab.phone.android.shell.arguments import command_of, first, number, only_package, take
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError
from lab.phone.ui import App

_PART = 256 * 1024

_INSTALL_VALUES = ("-S", "-i", "-p", "--user", "--install-location", "--abi", "--pkg")
_INSTALL_ALONE = (
    *("-r", "-R", "-t", "-g", "-d", "-f", "-l", "-q", "--streaming", "--dont-kill", "--full"),
    *("--bypass-low-target-sdk-block", "--instant", "--no-streaming", "--skip-verification"),
)

Rest = Sequence[str]


def package(process: Process, arguments: Rest) -> int:
    """Carry out ``pm`` with these arguments and return its exit code. Raises CommandFailed,
    FileError."""
    name, rest = first(arguments)
    return command_of(_PM, name, "this phone's 'pm'")(process, rest)


def _install(process: Process, rest: Rest) -> int:
    found, paths = take(rest, _INSTALL_VALUES, _INSTALL_ALONE)
    if len(paths) > 1:
        raise CommandFailed("Error: this phone installs one APK at a time", EXIT_USAGE)
    packages = process.system.packages
    try:
        with packages.arriving() as apk:
            if paths and paths != ["-"]:
                _copy(process, paths[0], apk)
            elif "-S" in found:
                _receive(process, number(found, "-S", 0), apk)
            else:
                raise CommandFailed("Error: must either specify a package size or an APK file", 1)
            installed = packages.install(apk, downgrade="-d" in found)
    except InstallFailed as error:
        return _failure(process, error)
    except OSError as error:
        return _failure(process, f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {error.strerror}")
    _end_processes(process, installed.name)
    process.out.line("Success")
    return 0


def _receive(process: Process, size: int, apk: Path) -> None:
    """Read an APK of ``size`` bytes from the standard input. Raises InstallFailed, OSError."""
    if not 0 < size <= MAX_APK:
        raise InstallFailed(f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {size} bytes")
    left = size
    with apk.open("wb") as file:
        while left and (part := process.read(min(left, _PART))):
            file.write(part)
            left -= len(part)
    if left:
        raise InstallFailed(f"INSTALL_FAILED_ABORTED: {size - left} of {size} bytes came")


def _copy(process: Process, path: str, apk: Path) -> None:
    try:
        status = process.files.status(path)
        if status.is_folder:
            raise FileError(path, "Is a directory")
    except FileError as error:
        raise CommandFailed(
            f"Error: Unable to open file: {error}\nConsider using a file under /data/local/tmp/"
        ) from None
    if status.size > MAX_APK:
        raise InstallFailed(f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {status.size} bytes")
    shutil.copyfile(process.files.host_path(path), apk)


def _uninstall(process: Process, rest: Rest) -> int:
    found, names = take(rest, ("--user", "--versionCode"), ("-k",))
    if len(names) != 1:
        raise CommandFailed("Error: package name not specified", EXIT_USAGE)
    try:
        process.system.packages.uninstall(names[0], keep_data="-k" in found)
    except InstallFailed as error:
        return _failure(process, error)
    _end_processes(process, names[0])
    process.out.line("Success")
    return 0


def _failure(process: Process, why: object) -> int:
    process.out.line(f"Failure [{why}]")
    return 1


def _end_processes(process: Process, name: str) -> None:
    for pid in process.system.processes.pids(name):
        process.system.processes.kill(pid)


def _clear(process: Process, rest: Rest) -> int:
    name = only_package(rest)
    try:
        process.system.packages.clear(name)
    except InstallFailed as error:
        process.out.line(str(error))
        return 1
    _end_processes(process, name)
    process.out.line("Success")
    return 0


def _path(process: Process, rest: Rest) -> int:
    found = process.system.packages.get(only_package(rest))
    if found is None:
        return 1
    process.out.line(f"package:{found.path}")
    return 0


def _dump(process: Process, rest: Rest) -> int:
    process.print_lines(dump(process.system, only_package(rest)))
    return 0


def _list(process: Process, rest: Rest) -> int:
    what, rest = first(rest)
    lister = _LISTS.get(what)
    if lister is None:
        raise CommandFailed(f"Error: unknown list type '{what[:40]}'", EXIT_USAGE)
    process.print_lines(lister(process, rest))
    return 0


def _list_packages(process: Process, rest: Rest) -> Iterator[str]:
    found, wanted = take(
        rest,
        ("--user", "--uid"),
        (*("-3", "-s", "-f", "-U", "-e", "-d", "-a", "-i", "-u"), "--show-versioncode"),
    )
    for each in process.system.packages.all():
        hidden = (
            ("-3" in found and each.system)
            or ("-s" in found and not each.system)
            or "-d" in found
            or ("--uid" in found and found["--uid"] != str(each.uid))
        )
        if hidden or not all(text in each.name for text in wanted):
            continue
        yield "".join(
            (
                "package:",
                f"{each.path}=" if "-f" in found else "",
                each.name,
                f" versionCode:{each.manifest.version_code}"
                if "--show-versioncode" in found
                else "",
                " installer=null" if "-i" in found else "",
                f" uid:{each.uid}" if "-U" in found else "",
            )
        )


def _list_instrumentation(process: Process, rest: Rest) -> Iterator[str]:
    found, targets = take(rest, (), ("-f",))
    for each in process.system.packages.all():
        for runner, target in each.manifest.instrumentations:
            if not targets or target in targets:
                path = f"{each.path}=" if "-f" in found else ""
                yield f"instrumentation:{path}{each.name}/{runner} (target={target})"


def _list_users(_: Process, __: Rest) -> Iterable[str]:
    return ["Users:", "\tUserInfo{0:Owner:c13} running"]


def _list_features(process: Process, _: Rest) -> Iterable[str]:
    return [f"feature:{name}" for name in ("android.hardware.wifi", "android.hardware.touchscreen")]


_LISTS: dict[str, Callable[[Process, Rest], Iterable[str]]] = {
    "features": _list_features,
    "instrumentation": _list_instrumentation,
    "packages": _list_packages,
    "users": _list_users,
}


def _permission(process: Process, rest: Rest) -> int:
    """Grant or revoke: no app of this phone asks for a permission, so that is all."""
    _, given = take(rest, ("--user",), ("--all-permissions",))
    if len(given) < 2:
        raise CommandFailed("Error: no permission specified", EXIT_USAGE)
    if process.system.packages.get(given[0]) is None:
        raise CommandFailed(
            f"java.lang.IllegalArgumentException: Unknown package: {given[0][:200]}", EXIT_USAGE
        )
    return 0


def _resolve_activity(process: Process, rest: Rest) -> int:
    found, names = take(rest, ("-a", "-c", "-d", "-p", "-n", "-t", "--user"), _RESOLVE_ALONE)
    component = _component(process, found, names)
    if component is None:
        process.out.line("No activity found")
        return 0
    priority = "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false"
    if "--components" not in found:
        process.out.line(priority)
    process.out.line(component)
    return 0


_RESOLVE_ALONE = ("--brief", "--components", "--query-flags")


def _component(process: Process, found: dict[str, str], names: list[str]) -> str | None:
    """Return what an intent leads to, None for nothing."""
    named = found.get("-n") or found.get("-p") or (names[0] if names else "")
    if not named:
        app: App | None = None
        with suppress(ValueError):
            app = process.screen.resolve("", found.get("-d"), found.get("-a", ""))
        return None if app is None else f"{app.package}/{app.activity}"
    each = process.system.packages.get(named.partition("/")[0])
    if each is None or not each.manifest.launcher:
        return None
    return f"{each.name}/{each.manifest.launcher.removeprefix(each.name)}"


_PM: dict[str, Callable[[Process, Rest], int]] = {
    "clear": _clear,
    "dump": _dump,
    "grant": _permission,
    "install": _install,
    "list": _list,
    "path": _path,
    "resolve-activity": _resolve_activity,
    "revoke": _permission,
    "uninstall": _uninstall,
}


def dump(system: AndroidSystem, name: str) -> list[str]:
    """Return what is known of a package, as ``dumpsys package`` shows it."""
    found = system.packages.get(name)
    if found is None:
        return [f"Unable to find package: {name}"]
    manifest = found.manifest
    updated = f"{datetime.fromtimestamp(found.updated, UTC):%Y-%m-%d %H:%M:%S}"
    return [
        "Packages:",
        f"  Package [{name}] ({found.uid:x}):",
        f"    userId={found.uid}",
        f"    codePath={found.path.removesuffix('/base.apk')}",
        f"    versionCode={manifest.version_code} minSdk={manifest.min_sdk} "
        f"targetSdk={manifest.target_sdk}",
        f"    versionName={manifest.version_name or 'null'}",
        f"    dataDir={found.storage}",
        f"    flags=[ {'SYSTEM ' if found.system else ''}HAS_CODE ALLOW_CLEAR_USER_DATA ]",
        f"    lastUpdateTime={updated}",
        *_state(system, found),
    ]


def _state(system: AndroidSystem, found: Package) -> list[str]:
    stopped = str(not system.processes.pids(found.name)).lower()
    return [
        f"    User 0: installed=true hidden=false suspended=false stopped={stopped} enabled=0",
        "      runtime permissions:",
    ]
