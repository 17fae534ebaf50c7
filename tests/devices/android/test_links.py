"""Both ways to a phone do the same: adb-shell's and the adb program's."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import ask
from lab.devices.android.program_link import AdbProgramLink
from lab.devices.android.shell_link import AdbShellLink, tcp_link
from lab.devices.android.tcp_pipe import TcpPipe
from lab.model.device import DeviceLost, Endpoint
from tests.devices.android.conftest import ADB
from tests.devices.android.rig import Rig
from tests.patience import CAP, not_waiting

TMP = "/data/local/tmp"


def test_output_and_exit_code(any_link: AdbLink) -> None:
    assert any_link.run("echo hello") == ("hello\n", 0)
    assert any_link.run("false") == ("", 1)
    assert any_link.run("no-such-command").code == 127
    assert any_link.run("echo -n x; exit 42") == ("x", 42)


def test_both_outputs_come_in_their_order(any_link: AdbLink) -> None:
    assert any_link.run("echo a; echo b >&2; echo c").output == "a\nb\nc\n"


def test_shell_refuses_what_failed_in_the_phones_words(any_link: AdbLink) -> None:
    with pytest.raises(CommandRefused, match=r"command 'ls /nowhere' ended .* 1: ls: /nowhere"):
        any_link.shell("ls /nowhere")


def test_what_is_no_command_is_refused(any_link: AdbLink) -> None:
    with pytest.raises(CommandRefused, match=r"did not say how it ended; it said: .*quote"):
        any_link.run("echo 'unfinished")
    assert any_link.shell("echo next") == "next\n"


def test_quotes_and_foreign_letters_arrive(any_link: AdbLink) -> None:
    text = 'it\'s "quoted" $HOME \\ é 漢 😀'
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert any_link.shell(f"echo {quoted}") == f"{text}\n"


def test_several_questions_take_one_round_trip(any_link: AdbLink) -> None:
    answers = ask(any_link, {"a": "echo 1", "b": "false", "c": "exit 9", "d": "echo -n end"})
    assert list(answers.values()) == [("1\n", 0), ("", 1), ("", 9), ("end", 0)]


def test_files_go_and_come_back_byte_by_byte(any_link: AdbLink) -> None:
    content = os.urandom(700_000) + bytes(range(256)) + b"\r\n\n\r" * 100
    any_link.push(content, f"{TMP}/a b'c", mode=0o640)
    assert any_link.pull(f"{TMP}/a b'c", limit=len(content)) == content
    any_link.push(b"", f"{TMP}/empty")
    assert any_link.pull(f"{TMP}/empty", limit=0) == b""


def test_a_file_that_is_too_long_is_cut_off(any_link: AdbLink) -> None:
    any_link.push(b"x" * 300_000, f"{TMP}/long")
    with pytest.raises(CommandRefused, match="longer than 200000 bytes; it was cut off"):
        any_link.pull(f"{TMP}/long", limit=200_000)
    assert any_link.shell("echo next") == "next\n"


def test_a_file_that_is_not_there_is_refused(any_link: AdbLink) -> None:
    with pytest.raises(CommandRefused, match=rf"reading {TMP}/none.*No such file"):
        any_link.pull(f"{TMP}/none", limit=10)


def test_a_command_that_says_nothing_is_given_up(any_link: AdbLink) -> None:
    assert any_link.shell("echo first") == "first\n"
    with pytest.raises(DeviceLost, match=r"did not answer within 0\.3 seconds"):
        any_link.run("sleep 20", cap=0.3)


def test_output_without_end_is_cut_off(any_link: AdbLink) -> None:
    with pytest.raises(CommandRefused, match="cut off"):
        any_link.run("while true; do echo y; done", cap=1.0)
    assert any_link.shell("echo next") == "next\n"


def test_a_daemon_that_was_restarted_is_reached_again(any_link: AdbLink, rig: Rig) -> None:
    assert any_link.shell("echo 1") == "1\n"
    rig.adbd.close()
    with pytest.raises(DeviceLost):
        any_link.run("echo 2", cap=3)
    with pytest.raises(DeviceLost):
        any_link.reconnect(0.5)
    rig.restart_adbd()
    any_link.reconnect(CAP)
    assert any_link.shell("echo 3") == "3\n"


def test_small_messages_do_not_wait_for_each_other(rig: Rig) -> None:
    pipe = TcpPipe(rig.endpoint)
    pipe.open(CAP)
    try:
        assert pipe.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        pipe.close()


def test_closing_may_be_repeated(any_link: AdbLink) -> None:
    any_link.close()
    any_link.close()


def test_adb_shell_has_no_reverse(shell_link: AdbShellLink) -> None:
    assert shell_link.reversed_ports() == ()
    shell_link.remove_reverse(4000)
    with pytest.raises(CommandRefused, match="adb server"):
        shell_link.reverse(4000, Endpoint("127.0.0.1", 1))


def test_nobody_there_is_a_lost_phone(keys: tuple[object, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    link = tcp_link(Endpoint("127.0.0.1", port), lambda: ())
    with pytest.raises(DeviceLost, match="connection refused: is the phone on"):
        link.run("true")


@contextmanager
def _echo() -> Iterator[Endpoint]:
    """Something of the lab's that greets whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.sendall(b"the lab")
                        connection.recv(1)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Endpoint("127.0.0.1", listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(CAP)


def test_a_port_of_the_phone_leads_to_the_lab(program_link: AdbProgramLink, rig: Rig) -> None:
    with _echo() as lab:
        assert program_link.reversed_ports() == ()
        program_link.reverse(18080, lab)
        program_link.reverse(18081, lab)
        assert program_link.reversed_ports() == (18080, 18081)
        connection = rig.system.ports.connect(18080)
        assert connection is not None
        with connection:
            connection.settimeout(CAP)
            assert connection.recv(100) == b"the lab"
        program_link.remove_reverse(18080)
        program_link.remove_reverse(18080)
        assert program_link.reversed_ports() == (18081,)
        program_link.remove_reverse(18081)


def test_an_adb_server_that_was_killed_is_started_again(
    program_link: AdbProgramLink, adb_server: tuple[Endpoint, dict[str, str]]
) -> None:
    server, environ = adb_server
    assert program_link.shell("echo 1") == "1\n"
    subprocess.run(
        [str(ADB), "-P", str(server.port), "kill-server"], env=environ, check=True, timeout=CAP
    )
    with pytest.raises(DeviceLost, match=r"not found|no devices"):
        program_link.run("echo 2")
    program_link.reconnect(CAP)
    assert program_link.shell("echo 3") == "3\n"


def test_a_phone_that_the_adb_server_does_not_know(
    adb_server: tuple[Endpoint, dict[str, str]],
) -> None:
    server, environ = adb_server
    link = AdbProgramLink("nosuchphone", server=server, environ=environ)
    for act in (
        lambda: link.run("true"),
        lambda: link.pull("/x", limit=1),
        lambda: link.push(b"", "/x"),
        lambda: link.reverse(1, Endpoint("127.0.0.1", 1)),
        link.reversed_ports,
    ):
        with pytest.raises(DeviceLost, match="'nosuchphone' not found"):
            act()
    with pytest.raises(DeviceLost), not_waiting():
        link.reconnect(0.5)


def test_no_adb_program(tmp_path: Path) -> None:
    link = AdbProgramLink("x", adb=str(tmp_path / "adb"), environ={})
    with pytest.raises(DeviceLost, match=r"could not be started: No such file.*platform tools"):
        link.run("true")
