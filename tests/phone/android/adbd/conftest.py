from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.phone.android.adbd import Adbd, KeyPolicy, Limits
from lab.phone.android.system import AndroidSystem
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from tests.patience import CAP, LONG, eventually
from tests.phone.android.adbd.peer import Peer
from tests.phone.scripted import ScriptedSdk, make_phone

Start = Callable[..., Adbd]
QUICK = Limits(
    connections=8,
    streams=16,
    unread=256 * 1024,
    message=LONG,
    greeting=LONG,
    consent=LONG,
    accept=LONG,
    tokens=3,
)
"""Limits that a test can reach, but for those of time: they would strike whoever is honest, too,
where the machine is slow."""
HASTY = replace(QUICK, message=0.3, greeting=1.0, consent=0.3, accept=0.3)
"""Limits of time that a test can reach."""


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    (tmp_path / "air").mkdir()
    return make_phone(tmp_path)


@pytest.fixture
def system(phone: PhoneState) -> Iterator[AndroidSystem]:
    screen = make_screen(phone, ScriptedSdk())
    yield AndroidSystem(phone, screen)
    screen.close()


@pytest.fixture
def start(system: AndroidSystem) -> Iterator[Start]:
    """Starts daemons; checks that nothing of them is left when they are closed."""
    before = threads()
    with ExitStack() as stack:

        def started(**options: object) -> Adbd:
            daemon = Adbd(system, **options)  # type: ignore[arg-type]
            stack.callback(daemon.close)
            return daemon

        yield started
    assert eventually(lambda: threads() <= before), threads() - before


@pytest.fixture
def open_adbd(start: Start) -> Adbd:
    """A daemon that wants no key."""
    return start(keys=KeyPolicy.OPEN)


@pytest.fixture
def peer(open_adbd: Adbd) -> Iterator[Peer]:
    """A peer that has said hello."""
    with Peer(open_adbd.port) as made:
        made.greet()
        yield made


def threads() -> set[threading.Thread]:
    """Return the threads of daemons."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("adbd")}


@dataclass(frozen=True)
class Ran:
    """How a run of adb ended."""

    out: bytes
    err: bytes
    code: int

    @property
    def text(self) -> str:
        return self.out.decode()


class RealAdb:
    """The adb program, with a server, a home and a key of its own."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.environment = {**os.environ, "HOME": str(home)}
        self.environment.pop("ADB_VENDOR_KEYS", None)
        self.environment.pop("ANDROID_SERIAL", None)

    def run(self, *arguments: str, stdin: bytes = b"", cap: float = CAP) -> Ran:
        ran = subprocess.run(
            ["adb", "-P", str(self.port), *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=cap,
        )
        return Ran(ran.stdout, ran.stderr, ran.returncode)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["adb", "-P", str(self.port), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def connect(self, daemon: Adbd) -> str:
        """Connect to a phone and return its serial number."""
        serial = f"127.0.0.1:{daemon.port}"
        self.run("connect", serial)
        assert self.run("-s", serial, "wait-for-device").code == 0
        return serial


@pytest.fixture(scope="session")
def real_adb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAdb]:
    if shutil.which("adb") is None:
        pytest.skip("needs adb")
    adb = RealAdb(tmp_path_factory.mktemp("adb"))
    assert adb.run("start-server").code == 0
    yield adb
    adb.run("kill-server")
