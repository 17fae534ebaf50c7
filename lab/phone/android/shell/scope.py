"""The variables of a running script."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.phone.android.shell.process import Identity
from lab.phone.android.shell.streams import CommandFailed

MAX_VARIABLES = 1000
MAX_VALUES = 4 * 1024 * 1024
"""Characters of all variables of a script together."""

SHELL = "/system/bin/sh"
ENVIRONMENT = {
    "ANDROID_DATA": "/data",
    "ANDROID_ROOT": "/system",
    "HOME": "/",
    "HOSTNAME": "virtual",
    "PATH": "/system/bin",
    "SHELL": SHELL,
    "TMPDIR": "/data/local/tmp",
}
"""What a shell begins with."""


@dataclass(slots=True)
class Scope:
    """Variables, arguments, and who runs; a subshell has a copy of its own."""

    identity: Identity = field(default_factory=Identity)
    arguments: tuple[str, ...] = (SHELL,)
    """``$0``, ``$1`` and so on."""
    variables: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))
    exported: set[str] = field(default_factory=lambda: set(ENVIRONMENT))
    code: int = 0
    """``$?``."""
    ends_at_failure: bool = False
    """``set -e``."""

    def copy(self) -> Scope:
        """Return the scope of a subshell."""
        return Scope(
            self.identity,
            self.arguments,
            dict(self.variables),
            set(self.exported),
            self.code,
            self.ends_at_failure,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that commands get to see."""
        return {name: self.variables[name] for name in self.exported if name in self.variables}

    def get(self, name: str) -> str | None:
        """Return a variable or a special parameter; None where it is not set."""
        if name.isdigit():
            return self.arguments[int(name)] if int(name) < len(self.arguments) else None
        if name in ("@", "*"):
            return " ".join(self.arguments[1:]) if len(self.arguments) > 1 else None
        special = {"?": self.code, "#": len(self.arguments) - 1, "$": _PID}.get(name)
        return self.variables.get(name) if special is None else str(special)

    def set(self, name: str, value: str) -> None:
        """Set a variable. Raises CommandFailed where that would be too much."""
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            raise CommandFailed(f"{SHELL}: {name}: too many variables")
        held = sum(map(len, self.variables.values())) - len(self.variables.get(name, ""))
        if held + len(value) > MAX_VALUES:
            raise CommandFailed(f"{SHELL}: {name[:40]}: Out of memory")
        self.variables[name] = value

    def unset(self, name: str) -> None:
        """Forget a variable."""
        self.variables.pop(name, None)
        self.exported.discard(name)


_PID = 4242
"""What ``$$`` says: the shell is no process that others could look up."""
