"""How Android's own commands are given their arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed

Handler = TypeVar("Handler")


def first(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the first argument, empty where there is none, and the others."""
    items = list(arguments)
    return (items[0], items[1:]) if items else ("", [])


def command_of(table: Mapping[str, Handler], name: str, whose: str) -> Handler:
    """Return what carries out ``name``. Raises CommandFailed, which says what there is."""
    command = table.get(name)
    if command is None:
        known = ", ".join(sorted(table))
        raise CommandFailed(f"Unknown command: {name}; {whose} has {known}", EXIT_USAGE)
    return command


def take(
    arguments: Sequence[str], values: Collection[str], alone: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Split arguments into options and the rest: ``values`` are those options that take a value,
    ``alone`` those that do not. Raises CommandFailed for any other."""
    found: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if argument in values:
            if not waiting:
                raise CommandFailed(f'Error: Argument expected after "{argument}"', EXIT_USAGE)
            found[argument] = waiting.pop()
        elif argument in alone:
            found[argument] = ""
        elif argument.startswith("-") and argument != "-":
            raise CommandFailed(f"Error: Unknown option: {argument[:40]}", EXIT_USAGE)
        else:
            rest.append(argument)
    return found, rest


def only_package(arguments: Sequence[str], alone: Collection[str] = ()) -> str:
    """Return the one package that is meant, past ``--user N``. Raises CommandFailed."""
    _, rest = take(arguments, ("--user",), alone)
    if len(rest) != 1:
        raise CommandFailed("Error: no package specified", EXIT_USAGE)
    return rest[0]


def number(found: Mapping[str, str], option: str, default: int) -> int:
    """Return the number that an option has. Raises CommandFailed where it is none."""
    text = found.get(option)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise CommandFailed(f"Error: not a number: {text[:40]}", EXIT_USAGE)
    return int(text)
