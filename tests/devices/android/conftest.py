from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.devices.android.keys import AdbKey, find_keys
from lab.devices.android.link import AdbLink
from lab.devices.android.program_link import AdbProgramLink
from lab.devices.android.root import RootShell
from lab.devices.android.shell_link import AdbShellLink, tcp_link
from lab.model.device import Endpoint
from tests.devices.android.rig import Rig
from tests.patience import CAP

Connect = Callable[[int], AdbLink]
ADB = shutil.which("adb")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[AdbKey, ...]:
    home = tmp_path_factory.mktemp("keys")
    return find_keys(environ={"HOME": str(home), "TRUSTPIN_LAB_STATE": str(home / "state")})


@pytest.fixture(scope="session")
def adb_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Endpoint, dict[str, str]]]:
    """The port of an adb server of the tests' own, and the environment of its clients."""
    if ADB is None:
        pytest.skip("there is no adb program")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("adb-home")
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    yield Endpoint("127.0.0.1", port), environ
    subprocess.run([ADB, "-P", str(port), "kill-server"], env=environ, check=False, timeout=CAP)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "phone")
    yield made
    made.close()


@pytest.fixture
def shell_link(rig: Rig, keys: tuple[AdbKey, ...]) -> Iterator[AdbShellLink]:
    made = tcp_link(rig.endpoint, lambda: keys)
    yield made
    made.close()


@pytest.fixture
def program_link(rig: Rig, adb_server: tuple[Endpoint, dict[str, str]]) -> Iterator[AdbProgramLink]:
    server, environ = adb_server
    made = AdbProgramLink(str(rig.endpoint), server=server, environ=environ)
    made.reconnect(CAP)
    yield made
    made.close()
    subprocess.run(
        [str(ADB), "-P", str(server.port), "disconnect", made.serial],
        env=environ,
        check=True,
        timeout=CAP,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(params=["adb-shell", "adb"])
def any_link(request: pytest.FixtureRequest) -> AdbLink:
    """Each of the two ways to the phone of ``rig``."""
    name = "shell_link" if request.param == "adb-shell" else "program_link"
    made: AdbLink = request.getfixturevalue(name)
    return made


@pytest.fixture
def link(shell_link: AdbShellLink) -> AdbLink:
    return shell_link


@pytest.fixture
def root(link: AdbLink) -> RootShell:
    return RootShell(link)
