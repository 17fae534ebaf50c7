from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.phone.android.shell import RUN_CAP, Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from tests.phone.scripted import make_phone

Run = Callable[..., tuple[str, str, int]]


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    """A phone whose clock shows noon of 2026-07-01, with the networks ``Home`` and ``Café 1``."""
    air = tmp_path / "air"
    air.mkdir()
    for number, ssid in enumerate(("Home", "Café 1")):
        (air / f"{number}.json").write_text(
            f'{{"ssid": "{ssid}", "resolver": "127.0.0.1:53", "gateway": "127.0.0.1:{number + 1}"}}'
        )
    return make_phone(tmp_path)


@pytest.fixture
def run(system: AndroidSystem) -> Run:
    """Run a command line; return output and errors as text, and the exit code."""
    shell = Shell(system)

    def ran(command: str, stdin: bytes = b"", *, cap: float = RUN_CAP) -> tuple[str, str, int]:
        result = shell.run(command, stdin, cap=cap)
        return result.stdout.decode(), result.stderr.decode(), result.code

    return ran
