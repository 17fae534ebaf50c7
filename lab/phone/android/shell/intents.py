"""Intents, the way that ``am`` is given them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed

_WITH_VALUES = {
    **dict.fromkeys(("-a", "-c", "-d", "-f", "-n", "-t", "-p", "-i", "--user", "--display"), 1),
    **dict.fromkeys(("--esn", "--windowingMode", "--activityType", "--receiver-permission"), 1),
    **dict.fromkeys(("-P", "-R", "--sampling", "--start-profiler", "--allowlist"), 1),
    **dict.fromkeys(("-e", "--es", "--ez", "--ei", "--el", "--ef", "--ed", "--eu", "--ecn"), 2),
    **dict.fromkeys(("--eia", "--eial", "--ela", "--elal", "--efa", "--efal"), 2),
    **dict.fromkeys(("--esa", "--esal"), 2),
}
"""Options and how many values they take (AOSP, ActivityManagerShellCommand.java)."""
_ALONE = frozenset({"-W", "-S", "-D", "-N", "--streaming", "--selector", "--async", "--sync"})
_FLAGS = "--activity-", "--receiver-", "--grant-", "--exclude-", "--include-", "--debug-log-"
"""How the names of options begin that stand for flags of an intent."""
_SHOWN = (("-a", "act"), ("-c", "cat"), ("-d", "dat"), ("-f", "flg"), ("-p", "pkg"))


@dataclass(frozen=True, slots=True)
class Intent:
    """What is meant, and how to go about it."""

    options: dict[str, str] = field(default_factory=dict)
    """By name; the first value of each."""
    rest: tuple[str, ...] = ()
    """What is no option: a URI, a package or a component."""
    extras: dict[str, str] = field(default_factory=dict)
    """The texts that it carries, by name."""

    @property
    def action(self) -> str:
        """What is to be done; empty where it is not said."""
        return self.options.get("-a", "")

    @property
    def data(self) -> str | None:
        """What it is to be done with: a URI."""
        given = self.options.get("-d")
        if given is None and self.rest and ":" in self.rest[0]:
            return self.rest[0]
        return given

    @property
    def component(self) -> str:
        """``package/activity``, a package, or empty."""
        given = self.options.get("-n", "") or self.options.get("-p", "")
        if not given and self.rest and ":" not in self.rest[0]:
            return self.rest[0]
        return given

    @property
    def package(self) -> str:
        """The package that is meant; empty where none is named."""
        return self.component.partition("/")[0]

    def __contains__(self, option: str) -> bool:
        return option in self.options

    def __str__(self) -> str:
        shown = [f"{key}={self.options[option]}" for option, key in _SHOWN if option in self]
        if self.data is not None and "-d" not in self:
            shown.append(f"dat={self.data}")
        if self.component and "-p" not in self:
            shown.append(f"cmp={self.component}")
        if any(option.startswith("--e") or option == "-e" for option in self.options):
            shown.append("(has extras)")
        return f"Intent {{ {' '.join(shown)} }}"


def read_intent(arguments: Sequence[str]) -> Intent:
    """Read an intent. Raises CommandFailed."""
    found: dict[str, str] = {}
    extras: dict[str, str] = {}
    rest: list[str] = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if argument in _WITH_VALUES:
            count = _WITH_VALUES[argument]
            if len(arguments) - at < count:
                raise CommandFailed(f'Error: Argument expected after "{argument}"', EXIT_USAGE)
            found[argument] = arguments[at]
            if argument in ("-e", "--es"):
                extras[arguments[at]] = arguments[at + 1]
            at += count
        elif argument in _ALONE or argument.startswith(_FLAGS):
            found[argument] = ""
        elif argument.startswith("-"):
            raise CommandFailed(f"Error: Unknown option: {argument}", EXIT_USAGE)
        else:
            rest.append(argument)
    return Intent(found, tuple(rest), extras)
