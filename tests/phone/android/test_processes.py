from __future__ import annotations

import pytest

from lab.phone import app_view, browser
from lab.phone.android.processes import INIT, SYSTEM_SERVER, ZYGOTE, Processes, Task
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.scripted import NOON

SAMPLE, BROWSER = app_view.PACKAGE, browser.PACKAGE


@pytest.fixture
def processes(system: AndroidSystem) -> Processes:
    return system.processes


def names(processes: Processes) -> list[str]:
    return [task.name for task in processes.all()]


def test_what_always_runs(processes: Processes) -> None:
    assert names(processes) == ["init", "logd", "adbd", ZYGOTE, SYSTEM_SERVER]
    (zygote,) = processes.pids(ZYGOTE)
    assert processes.parent(INIT) == 0
    assert processes.parent(zygote) == INIT
    assert processes.parent(processes.pids(SYSTEM_SERVER)[0]) == zygote
    assert processes.parent(31_999) is None
    assert processes.get(31_999) is None


def test_apps(processes: Processes, screen: Screen, system: AndroidSystem) -> None:
    screen.launch(SAMPLE)
    (first,) = processes.pids(SAMPLE)
    task = processes.get(first)
    assert task is not None
    assert (task.parent, task.uid) == (processes.pids(ZYGOTE)[0], system.packages.uid(SAMPLE))
    assert NOON <= task.started < NOON + 60
    screen.home()
    screen.launch(SAMPLE)
    assert processes.pids(SAMPLE) == (first,)
    screen.stop(SAMPLE)
    assert processes.pids(SAMPLE) == ()
    screen.launch(SAMPLE)
    assert processes.pids(SAMPLE) != (first,)
    screen.launch(BROWSER)
    screen.close()
    assert names(processes) == ["init", "logd", "adbd", ZYGOTE, SYSTEM_SERVER]


def test_an_app_that_cannot_be_started_has_none(
    phone: PhoneState, screen: Screen, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("lab.phone.installed.BrowserActivity.__init__", fail)
    with pytest.raises(RuntimeError):
        screen.launch(BROWSER)
    assert processes.pids(BROWSER) == ()
    assert not screen.running(BROWSER)


def test_those_that_were_there_first(phone: PhoneState, screen: Screen) -> None:
    screen.launch(SAMPLE)
    assert len(AndroidSystem(phone, screen).processes.pids(SAMPLE)) == 1


def test_others(processes: Processes) -> None:
    ended: list[str] = []
    pid = processes.begin("com.acme", 10_300, lambda: ended.append("asked"))
    assert processes.pids("com.acme") == (pid,)
    assert processes.kill(pid)
    assert ended == ["asked"]
    processes.end(pid)
    processes.end(pid)
    assert processes.pids("com.acme") == ()
    assert processes.kill(pid)


def test_killing(processes: Processes, screen: Screen) -> None:
    screen.launch(SAMPLE)
    assert processes.kill(processes.pids(SAMPLE)[0])
    assert not screen.running(SAMPLE)
    assert screen.foreground is None
    assert not processes.kill(INIT)
    assert not processes.kill(processes.pids("adbd")[0])


@pytest.mark.parametrize("name", [ZYGOTE, SYSTEM_SERVER])
def test_zygote_takes_its_children_along(processes: Processes, screen: Screen, name: str) -> None:
    screen.launch(SAMPLE)
    before = processes.pids(ZYGOTE) + processes.pids(SYSTEM_SERVER)
    assert processes.kill(processes.pids(name)[0])
    after = processes.pids(ZYGOTE) + processes.pids(SYSTEM_SERVER)
    assert len(after) == 2
    assert not set(before) & set(after)
    assert not screen.running(SAMPLE)
    screen.launch(SAMPLE)
    assert processes.parent(processes.pids(SAMPLE)[0]) == after[0]


def test_others_are_told(processes: Processes, screen: Screen) -> None:
    told: list[tuple[str, str]] = []

    def started(task: Task) -> None:
        # Nothing of the app has run yet.
        assert not screen.running(task.name)
        told.append(("started", task.name))

    processes.when_started(started)
    processes.when_ended(lambda task: told.append(("ended", task.name)))
    screen.launch(BROWSER)
    screen.stop(BROWSER)
    assert told == [("started", BROWSER), ("ended", BROWSER)]
    del told[:]
    processes.restart()
    assert told == [
        ("ended", SYSTEM_SERVER),
        ("ended", ZYGOTE),
        ("started", ZYGOTE),
        ("started", SYSTEM_SERVER),
    ]


def test_ids_come_again(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.android.processes._LAST", 4110)
    kept = processes.begin("kept", 10_300)
    for _ in range(30):
        pid = processes.begin("com.acme", 10_300)
        assert pid != kept
        assert 4100 <= pid <= 4110
        processes.end(pid)
