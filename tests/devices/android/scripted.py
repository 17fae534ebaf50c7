"""A link to a phone that answers as a test says, command by command."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from lab.devices.android.link import COMMAND_CAP, CommandRefused, Ran
from lab.devices.android.marks import succeeded
from lab.model.device import Endpoint

Answer = Callable[[str], tuple[str, int] | str]
_MARKED = re.compile(r'\(\n(.*?)\n\)\necho "(lab-[0-9a-f]{16}\.\d+)\.\$\?"\n?', re.DOTALL)


class ScriptedLink:
    """Implements ``AdbLink``. ``said`` has every command, of ``ask``'s each by itself."""

    serial = "scripted"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.said: list[str] = []
        self.files: dict[str, bytes] = {}
        self.trips = 0

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        self.trips += 1
        if not _MARKED.match(command):
            return self._one(command)
        output = ""
        for asked, mark in _MARKED.findall(command):
            ran = self._one(asked)
            output += f"{ran.output}{mark}.{ran.code}\n"
        return Ran(output, 0)

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        return succeeded(command, self.run(command, cap=cap))

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        self.files[path] = content

    def pull(self, path: str, *, limit: int) -> bytes:
        if path not in self.files or len(self.files[path]) > limit:
            raise CommandRefused(f"reading {path}: no")
        return self.files[path]

    def install(self, package: Path) -> None:
        self.said.append(f"install {package.name}")

    def reverse(self, port: int, target: Endpoint) -> None:
        self.said.append(f"reverse {port} {target}")

    def reversed_ports(self) -> tuple[int, ...]:
        return ()

    def remove_reverse(self, port: int) -> None:
        self.said.append(f"remove {port}")

    def reconnect(self, cap: float) -> None:
        return

    def close(self) -> None:
        return

    def _one(self, command: str) -> Ran:
        self.said.append(command)
        answer = self._answer(command)
        return Ran(answer, 0) if isinstance(answer, str) else Ran(*answer)


def answering(answers: dict[str, tuple[str, int] | str], other: str | None = None) -> Answer:
    """Return what answers by how a command begins, the longest beginning first."""

    def answer(command: str) -> tuple[str, int] | str:
        for start in sorted(answers, key=len, reverse=True):
            if command.startswith(start):
                return answers[start]
        return (f"sh: {command.split()[0]}: not found\n", 127) if other is None else other

    return answer
