from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.network.kernel.channel import Channel, Gone
from lab.network.kernel.namespace import Namespace, Unavailable, link
from tests.killing import ROOT, moments_of
from tests.network.kernel.leftovers import host_state, kill_some, run, run_some
from tests.patience import CAP, eventually
from tests.rights import NOBODY


def is_there(pid: int) -> bool:
    """Tell whether a process still runs; one that only waits to be buried does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    return eventually(lambda: not is_there(pid))


def joined(one: Namespace, other: Namespace) -> None:
    link(one, "port0", other, "wlan0")
    one.ip("address add 192.0.2.1/24 dev port0", "link set port0 up")
    other.ip("address add 192.0.2.2/24 dev wlan0", "link set wlan0 up")


def test_sockets_are_in_the_namespace_that_they_were_made_in() -> None:
    with Namespace("one") as one, Namespace("other", within=one) as other:
        joined(one, other)
        listener = one.socket(socket.AF_INET, socket.SOCK_STREAM)
        client = other.socket(socket.AF_INET, socket.SOCK_STREAM)
        with listener, client, socket.socket() as outside:
            listener.bind(("192.0.2.1", 0))
            listener.listen()
            client.connect(listener.getsockname())
            accepted, (address, _) = listener.accept()
            accepted.close()
            with pytest.raises(OSError, match=r"."):
                outside.bind(("192.0.2.1", 0))
    assert address == "192.0.2.2"


def test_programs_run_inside(namespace: Namespace) -> None:
    namespace.ip("link set lo up", "address add 192.0.2.7/32 dev lo")
    shown = namespace.run(["ip", "-oneline", "-4", "address"])
    assert "192.0.2.7/32" in shown.stdout
    assert "192.0.2.7" not in host_state()
    assert namespace.run(["sh", "-c", "exit 3"]).returncode == 3


def test_files_are_covered_inside_alone(tmp_path: Path) -> None:
    own = tmp_path / "hosts"
    own.write_text("192.0.2.9 only.inside\n")
    before = Path("/etc/hosts").read_text()
    with Namespace("covered", cover={"/etc/hosts": own}) as namespace:
        assert namespace.run(["cat", "/etc/hosts"]).stdout == "192.0.2.9 only.inside\n"
        own.write_text("changed\n")
        assert namespace.run(["cat", "/etc/hosts"]).stdout == "changed\n"
    assert Path("/etc/hosts").read_text() == before


def test_complaints_of_ip_are_passed_on(namespace: Namespace) -> None:
    with pytest.raises(OSError, match="nowhere"):
        namespace.ip("link set nowhere up")
    namespace.ip("link set lo up")


def test_another_line_does_what_the_first_does(namespace: Namespace) -> None:
    channel = Channel(namespace.share())
    with channel.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        namespace.ip("link set lo up", "address add 192.0.2.8/32 dev lo")
        sock.bind(("192.0.2.8", 0))
    channel.close()
    # The namespace goes with its first line only.
    assert namespace.run(["true"]).returncode == 0


def test_requests_that_make_no_sense_are_refused(namespace: Namespace) -> None:
    with namespace.share() as line:
        for nonsense in (b"nonsense", b"{}", b'{"ask": "socket", "family": "x"}', b'{"ask": 1}'):
            line.send(nonsense)
            assert b"error" in line.recv(4096)
    with pytest.raises(OSError, match=r"."):
        namespace.socket(9999, socket.SOCK_STREAM)
    assert namespace.run(["true"]).returncode == 0


def test_what_runs_inside_ends_with_the_namespace() -> None:
    with Namespace("short") as namespace:
        program = namespace.popen(["sleep", "600"])
    assert program.wait(CAP) != 0
    assert gone(namespace.pid)
    with pytest.raises(Gone):
        namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
    namespace.close()


def test_a_holder_that_was_killed_is_noticed(namespace: Namespace) -> None:
    os.kill(namespace.pid, signal.SIGKILL)
    assert gone(namespace.pid)
    with pytest.raises(Gone):
        namespace.ip("link set lo up")


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lab.network.kernel.namespace.SYSTEM_FOLDERS", (str(tmp_path / "no"),))
    with pytest.raises(
        Unavailable, match=r"^the program ip is not installed \(package iproute2\)$"
    ):
        Namespace("none")


def test_a_system_that_gives_none_is_told_of() -> None:
    # The limit of a user namespace's own count of network namespaces, for those inside it.
    argv = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    limits = "echo 0 > /proc/sys/user/max_net_namespaces"
    program = (
        "from lab.network.kernel.namespace import Namespace, Unavailable\n"
        "try: Namespace('none')\n"
        "except Unavailable as error: print(error)\n"
    )
    script = f'{limits} && exec "$0" -c "$1"'
    done = subprocess.run(
        [*argv, script, sys.executable, program], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == "this system gives no network namespace: No space left on device\n"


def test_an_ordinary_user_needs_no_rights(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("who runs this is an ordinary user already")
    program = (
        "from lab.network.kernel.check import check\n"
        "from lab.network.kernel.namespace import Namespace\n"
        "import os, socket\n"
        "check()\n"
        "with Namespace('mine') as mine:\n"
        "    assert mine.own_user\n"
        "    mine.ip('link set lo up')\n"
        "    with mine.socket(socket.AF_PACKET, socket.SOCK_RAW): pass\n"
        "    print(os.getuid(), mine.run(['id', '-u']).stdout.strip())\n"
    )
    # What the interpreter is made of may lie in folders that are not everybody's to look into.
    rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *rights]
    done = subprocess.run(
        [*become, sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.stdout, done.stderr) == (f"{NOBODY} 0\n", "")


def test_runs_that_end_or_are_killed_at_any_moment_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = host_state()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    run_some(1, tmp_path)
    moments = moments_of("test_runs_that_end_or_are_killed_at_any_moment_leave_nothing")
    kill_some(2, moments, tmp_path)
    assert host_state() == before
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_where_the_lab_was_killed(tmp_path: Path) -> None:
    before = host_state()
    with subprocess.Popen(run(tmp_path), stdout=subprocess.PIPE, text=True, cwd=ROOT) as lab:
        assert lab.stdout is not None
        pids = [int(pid) for pid in lab.stdout.readline().split()]
        assert len(pids) == 4
        assert all(map(is_there, pids))
        assert host_state() == before
        lab.kill()
    assert all(map(gone, pids))
    assert host_state() == before
