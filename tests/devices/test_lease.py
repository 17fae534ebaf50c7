from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.devices.lease import DeviceBusy, Holder, Lease, LeaseError, holder_of
from lab.devices.state_folder import StateError, file_name_of
from tests.killing import ROOT
from tests.patience import CAP
from tests.pinning.cases import named
from tests.rights import NOBODY, no_rights, open_folder

KEY = "28151FDH3000AB"
ME = Holder.of_this_process("run-2", ("pytest", "--device", "my pixel"))
UNKNOWN = "another process, which has not said who it is"

HOLD = """
import os, subprocess, sys
from lab.devices.lease import Holder, Lease
folder, key, then, user = sys.argv[1:]
if int(user):
    os.setresuid(int(user), int(user), int(user))
lease = Lease.take(key, Holder.of_this_process("run-1", ("pytest", "-m", "mitm")), folder=folder)
told = str(os.getpid())
if then == "fork":
    child = os.fork()
    told = told if child == 0 else None
if then == "start":
    subprocess.Popen(["cat"], close_fds=False)
if told:
    print(os.getppid() if then == "fork" else told, flush=True)
sys.stdin.read()
lease.release()
print("released", flush=True)
sys.stdin.close()
"""
"""Holds a lease until the end of its standard input. ``then``: with a forked, or a started child,
which lives on until then, too."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@contextlib.contextmanager
def held(
    folder: Path, key: str = KEY, then: str = "", user: int = 0
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Let another process have the lease; yields it and the pid that holds it."""
    program = HOLD.replace("folder=folder", "folder=__import__('pathlib').Path(folder)")
    with subprocess.Popen(
        [sys.executable, "-c", program, folder, key, then, str(user)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(CAP, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            # Until its children have ended, too.
            process.stdout.read()
            watchdog.cancel()


def end(process: subprocess.Popen[str]) -> None:
    """Let a holder go on, and wait until it has let go."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    assert process.stdout.readline() == "released\n"


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(CAP)


def take(folder: Path, key: str = KEY, *, wait: float = 0.0) -> Lease:
    return Lease.take(key, ME, wait=wait, folder=folder)


def busy(folder: Path, key: str = KEY, *, wait: float = 0.0) -> str:
    with pytest.raises(DeviceBusy) as error:
        take(folder, key, wait=wait)
    return str(error.value)


class TestOneOwner:
    """Across processes, in one process, and by whatever means children come to be."""

    def test_a_free_device(self, folder: Path) -> None:
        with take(folder) as lease:
            assert lease.key == KEY
            held_then = lease.is_held
        assert (held_then, lease.is_held) == (True, False)
        lease.release()
        take(folder).release()

    def test_another_process_has_it(self, folder: Path) -> None:
        with held(folder) as (process, _):
            busy(folder)
            take(folder, "another").release()
            end(process)
            take(folder).release()

    def test_this_process_has_it(self, folder: Path) -> None:
        with take(folder):
            assert f"is in use by process {os.getpid()} of " in busy(folder)

    def test_a_killed_holder_s_is_free_at_once(self, folder: Path) -> None:
        with held(folder) as (process, _):
            busy(folder)
            kill(process)
            take(folder).release()

    @pytest.mark.parametrize("then", ["fork", "start"])
    def test_children_do_not_keep_it(self, then: str, folder: Path) -> None:
        with held(folder, then=then) as (process, pid):
            assert pid == process.pid
            assert f"process {pid} of" in busy(folder)
            kill(process)
            take(folder).release()

    def test_a_forked_child_cannot_give_it_away(self, folder: Path) -> None:
        program = """
import os, sys
from pathlib import Path
from lab.devices.lease import DeviceBusy, Holder, Lease, holder_of
folder, key = Path(sys.argv[1]), sys.argv[2]
with Lease.take(key, Holder.of_this_process("run-1"), folder=folder) as lease:
    if os.fork() == 0:
        assert not lease.is_held
        sys.exit()  # leaves the block, as its parent will
    os.wait()
    assert holder_of(key, folder).pid == os.getpid()
    try:
        Lease.take(key, Holder.of_this_process("run-1"), folder=folder)
    except DeviceBusy:
        print("ours")
"""
        told = [sys.executable, "-c", program, str(folder), KEY]
        done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, timeout=CAP)
        assert (done.stdout, done.stderr) == ("ours\n", "")

    def test_many_at_once(self, folder: Path) -> None:
        """Everybody gets it, one after the other, and nobody beside another."""
        inside: list[int] = []
        counted: list[int] = []

        def use() -> None:
            for _ in range(5):
                with take(folder, wait=CAP):
                    inside.append(1)
                    counted.append(len(inside))
                    time.sleep(0)
                    inside.pop()

        threads = [threading.Thread(target=use) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counted == [1] * 30

    def test_hundreds_of_devices_with_odd_names(self, folder: Path) -> None:
        odd = [
            "",
            "/",
            "..",
            "../../etc/passwd",
            "nu\0l",
            "a\nb",
            "x" * 10_000,
            "\ud800",
            "µ",
            "\u202e",
        ]
        keys = [*odd, "ab", "AB", "aB", *(f"192.0.2.{n}:5555" for n in range(200))]
        with contextlib.ExitStack() as stack:
            for key in keys:
                stack.enter_context(take(folder, key))
            for key in keys:
                assert "in use by process" in busy(folder, key)
        for key in keys:
            take(folder, key).release()
        assert {path.suffix for path in folder.iterdir()} == {".lock"}

    def test_two_users(self) -> None:
        """Who is not root can be nobody else; then it is one user, twice."""
        me = pwd.getpwuid(os.getuid()).pw_name
        other, user = ("nobody", NOBODY) if os.getuid() == 0 else (me, 0)
        with open_folder() as folder:
            folder.chmod(0o1777)
            with held(folder, user=user) as (process, pid):
                assert f"process {pid} of {other} since" in busy(folder)
                end(process)
            take(folder).release()
            with take(folder, "mine"), no_rights():
                # The file of this lock is somebody else's.
                assert f"process {os.getpid()} of {me} since" in busy(folder, "mine")
            with no_rights():
                take(folder, "mine").release()


class TestWaiting:
    """For a device that somebody else has."""

    def test_until_it_is_free(self, folder: Path) -> None:
        told: list[str] = []
        with held(folder) as (process, pid):

            def waiting(words: str) -> None:
                told.append(words)
                end(process)

            Lease.take(KEY, ME, wait=CAP, folder=folder, waiting=waiting).release()
        (words,) = told
        assert words.startswith(f"waiting for device '{KEY}', in use by process {pid} of ")

    def test_until_its_holder_is_killed(self, folder: Path) -> None:
        with held(folder) as (process, _):
            killer = threading.Timer(0.1, process.kill)
            killer.start()
            take(folder, wait=CAP).release()
            killer.join()

    def test_no_longer_than_told(self, folder: Path) -> None:
        with take(folder):
            started = time.monotonic()
            assert busy(folder, wait=0.2).endswith(" (waited 0.2 s)")
            assert time.monotonic() - started >= 0.2

    def test_not_at_all(self, folder: Path) -> None:
        with take(folder):
            told: list[str] = []
            for wait in (0.0, -1.0, float("nan")):
                with pytest.raises(DeviceBusy):
                    Lease.take(KEY, ME, wait=wait, folder=folder, waiting=told.append)
            assert told == []


class TestWhoHasIt:
    """What is said of a holder, and what is not believed."""

    def test_everything_that_helps_is_said(self, folder: Path) -> None:
        before = time.strftime("%Y-%m-%d", time.gmtime())
        with held(folder) as (_, pid):
            words, holder = busy(folder), holder_of(KEY, folder)
        assert holder is not None
        assert (holder.pid, holder.run_id, holder.command) == (pid, "run-1", "pytest -m mitm")
        assert before <= holder.since <= time.strftime("%Y-%m-%d %H:%M:%S+00:00", time.gmtime())
        assert words == (
            f"device '{KEY}' is in use by process {pid} of {holder.user} "
            f"since {holder.since}, run run-1: pytest -m mitm"
        )

    def test_nobody(self, folder: Path) -> None:
        assert holder_of(KEY, folder) is None
        assert holder_of(KEY, folder / "missing") is None
        with take(folder):
            assert holder_of(KEY, folder) is not None
        assert holder_of(KEY, folder) is None

    def test_a_dead_holder_is_not_believed(self, folder: Path) -> None:
        with held(folder) as (process, pid):
            kill(process)
        (left,) = folder.glob("*.holder")
        assert json.loads(left.read_text())["pid"] == pid
        assert holder_of(KEY, folder) is None
        # Even if the device is in use: whoever has it is somebody else.
        with held_without_a_word(folder):
            assert busy(folder) == f"device '{KEY}' is in use by {UNKNOWN}"
        with take(folder):
            assert f"process {os.getpid()} of" in busy(folder)

    def test_what_a_killed_one_left_half_done_is_in_nobody_s_way(self, folder: Path) -> None:
        half = folder / f"{file_name_of(KEY)}.{os.geteuid()}.new"
        half.write_text("{")
        with take(folder):
            assert holder_of(KEY, folder) is not None
        assert not half.exists()

    @named(
        "content",
        {
            "empty": b"",
            "binary": bytes(range(256)) * 100,
            "not JSON": b"pid 5",
            "another thing": b"[]",
            "without a pid": b"{}",
            "deep": b"[" * 16_000,
        },
    )
    def test_words_that_are_none(self, content: bytes, folder: Path) -> None:
        with held_without_a_word(folder), said_by_somebody(folder, content):
            assert busy(folder).endswith(UNKNOWN)

    def test_words_that_do_harm(self, folder: Path) -> None:
        said = {"pid": 7, "user": "\x1b[31mroot", "run_id": "\n\n", "command": "x" * 10_000}
        content = json.dumps(said).encode()
        with held_without_a_word(folder), said_by_somebody(folder, content):
            words = busy(folder)
        assert words.isprintable()
        assert len(words) < 500
        assert "process 7 of �[31mroot since ?, run ��: xxx" in words

    def test_a_pipe_that_nobody_writes_to(self, folder: Path) -> None:
        os.mkfifo(folder / f"{file_name_of(KEY)}.1.holder")
        with held_without_a_word(folder):
            assert busy(folder).endswith(UNKNOWN)

    def test_a_lease_is_good_where_no_word_can_be_said(self, folder: Path) -> None:
        (folder / f"{file_name_of(KEY)}.{os.geteuid()}.new").mkdir()
        with take(folder):
            assert busy(folder).endswith(UNKNOWN)
        take(folder).release()

    def test_a_long_command_line(self, folder: Path) -> None:
        holder = Holder.of_this_process("run", ("pytest", "x" * 100_000))
        with Lease.take(KEY, holder, folder=folder):
            assert busy(folder).endswith("xxx…")

    def test_this_process(self) -> None:
        holder = Holder.of_this_process("run")
        assert holder.pid == os.getpid()
        assert holder.command
        assert holder.user

    def test_a_user_without_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
        assert Holder.of_this_process("run").user == "user 3999999"


class TestFolders:
    """Folders and files that no lease can be had in."""

    def test_one_that_may_not_be_written(self) -> None:
        with open_folder() as folder:
            lock = folder / f"{file_name_of(KEY)}.lock"
            folder.chmod(0o555)
            with no_rights(), pytest.raises(LeaseError) as error:
                take(folder)
            folder.chmod(0o755)
        told = f"{lock}: no lease can be taken: {os.strerror(errno.EACCES)}"
        assert str(error.value) == told

    def test_one_that_is_not_there(self, folder: Path) -> None:
        with pytest.raises(StateError, match=os.strerror(errno.ENOENT)):
            take(folder / "missing")

    @pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
    def test_a_lock_that_is_no_file(self, kind: str, folder: Path) -> None:
        path = folder / f"{file_name_of(KEY)}.lock"
        match kind:
            case "folder":
                path.mkdir()
            case "link":
                path.symlink_to(folder / "elsewhere")
            case "pipe":
                os.mkfifo(path)
        with pytest.raises(LeaseError, match="no lease can be taken: not a file"):
            take(folder)
        assert not (folder / "elsewhere").exists()

    def test_a_file_system_without_locks(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unable(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "flock", unable)
        with pytest.raises(LeaseError, match=f"cannot be locked: {os.strerror(errno.ENOLCK)}"):
            take(folder)

    def test_a_lock_that_is_cleared_away(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between opening and locking: who then had the old file's lock would not be alone."""
        path, flock = folder / f"{file_name_of(KEY)}.lock", fcntl.flock
        clearings = iter([path.unlink])

        def clearing(file: int, operation: int) -> None:
            next(clearings, lambda: None)()
            flock(file, operation)

        monkeypatch.setattr(fcntl, "flock", clearing)
        with take(folder):
            assert path.exists()
            busy(folder)

    def test_the_usual_folder(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(folder / "state"))
        with Lease.take(KEY, ME):
            assert holder_of(KEY) is not None
            assert [p.name for p in (folder / "state" / "leases").glob("*.lock")]


def test_it_is_quickly_imported() -> None:
    program = "import sys, lab.devices.restore, lab.devices.lease; print(*sys.modules)"
    told = [sys.executable, "-c", program]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, timeout=CAP, check=True)
    loaded = set(done.stdout.split())
    assert "lab.devices.lease" in loaded
    assert not loaded & {"pydantic", "cryptography", "ssl", "socket", "asyncio", "rich", "appium"}


@contextlib.contextmanager
def held_without_a_word(folder: Path) -> Iterator[None]:
    """Have the lock of the device, as a process has in its very first moment."""
    with (folder / f"{file_name_of(KEY)}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def said_by_somebody(folder: Path, content: bytes) -> Iterator[None]:
    """Have a file there that says who has the device, and that is locked as it should be."""
    path = folder / f"{file_name_of(KEY)}.4242.holder"
    path.write_bytes(content)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
