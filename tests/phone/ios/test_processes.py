"""Apps as developer tools start and end them; the automation server among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest

from lab.phone.ios.app_shelf import RUNNER
from lab.phone.ios.lockdown.ports import Ports
from lab.phone.ios.processes import RUNNER_PORT, AppProcesses
from lab.phone.ios.remote.process_control import CannotLaunch
from lab.phone.ios.remote.tunnel import SHARED, own_address
from lab.phone.ios.wda.runner import Runners
from tests.patience import CAP
from tests.phone.ios.rigs import SAFARI, TEST_APP, IosRig

INSTALLED = frozenset({RUNNER, TEST_APP, SAFARI})


@dataclass
class Agents:
    """Starts automation servers that do nothing."""

    ports: list[int] = field(default_factory=list)
    closed: int = 0
    trouble: str = ""

    def start(self, port: int) -> Agents:
        if self.trouble:
            raise OSError(98, self.trouble)
        self.ports.append(port)
        return self

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture
def agents() -> Agents:
    return Agents()


@pytest.fixture
def processes(rig: IosRig, agents: Agents) -> AppProcesses:
    return AppProcesses(rig.screen, rig.phone.pids, lambda: INSTALLED, agents.start)


def test_an_app_has_the_process_that_its_connections_have(
    rig: IosRig, processes: AppProcesses
) -> None:
    assert processes.pid(TEST_APP) == 0
    pid = processes.launch(TEST_APP, {}, suspended=False)
    assert pid == processes.pid(TEST_APP) == rig.phone.pid_of(TEST_APP)
    assert rig.screen.foreground is not None
    told = rig.driver().execute_script("mobile: activeAppInfo", {})
    assert (told["bundleId"], told["pid"]) == (TEST_APP, pid)
    assert processes.kill(pid)
    assert (processes.pid(TEST_APP), rig.screen.running(TEST_APP)) == (0, False)
    assert processes.launch(TEST_APP, {}, suspended=False) > pid


@pytest.mark.parametrize("pid", [0, -1, 4711])
def test_who_is_no_process_cannot_be_ended(processes: AppProcesses, pid: int) -> None:
    assert not processes.kill(pid)


def test_what_cannot_be_launched(processes: AppProcesses) -> None:
    with pytest.raises(CannotLaunch, match="is not installed"):
        processes.launch("not.there", {}, suspended=False)
    with pytest.raises(CannotLaunch, match="suspended"):
        processes.launch(TEST_APP, {}, suspended=True)
    for text in ("x", "0", "65536", "٣"):
        with pytest.raises(CannotLaunch, match="no port"):
            processes.launch(RUNNER, {"USE_PORT": text}, suspended=False)


def test_the_automation_server_runs_from_launch_to_kill(
    processes: AppProcesses, agents: Agents
) -> None:
    assert processes.pid(RUNNER) == 0
    pid = processes.launch(RUNNER, {"USE_PORT": "8200"}, suspended=False)
    assert processes.launch(RUNNER, {}, suspended=False) == pid == processes.pid(RUNNER)
    assert processes.kill(pid)
    assert (agents.ports, agents.closed, processes.pid(RUNNER)) == ([8200], 1, 0)
    assert not processes.kill(pid)
    processes.launch(RUNNER, {}, suspended=False)
    processes.close()
    processes.close()
    assert (agents.ports, agents.closed) == ([8200, RUNNER_PORT], 2)


def test_suspended_it_listens_once_it_goes_on(processes: AppProcesses, agents: Agents) -> None:
    pid = processes.launch(RUNNER, {}, suspended=True)
    assert (processes.pid(RUNNER), agents.ports) == (pid, [])
    processes.resume(pid)
    processes.resume(pid)
    assert agents.ports == [RUNNER_PORT]
    processes.kill(pid)
    assert processes.kill(processes.launch(RUNNER, {}, suspended=True))
    assert agents.ports == [RUNNER_PORT]


def test_a_port_that_is_taken_is_told(processes: AppProcesses, agents: Agents) -> None:
    agents.trouble = "Address already in use"
    with pytest.raises(CannotLaunch, match="port 8100: Address already in use"):
        processes.launch(RUNNER, {}, suspended=False)
    assert processes.pid(RUNNER) == 0
    processes.resume(processes.launch(RUNNER, {}, suspended=True))
    assert processes.pid(RUNNER) == 0


def test_one_that_always_runs_is_in_nobodys_hands(rig: IosRig) -> None:
    processes = AppProcesses(rig.screen, rig.phone.pids, lambda: INSTALLED, None)
    pid = processes.pid(RUNNER)
    assert pid
    assert processes.launch(RUNNER, {}, suspended=False) == pid
    assert not processes.kill(pid)
    assert processes.pid(RUNNER) == pid


def test_it_is_there_over_cable_and_tunnel_until_it_ends(rig: IosRig) -> None:
    ports, address = Ports(4), own_address()
    assert address != SHARED
    runner = Runners(rig.phone, rig.screen, ports, address).start(RUNNER_PORT)
    assert ports.find(RUNNER_PORT) is not None
    connection = HTTPConnection(address, RUNNER_PORT, timeout=CAP)
    with closing(connection):
        connection.request("GET", "/status")
        assert connection.getresponse().status == 200
    with pytest.raises(OSError, match="in use"):
        Runners(rig.phone, rig.screen, ports, address).start(RUNNER_PORT)
    runner.close()
    assert ports.find(RUNNER_PORT) is None
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(address, RUNNER_PORT, timeout=CAP).request("GET", "/status")
    shared = Runners(rig.phone, rig.screen, ports, SHARED).start(RUNNER_PORT)
    assert ports.find(RUNNER_PORT) is not None
    shared.close()
