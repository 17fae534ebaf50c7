from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.phone.android.automation import PORT, RUNNER, SERVER, TESTS, CannotStart, End
from lab.phone.android.shell import Shell
from lab.phone.android.shell.instrument import instrument
from lab.phone.android.shell.process import CommandFailed, Process
from tests.patience import CAP, eventually
from tests.phone.android.webdriver.rigs import Rig

WANTED = {"capabilities": {"firstMatch": [{"platformName": "Android"}], "alwaysMatch": {}}}
OPTIONS = ("-w", "-e", "DISABLE_SUPPRESS_ACCESSIBILITY_SERVICES", "true", "-e", "b", "c")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as started:
        yield started


class Instrument:
    """``am instrument``, as a client waits for it."""

    def __init__(self, rig: Rig, *arguments: str) -> None:
        self.process = Process(rig.system, "am", ())
        self.code: int | None = None
        self._thread = threading.Thread(
            target=self._run, args=(arguments or (*OPTIONS, RUNNER),), daemon=True
        )
        self._thread.start()

    def _run(self, arguments: tuple[str, ...]) -> None:
        self.code = instrument(self.process, arguments)

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def output(self) -> str:
        self._thread.join(CAP)
        assert not self.runs
        return self.process.out.content.decode()


def runs(rig: Rig) -> bool:
    return rig.system.automation.running


def listens(rig: Rig) -> bool:
    return PORT in rig.system.ports.served()


def begin(rig: Rig) -> str:
    status, told = rig.server("POST", "/session", WANTED)
    assert status == 200
    return str(told["sessionId"])


def test_the_server_runs_until_its_session_is_ended(rig: Rig) -> None:
    assert not runs(rig)
    with pytest.raises(ConnectionRefusedError):
        rig.reach()
    run = Instrument(rig)
    assert eventually(lambda: listens(rig))
    assert runs(rig)
    assert rig.server("GET", "/status")[1]["ready"] is True
    session = begin(rig)
    assert run.runs
    idle = rig.reach()
    assert rig.server("DELETE", f"/session/{session}") == (200, None)
    assert not runs(rig)
    assert not listens(rig)
    assert "OK (1 test)" in run.output()
    assert run.code == 0
    assert idle.sock.recv(1) == b""
    idle.close()


def test_the_process_is_gone_before_the_client_hears_of_it(rig: Rig) -> None:
    """Appium looks for the process at once, and again only after 300 ms."""
    for _ in range(20):
        rig.system.automation.start()
        session = begin(rig)
        connection = rig.reach()
        connection.request("DELETE", f"/session/{session}")
        assert connection.getresponse().status == 200
        assert not runs(rig)
        connection.close()


def test_a_killed_server_takes_everything_along(rig: Rig) -> None:
    run = Instrument(rig)
    assert eventually(lambda: listens(rig))
    begin(rig)
    connection = rig.reach()
    rig.system.automation.kill()
    assert connection.sock.recv(1) == b""
    connection.close()
    assert run.output() == (
        "INSTRUMENTATION_RESULT: shortMsg=Process crashed.\nINSTRUMENTATION_CODE: 0\n"
    )
    assert not runs(rig)
    rig.system.automation.kill()
    Instrument(rig)
    assert eventually(lambda: listens(rig))
    assert rig.server("GET", "/sessions") == (200, [])


def test_it_ends_with_its_client(rig: Rig) -> None:
    run = Instrument(rig)
    assert eventually(lambda: listens(rig))
    run.process.hung_up.set()
    assert run.output() == ""
    assert not runs(rig)
    assert not listens(rig)


def test_without_waiting_it_stays(rig: Rig) -> None:
    run = Instrument(rig, "-e", "a", "b", RUNNER)
    assert run.output() == ""
    assert runs(rig)
    assert rig.server("GET", "/status")[0] == 200


def test_another_start_kills_the_one_before(rig: Rig) -> None:
    first = Instrument(rig)
    assert eventually(lambda: listens(rig))
    begin(rig)
    second = Instrument(rig)
    assert "Process crashed" in first.output()
    assert eventually(lambda: listens(rig))
    assert rig.server("GET", "/sessions") == (200, [])
    first.process.hung_up.set()
    assert second.runs
    assert runs(rig)


def test_a_run_that_is_over_cannot_be_ended_again(rig: Rig) -> None:
    first = rig.system.automation.start()
    second = rig.system.automation.start()
    assert first.end is End.KILLED
    rig.system.automation.kill(first)
    assert runs(rig)
    rig.system.automation.kill(second)
    assert second.ended.is_set()
    assert not runs(rig)


def test_somebody_else_has_the_port(rig: Rig) -> None:
    rig.system.ports.serve(PORT, lambda: None)
    with pytest.raises(CannotStart, match="Address already in use"):
        rig.system.automation.start()
    run = Instrument(rig)
    assert "Process crashed" in run.output()
    assert "Address already in use" in rig.phone.logcat.lines(["AndroidRuntime"])[0].message
    assert not runs(rig)


def refused(rig: Rig, *arguments: str) -> tuple[str, str, int]:
    process = Process(rig.system, "am", ())
    with pytest.raises(CommandFailed) as caught:
        instrument(process, arguments)
    assert not runs(rig)
    return process.out.content.decode(), str(caught.value), caught.value.code


def test_what_is_not_installed_cannot_be_started(rig: Rig) -> None:
    for component in ("no.such/x.Runner", SERVER, f"{TESTS}/other.Runner", "\ud800"):
        output, said, code = refused(rig, "-w", component)
        assert "Unable to find instrumentation info for: ComponentInfo{" in output
        assert said == f"android.util.AndroidException: INSTRUMENTATION_FAILED: {component}"
        assert code == 1


def test_a_phone_without_the_servers_packages(tmp_path: Path) -> None:
    with Rig(tmp_path, automation_installed=False) as rig:
        _, said, _ = refused(rig, "-w", RUNNER)
        assert "INSTRUMENTATION_FAILED" in said


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-w",),
        ("-e", "a"),
        ("--user",),
        ("-x", RUNNER),
        (RUNNER, "more"),
        ("-w", "-e", "a", "b"),
    ],
)
def test_wrong_usage(rig: Rig, arguments: tuple[str, ...]) -> None:
    _, said, code = refused(rig, *arguments)
    assert said.startswith("Error: ")
    assert code == 255


def test_the_shell_has_it(rig: Rig) -> None:
    ran = Shell(rig.system).run("am instrument -w no.such/x.Runner")
    assert ran.code == 1
    assert b"INSTRUMENTATION_FAILED: no.such/x.Runner" in ran.stderr
    assert Shell(rig.system).run(f"am instrument {RUNNER}").code == 0
    assert runs(rig)
    assert Shell(rig.system).run(f"am force-stop {SERVER}").code == 0
    assert not runs(rig)
