"""Restarting the phone: by its shell, through adb, in the middle of anything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.phone.android.access import RootMode
from lab.phone.android.adbd import Adbd, KeyPolicy
from lab.phone.android.boot import Boot
from lab.phone.trust import APEX_STORE
from tests.patience import CAP
from tests.phone.android.rooted import APP, Rooted


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Rooted]:
    (tmp_path / "air").mkdir()
    (tmp_path / "air/home.json").write_text(
        '{"ssid": "Home", "resolver": "127.0.0.1:53", "gateway": "127.0.0.1:1"}'
    )
    made = Rooted(tmp_path)
    made.system.boot.down_time = 0.05
    yield made
    made.close()


@pytest.mark.parametrize("command", ["reboot", "svc power reboot"])
def test_what_is_forgotten_and_what_is_not(phone: Rooted, command: str) -> None:
    system = phone.system
    phone.done(
        f"cmd wifi connect-network Home open >/dev/null; mount -t tmpfs tmpfs {APEX_STORE};"
        "iptables -A OUTPUT -j DROP; settings put global a b; settings put global auto_time 0;"
        "date @1782907200 >/dev/null; echo kept > /data/a; mount -o rw,remount /; echo k > /k"
    )
    system.access.restart_adbd(root=False)
    phone.screen.launch(APP)
    seen: list[tuple[str, bool]] = []
    system.boot.on_reboot(
        lambda: seen.append(("down", system.boot.completed)),
        lambda: seen.append(("up", phone.screen.running(APP))),
    )
    (pid,) = system.processes.pids(APP)
    phone(command)
    assert system.boot.wait(CAP)
    assert seen == [("down", False), ("up", False)]
    assert phone.done("whoami; getprop sys.boot_completed; cat /data/a /k") == "root\n1\nkept\nk\n"
    assert phone("grep -c tmpfs.*cacerts /proc/mounts")[0] == "0\n"
    assert phone.done("iptables -S OUTPUT; settings get global a") == "-P OUTPUT ACCEPT\nb\n"
    assert phone("echo a > /k")[1].endswith("Read-only file system\n")
    assert 'Wifi is connected to "Home"' in phone.done("cmd wifi status")
    assert phone.done("date +%Y-%m-%d") == "2026-07-01\n"
    assert system.processes.get(pid) is None
    assert phone.done(f"am start {APP} >/dev/null; pidof {APP}") != f"{pid}\n"


def test_while_it_is_down(phone: Rooted) -> None:
    boot = phone.system.boot
    boot.down_time = CAP
    daemon = Adbd(phone.system, keys=KeyPolicy.OPEN)
    went_down = threading.Event()
    boot.on_reboot(went_down.set)
    try:
        with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
            connection.settimeout(CAP)
            boot.reboot()
            assert went_down.wait(CAP)
            # Whoever is connected is cut off.
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", daemon.port))
        assert phone.done("getprop sys.boot_completed") != "1\n"
        assert not boot.completed
        # Once is enough.
        boot.reboot()
    finally:
        daemon.close()


def test_adbd_is_back_on_its_port(phone: Rooted) -> None:
    daemon = Adbd(phone.system, keys=KeyPolicy.OPEN)
    try:
        phone("reboot")
        assert phone.system.boot.wait(CAP)
        with socket.create_connection(("127.0.0.1", daemon.port), CAP):
            pass
    finally:
        daemon.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", daemon.port))
    phone("reboot")
    assert phone.system.boot.wait(CAP)
    # One that was closed stays away.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", daemon.port))


def test_one_restart_at_a_time() -> None:
    calls: list[str] = []
    boot = Boot(lambda: calls.append("forget"), down_time=0.2)
    boot.on_reboot(lambda: calls.append("down"), lambda: calls.append("up"))
    for _ in range(3):
        boot.reboot()
    assert boot.wait(CAP)
    assert calls == ["down", "forget", "up"]
    boot.reboot()
    assert boot.wait(CAP)
    assert len(calls) == 6


def test_a_restart_ends_even_where_somebody_fails(
    recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)

    def fail() -> None:
        raise RuntimeError

    boot = Boot(fail, down_time=0)
    boot.reboot()
    assert boot.wait(CAP)
    assert RootMode("adbd").debuggable
