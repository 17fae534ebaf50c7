"""Commands that work on apps: am, pm, cmd."""

from __future__ import annotations

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.android.shell.wifi import wifi
from lab.phone.ui import Screen

_WITH_VALUE = {
    **dict.fromkeys(("-a", "-c", "-d", "-f", "-n", "-t", "-p", "--user", "--display"), 1),
    **dict.fromkeys(("-e", "--es", "--ez", "--ei", "--el", "--eu"), 2),
}
"""Options of ``am start`` and how many values they take."""
_ALONE = frozenset({"-W", "-S", "-D", "-R"})


def _am(process: Process) -> int:
    name, rest = _first(process.arguments)
    if name in ("start", "start-activity"):
        return _start(process, rest)
    if name == "force-stop":
        process.screen.stop(_only(process, rest))
        return 0
    raise CommandFailed(
        f"Unknown command: {name}; this phone's 'am' has force-stop, start, start-activity",
        EXIT_USAGE,
    )


def _start(process: Process, arguments: list[str]) -> int:
    found, rest = _intent(arguments)
    component = found.get("-n", "") or found.get("-p", "")
    data = found.get("-d")
    if not component and rest:
        component = rest[0]
    shown = [
        *(f"{key}={found[option]}" for option, key in _SHOWN if option in found),
        *([f"cmp={component}"] if component else []),
    ]
    process.out.line(f"Starting: Intent {{ {' '.join(shown)} }}")
    if "-S" in found:
        process.screen.stop(component.partition("/")[0])
    try:
        process.screen.launch(component, data=data)
    except ValueError:
        if component:
            process.err.line("Error type 3")
            process.err.line(f"Error: Activity class {{{component}}} does not exist.")
        else:
            process.err.line("Error: Activity not started, unable to resolve Intent")
        return 1
    front = process.screen.foreground
    if "-W" in found and front is not None:
        process.print_lines(["Status: ok", f"Activity: {front.package}/{front.name}", "Complete"])
    return 0


_SHOWN = (("-a", "act"), ("-c", "cat"), ("-d", "dat"), ("-f", "flg"))


def _intent(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument in _WITH_VALUE:
            count = _WITH_VALUE[argument]
            if len(waiting) < count:
                raise CommandFailed(f'Error: Argument expected after "{argument}"', EXIT_USAGE)
            found[argument] = waiting[0]
            del waiting[:count]
        elif argument in _ALONE:
            found[argument] = ""
        elif argument.startswith("-"):
            raise CommandFailed(f"Error: Unknown option: {argument}", EXIT_USAGE)
        else:
            rest.append(argument)
    return found, rest


def _pm(process: Process) -> int:
    return _package(process, list(process.arguments))


def _cmd(process: Process) -> int:
    service, rest = _first(process.arguments)
    if service == "package":
        return _package(process, rest)
    if service == "wifi":
        return wifi(process, rest)
    if service == "activity":
        process.arguments = rest
        return _am(process)
    raise CommandFailed(f"cmd: Can't find service: {service}", 20)


def _package(process: Process, arguments: list[str]) -> int:
    name, rest = _first(arguments)
    if name == "list" and rest[:1] == ["packages"]:
        _list_packages(process, rest[1:])
    elif name == "clear":
        _clear(process, _only(process, rest))
    elif name == "path":
        package = _only(process, rest)
        if package not in dict(process.screen.packages):
            return 1
        process.out.line(f"package:/data/app/{package}/base.apk")
    elif name == "dump":
        process.print_lines(dump(process.screen, _only(process, rest)))
    else:
        raise CommandFailed(
            f"Unknown command: {name}; this phone's 'pm' has clear, dump, list packages, path",
            EXIT_USAGE,
        )
    return 0


def _list_packages(process: Process, arguments: list[str]) -> None:
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    for package, _ in process.screen.packages:
        if all(text in package for text in wanted):
            process.out.line(f"package:{package}")


def _clear(process: Process, package: str) -> None:
    try:
        process.screen.clear(package)
    except ValueError:
        process.out.line("Failed")
        raise CommandFailed("") from None
    process.out.line("Success")


def dump(screen: Screen, package: str) -> list[str]:
    """Return what is known of an app, as ``dumpsys package`` shows it."""
    version = dict(screen.packages).get(package)
    if version is None:
        return [f"Unable to find package: {package}"]
    return ["Packages:", f"  Package [{package}] (0):", f"    versionName={version}"]


def _first(arguments: object) -> tuple[str, list[str]]:
    items = [str(item) for item in arguments] if isinstance(arguments, list | tuple) else []
    return (items[0], items[1:]) if items else ("", [])


def _only(process: Process, arguments: list[str]) -> str:
    """Return the package that is meant, past ``--user N``."""
    rest = list(arguments)
    if rest[:1] == ["--user"]:
        del rest[:2]
    if len(rest) != 1:
        raise CommandFailed("Error: no package specified", EXIT_USAGE)
    return rest[0]


COMMANDS = {"am": _am, "cmd": _cmd, "pm": _pm}
