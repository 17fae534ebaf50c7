from __future__ import annotations

import os
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.phone.android.adbd import Adbd, KeyPolicy
from lab.phone.android.adbd.auth import KEYS_FILE
from lab.phone.android.shell import _COMMANDS
from lab.phone.android.shell.process import Process
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from tests.patience import CAP, eventually
from tests.phone.android.adbd.conftest import RealAdb, Start
from tests.phone.android.adbd.peer import Peer

Adb = Callable[..., "tuple[str, str, int]"]
BIG = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def serial(real_adb: RealAdb, open_adbd: Adbd) -> Iterator[str]:
    """A phone that adb is connected to."""
    serial = real_adb.connect(open_adbd)
    yield serial
    real_adb.run("disconnect", serial)


@pytest.fixture
def adb(real_adb: RealAdb, serial: str) -> Adb:
    def run(*arguments: str, stdin: bytes = b"") -> tuple[str, str, int]:
        ran = real_adb.run("-s", serial, *arguments, stdin=stdin)
        return ran.out.decode(), ran.err.decode(), ran.code

    return run


def test_it_is_listed(real_adb: RealAdb, serial: str, adb: Adb) -> None:
    line = next(li for li in real_adb.run("devices", "-l").text.splitlines() if serial in li)
    shown = dict(item.partition(":")[::2] for item in line.split()[2:])
    assert line.split()[1] == "device"
    for name in ("product", "model", "device"):
        said = adb("shell", "getprop", f"ro.product.{name.replace('product', 'name')}")[0].strip()
        # adb shows everything but letters and digits as an underscore.
        assert shown[name] == "".join(s if s.isalnum() or s in "-_." else "_" for s in said)
    assert adb("get-state")[0] == "device\n"
    assert set(adb("features")[0].split()) >= {"shell_v2", "cmd", "stat_v2"}


def test_commands(adb: Adb) -> None:
    assert adb("shell", "echo a; cat /none; exit 3") == (
        "a\n",
        "cat: /none: No such file or directory\n",
        3,
    )
    assert adb("shell", "echo", "'a  b'") == ("a  b\n", "", 0)
    assert adb("shell", "cat; echo $?", stdin=b"given") == ("given0\n", "", 0)
    assert adb("shell", "none")[2] == 127
    assert adb("exec-out", "echo a; cat /none 2>&1")[0] == (
        "a\ncat: /none: No such file or directory\n"
    )
    assert adb("shell", stdin=b"A=1\nfor x in 1 2; do\necho $A$x\ndone\nexit 4\n") == (
        "11\n12\n",
        "",
        4,
    )


def test_a_terminal(adb: Adb) -> None:
    out, _, code = adb("shell", "-tt", stdin=b"echo a\x7fb$?\nexit 2\n")
    assert "\b \b" in out
    assert "b0\r\n" in out
    assert code == 2
    assert adb("shell", "-tt", "echo a; none")[::2] == (
        "a\r\n/system/bin/sh: none: inaccessible or not found\r\n",
        127,
    )


def test_files_both_ways(adb: Adb, tmp_path: Path, phone: PhoneState) -> None:
    (tmp_path / "big").write_bytes(BIG)
    os.utime(tmp_path / "big", (1e9, 1e9))
    assert adb("push", str(tmp_path / "big"), "/data/local/tmp/big")[2] == 0
    assert phone.files.read("/data/local/tmp/big") == BIG
    assert adb("pull", "-a", "/data/local/tmp/big", str(tmp_path / "back"))[2] == 0
    assert (tmp_path / "back").read_bytes() == BIG
    assert (tmp_path / "back").stat().st_mtime == 1e9
    assert adb("exec-out", "wc -c < /data/local/tmp/big")[0] == "3000000\n"


def test_folders_both_ways(adb: Adb, tmp_path: Path, phone: PhoneState) -> None:
    source = tmp_path / "folder"
    (source / "sub").mkdir(parents=True)
    for name in ("a", "größe", "sub/b"):
        (source / name).write_bytes(name.encode())
    assert adb("push", str(source), "/data/local/tmp/")[2] == 0
    assert phone.files.read("/data/local/tmp/folder/sub/b") == b"sub/b"
    assert adb("pull", "/data/local/tmp/folder", str(tmp_path / "back"))[2] == 0
    assert (tmp_path / "back" / "größe").read_bytes() == "größe".encode()
    out, _, _ = adb("ls", "/data/local/tmp/folder")
    assert [line.split()[-1] for line in out.splitlines()] == ["a", "größe", "sub"]


def test_files_that_cannot_be(adb: Adb, tmp_path: Path, phone: PhoneState) -> None:
    out, err, code = adb("pull", "/none", str(tmp_path / "x"))
    assert code == 1
    assert "remote object '/none': No such file or directory" in out + err
    phone.files.write("/data/local/tmp/file", b"")
    (tmp_path / "big").write_bytes(bytes(9 * 1024 * 1024))
    out, err, code = adb("push", str(tmp_path / "big"), "/data/local/tmp/big")
    assert code == 1
    assert "File too large" in out + err
    (tmp_path / "small").write_bytes(b"x")
    out, err, code = adb("push", str(tmp_path / "small"), "/data/local/tmp/file/under")
    assert code == 1
    assert "failed to copy" in out + err


def test_the_log_as_it_is(adb: Adb, phone: PhoneState) -> None:
    phone.log("Mark", "INFO", "here")
    assert "I Mark    : here" in adb("logcat", "-d")[0]
    assert adb("logcat", "-c")[2] == 0
    assert "Mark" not in adb("logcat", "-d")[0]


def test_the_log_as_it_comes(real_adb: RealAdb, serial: str, phone: PhoneState) -> None:
    phone.log("Mark", "INFO", "before")
    with real_adb.begin("-s", serial, "logcat", "Mark:V", "*:S") as running:
        assert running.stdout is not None
        lines = (line.decode() for line in running.stdout)
        assert any(line.endswith("I Mark    : before\n") for line in lines)
        phone.log("Other", "INFO", "not this")
        phone.log("Mark", "WARN", "after")
        assert next(lines).endswith("W Mark    : after\n")
        running.kill()


def _follow(process: Process) -> int:
    """Stands for every command that goes on until its client leaves."""
    number = 0
    try:
        while not process.hung_up.wait(0.01):
            number += 1
            process.out.line(f"line {number}")
    finally:
        # It may be in the middle of a line, too.
        process.phone.log("follow", "INFO", "hung up")
    return 0


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_COMMANDS, "follow", _follow)


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("words", [("shell", "follow"), ("exec-out", "exec follow")])
def test_a_command_that_goes_on(
    real_adb: RealAdb, serial: str, words: tuple[str, ...], phone: PhoneState
) -> None:
    with real_adb.begin("-s", serial, *words) as running:
        assert running.stdout is not None
        assert [running.stdout.readline() for _ in range(3)] == [
            b"line 1\n",
            b"line 2\n",
            b"line 3\n",
        ]
        running.kill()
    assert eventually(lambda: bool(phone.logcat.lines({"follow"})))


@pytest.mark.usefixtures("following")
def test_ctrl_c_at_a_terminal(real_adb: RealAdb, serial: str, phone: PhoneState) -> None:
    with real_adb.begin("-s", serial, "shell", "-tt") as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b"follow\n")
        running.stdin.flush()
        while b"line 2" not in running.stdout.readline():
            pass
        running.stdin.write(b"\x03")
        running.stdin.flush()
        assert eventually(lambda: bool(phone.logcat.lines({"follow"})))
        out, _ = running.communicate(b"echo after\n\x04", timeout=CAP)
    assert b"^C\r\n" in out
    assert b"echo after\r\nafter\r\n" in out


def test_forwarding(real_adb: RealAdb, serial: str, system: AndroidSystem, echo: int) -> None:
    system.ports.serve(6790, lambda: socket.create_connection(("127.0.0.1", echo), CAP))
    local = int(real_adb.run("-s", serial, "forward", "tcp:0", "tcp:6790").out)
    with socket.create_connection(("127.0.0.1", local), CAP) as sock:
        sock.sendall(BIG)
        received = b""
        while len(received) < len(BIG):
            received += sock.recv(65536)
    assert received == BIG
    assert real_adb.run("-s", serial, "forward", "--remove", f"tcp:{local}").code == 0


def test_forwarding_to_a_port_where_nobody_listens(real_adb: RealAdb, serial: str) -> None:
    local = int(real_adb.run("-s", serial, "forward", "tcp:0", "tcp:6791").out)
    with socket.create_connection(("127.0.0.1", local), CAP) as sock:
        assert sock.recv(1) == b""
    real_adb.run("-s", serial, "forward", "--remove", f"tcp:{local}")


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server of this machine that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(sock,), daemon=True).start()

        def answer(sock: socket.socket) -> None:
            with sock:
                while part := sock.recv(65536):
                    sock.sendall(part)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port of this machine where nobody listens, and nobody else can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_the_phone_reaches_this_machine(
    adb: Adb, system: AndroidSystem, echo: int, nobody: int, real_adb: RealAdb, serial: str
) -> None:
    assert adb("reverse", "tcp:8080", f"tcp:{echo}") == ("", "", 0)
    free = int(adb("reverse", "tcp:0", f"tcp:{echo}")[0])
    for port in (8080, free):
        sock = system.ports.connect(port)
        assert sock is not None
        with sock:
            sender = threading.Thread(target=sock.sendall, args=(BIG,))
            sender.start()
            received = b""
            while len(received) < len(BIG):
                received += sock.recv(65536)
            sender.join()
        assert received == BIG
    assert [line.split()[1:] for line in adb("reverse", "--list")[0].split("\n")[:2]] == [
        ["tcp:8080", f"tcp:{echo}"],
        [f"tcp:{free}", f"tcp:{echo}"],
    ]
    assert "cannot rebind existing socket" in adb("reverse", "--no-rebind", "tcp:8080", "tcp:1")[1]
    assert adb("reverse", "--remove", "tcp:8080")[2] == 0
    assert "not found" in adb("reverse", "--remove", "tcp:8080")[1]
    assert system.ports.connect(8080) is None
    assert adb("reverse", "--remove-all")[2] == 0
    assert system.ports.served() == ()
    assert adb("reverse", "tcp:8080", f"tcp:{nobody}")[2] == 0
    assert system.ports.connect(8080) is None
    real_adb.run("disconnect", serial)
    assert eventually(lambda: system.ports.served() == ())


def test_an_app_reaches_this_machine(adb: Adb, phone: PhoneState) -> None:
    """Through the global proxy, as the lab routes a phone without Wi-Fi of its own."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        adb("reverse", "tcp:8080", f"tcp:{proxy.getsockname()[1]}")
        assert adb("shell", "settings put global http_proxy 127.0.0.1:8080") == ("", "", 0)

        def serve() -> None:
            sock, _ = proxy.accept()
            with sock:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += sock.recv(4096)
                sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                sock.recv(4096)
                sock.sendall(asked.split(b"\r\n")[0])

        serving = threading.Thread(target=serve)
        serving.start()
        with phone.connect("api.acme.test", 443, CAP) as sock:
            sock.sendall(b"hello")
            assert sock.recv(4096) == b"CONNECT api.acme.test:443 HTTP/1.1"
        serving.join()


def test_a_taken_port_is_not_reversed(adb: Adb, system: AndroidSystem) -> None:
    system.ports.serve(8080, lambda: None)
    assert "Address already in use" in adb("reverse", "tcp:8080", "tcp:1")[1]
    assert "unknown socket specification" in adb("reverse", "localabstract:a", "tcp:1")[1]


def test_what_is_streamed_to_a_command(
    adb: Adb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, phone: PhoneState
) -> None:
    def install(process: Process) -> int:
        """Read as the package manager does: so many bytes and no more, though no end follows."""
        size = int(process.arguments[process.arguments.index("-S") + 1])
        content = bytearray()
        while len(content) < size and (part := process.read(size - len(content))):
            content += part
        process.phone.files.write("/got", bytes(content))
        process.out.line("Success")
        return 0

    monkeypatch.setitem(_COMMANDS, "cmd", install)
    (tmp_path / "a.apk").write_bytes(BIG)
    out, err, code = adb("install", "-r", str(tmp_path / "a.apk"))
    assert (out.splitlines()[-1], code) == ("Success", 0), err
    assert phone.files.read("/got") == BIG


def test_many_at_once(real_adb: RealAdb, serial: str) -> None:
    outs: dict[int, str] = {}

    def work(number: int) -> None:
        line = f"for x in 1 2 3; do echo {number}; done"
        outs[number] = real_adb.run("-s", serial, "shell", line).text

    workers = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert outs == {number: f"{number}\n" * 3 for number in range(12)}


def test_two_clients_at_once(open_adbd: Adbd, adb: Adb) -> None:
    with Peer(open_adbd.port) as peer:
        peer.greet()
        stream = peer.open("shell:read x; echo $x; read x; echo $x")
        stream.send(b"b\n")
        assert stream.exactly(2) == b"b\n"
        assert adb("shell", "echo a")[0] == "a\n"
        stream.send(b"c\n")
        assert stream.exactly(2) == b"c\n"


def test_a_client_killed_in_the_middle(
    real_adb: RealAdb, serial: str, adb: Adb, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(bytes(8_000_000))
    begun = [
        real_adb.begin("-s", serial, "push", str(tmp_path / "big"), "/data/local/tmp/big"),
        real_adb.begin("-s", serial, "exec-out", "while true; do echo aaaaaaaa; done"),
        real_adb.begin("-s", serial, "shell", "cat"),
        real_adb.begin("-s", serial, "shell", "-tt"),
    ]
    assert begun[1].stdout is not None
    begun[1].stdout.readline()
    for running in begun:
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=CAP)
    assert adb("shell", "echo a")[0] == "a\n"


@pytest.mark.parametrize("features", [(), ("shell_v2",), ("cmd", "stat_v2")])
def test_old_phones(
    real_adb: RealAdb, start: Start, features: tuple[str, ...], tmp_path: Path
) -> None:
    serial = real_adb.connect(start(keys=KeyPolicy.OPEN, features=features))
    ran = real_adb.run("-s", serial, "shell", "echo a; exit 3")
    assert (ran.text, ran.code) == ("a\n", 3 if "shell_v2" in features else 0)
    (tmp_path / "big").write_bytes(BIG)
    real_adb.run("-s", serial, "push", str(tmp_path / "big"), "/data/local/tmp/big")
    real_adb.run("-s", serial, "pull", "/data/local/tmp/big", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == BIG
    real_adb.run("disconnect", serial)


def test_a_key_is_accepted_once_and_for_all(
    real_adb: RealAdb, start: Start, phone: PhoneState
) -> None:
    for keys in (KeyPolicy.ACCEPT, KeyPolicy.ACCEPT, KeyPolicy.REFUSE):
        daemon = start(keys=keys)
        serial = real_adb.connect(daemon)
        assert real_adb.run("-s", serial, "shell", "echo a").text == "a\n"
        real_adb.run("disconnect", serial)
        daemon.close()
    assert len(phone.files.read(KEYS_FILE).splitlines()) == 1


def test_a_key_that_is_not_accepted(real_adb: RealAdb, start: Start) -> None:
    serial = f"127.0.0.1:{start(keys=KeyPolicy.REFUSE).port}"
    assert "failed to authenticate" in real_adb.run("connect", serial).text
    assert "unauthorized" in real_adb.run("-s", serial, "shell", "echo a").err.decode()
    assert f"{serial}\tunauthorized" in real_adb.run("devices").text
    real_adb.run("disconnect", serial)


def test_the_server_may_die(tmp_path: Path, open_adbd: Adbd, system: AndroidSystem) -> None:
    adb = RealAdb(tmp_path)
    serial = adb.connect(open_adbd)
    adb.run("-s", serial, "reverse", "tcp:8080", "tcp:1")
    assert system.ports.served() == (8080,)
    adb.run("kill-server")
    assert eventually(lambda: system.ports.served() == ())
    with Peer(open_adbd.port) as peer:
        peer.greet()
        assert peer.open("shell:echo a").rest() == b"a\n"


def test_adb_finds_a_phone_again(real_adb: RealAdb, start: Start, system: AndroidSystem) -> None:
    """Its own way back in is not quite its first: it remembers what was agreed."""
    system.boot.down_time = 0.05
    serial = real_adb.connect(start())
    assert real_adb.run("-s", serial, "unroot").text == "restarting adbd as non root\n"
    assert real_adb.run("-s", serial, "wait-for-device").code == 0
    assert real_adb.run("-s", serial, "shell", "id -u").text == "2000\n"
    assert real_adb.run("-s", serial, "root").text == "restarting adbd as root\n"
    assert real_adb.run("-s", serial, "wait-for-device").code == 0
    assert real_adb.run("-s", serial, "shell", "id -u").text == "0\n"
    assert real_adb.run("-s", serial, "remount").text == "remount succeeded\n"
    assert real_adb.run("-s", serial, "reboot").code == 0
    assert system.boot.wait(CAP)
    assert real_adb.run("-s", serial, "wait-for-device").code == 0
    assert real_adb.run("-s", serial, "shell", "getprop sys.boot_completed").text == "1\n"
    real_adb.run("disconnect", serial)
