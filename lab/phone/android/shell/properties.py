"""Commands about what is set: getprop, setprop, settings."""

from __future__ import annotations

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.state import NAMESPACES


def _getprop(process: Process) -> int:
    properties = process.system.properties
    if process.arguments:
        default = process.arguments[1] if len(process.arguments) > 1 else ""
        process.out.line(properties.get(process.arguments[0]) or default)
    else:
        process.print_lines(
            f"[{key}]: [{value}]" for key, value in sorted(properties.all().items())
        )
    return 0


def _setprop(process: Process) -> int:
    if len(process.arguments) != 2:
        raise CommandFailed("usage: setprop NAME VALUE")
    name, value = process.arguments
    if not process.system.properties.set(name, value, root=process.identity.root):
        raise CommandFailed(f"Failed to set property '{name[:200]}' to '{value[:200]}'.")
    return 0


def _settings(process: Process) -> int:
    rest = list(process.arguments)
    if "--user" in rest:
        at = rest.index("--user")
        del rest[at : at + 2]
    verb, rest = (rest[0], rest[1:]) if rest else ("", [])
    wanted = {"get": 2, "put": 3, "delete": 2, "list": 1}.get(verb)
    if wanted is None or len(rest) < wanted:
        raise CommandFailed(
            "usage: settings get|put|delete|list NAMESPACE [KEY [VALUE]]", EXIT_USAGE
        )
    namespace = rest[0]
    if namespace not in NAMESPACES:
        raise CommandFailed(f"Error: Invalid namespace '{namespace}'", EXIT_USAGE)
    phone = process.phone
    if verb == "list":
        process.print_lines(f"{key}={value}" for key, value in phone.settings_of(namespace))
    elif verb == "get":
        value = phone.setting(namespace, rest[1])
        process.out.line("null" if value is None else value)
    else:
        existed = phone.setting(namespace, rest[1]) is not None
        try:
            phone.put_setting(namespace, rest[1], rest[2] if verb == "put" else None)
        except ValueError as error:
            raise CommandFailed(f"Error: {error}", EXIT_USAGE) from None
        if verb == "delete":
            process.out.line(f"Deleted {int(existed)} rows")
    return 0


COMMANDS = {"getprop": _getprop, "setprop": _setprop, "settings": _settings}
