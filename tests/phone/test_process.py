from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.phone.lifetime import CannotStart, load_class
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.phone import stand_ins

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
STAND_INS = "tests.phone.stand_ins"


def arguments(folder: Path, sdk: str, *more: str) -> list[str]:
    (folder / "air").mkdir(exist_ok=True)
    home, air = str(folder / "home"), str(folder / "air")
    given = ["--name", "phone-1", "--home", home, "--air", air, "--sdk", sdk, *more]
    return [sys.executable, "-m", "lab.phone", *given]


@contextmanager
def started(folder: Path, sdk: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        arguments(folder, f"{STAND_INS}:{sdk}", *more),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def port_of(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert set(line) == {"port", "adb"}
    return int(line["port"])


def is_listening(port: int) -> bool:
    """Tell whether a phone that was started here listens; others may take a port that is free
    again."""
    phones = {process.pid for process in psutil.Process().children(recursive=True)}
    return any(
        c.pid in phones and c.status == psutil.CONN_LISTEN and tuple(c.laddr)[1:] == (port,)
        for c in psutil.net_connections("tcp4")
    )


def ask(port: int, method: str, path: str, body: object = None) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=CAP)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        return json.load(connection.getresponse())["value"]
    finally:
        connection.close()


def post(port: int, path: str, body: object) -> Any:
    return ask(port, "POST", path, body)


def session(port: int) -> str:
    value = post(port, "/session", {"capabilities": {"alwaysMatch": {}}})
    return str(value["sessionId"])


def set_up(port: int) -> str:
    """Set the app up; return the session's path."""
    path = f"/session/{session(port)}"

    def run(script: str, **call: object) -> object:
        return post(port, f"{path}/execute/sync", {"script": f"mobile: {script}", "args": [call]})

    run("activateApp", appId="cloud.trustpin.android.sample")
    for number in range(3):
        field = find(port, path, f"(//android.widget.EditText)[{number + 1}]")
        run("replaceElementValue", elementId=field, text="acme")
    button = find(port, path, "//*[@text='Setup TrustPin']")
    post(port, f"{path}/element/{button}/click", {})
    # Answered once the app is idle again.
    assert "TrustPin Configured" in ask(port, "GET", f"{path}/source")
    return path


def find(port: int, path: str, selector: str) -> str:
    value = post(port, f"{path}/element", {"using": "xpath", "value": selector})
    return str(value["ELEMENT"])


@pytest.mark.parametrize("end", ["end of input", "SIGTERM", "SIGINT"])
def test_it_is_ready_then_ends_when_told_to(tmp_path: Path, end: str) -> None:
    with started(tmp_path, "Quiet") as process:
        port = port_of(process)
        assert is_listening(port)
        if end == "end of input":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, end))
        assert process.wait(CAP) == 0
        assert not is_listening(port)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == process.stderr.read() == b""


def test_it_ends_with_all_it_started_whatever_an_sdk_does(tmp_path: Path) -> None:
    with started(tmp_path, "Stubborn") as process:
        set_up(port_of(process))
        file = tmp_path / "home/files/data/data/cloud.trustpin.android.sample/child"
        child = psutil.Process(int(file.read_text()))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(CAP) == 0
        psutil.wait_procs([child], CAP)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_it_ends_when_the_lab_dies(tmp_path: Path) -> None:
    """The lab is a process that starts a phone, then is killed."""
    lab = (
        "import subprocess, sys, threading\n"
        "phone = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,\n"
        "    start_new_session=True)\n"
        "print(phone.pid, phone.stdout.readline().decode(), flush=True)\n"
        "threading.Event().wait()\n"
    )
    argv = [sys.executable, "-c", lab, *arguments(tmp_path, f"{STAND_INS}:Quiet")]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid, _, ready = process.stdout.readline().decode().partition(" ")
        phone = psutil.Process(int(pid))
        process.kill()
    _, alive = psutil.wait_procs([phone], CAP)
    assert not alive or phone.status() == psutil.STATUS_ZOMBIE
    assert not is_listening(json.loads(ready)["port"])


def test_what_an_sdk_prints_is_not_taken_for_the_phones_word(tmp_path: Path) -> None:
    with started(tmp_path, "Talkative") as process:
        set_up(port_of(process))
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.close()
        assert process.wait(CAP) == 0
        assert process.stdout.read() == b""
        said = process.stderr.read().decode()
        assert "on the standard output" in said
        assert "on the standard error" in said


@pytest.mark.parametrize(
    ("sdk", "words"),
    [
        ("no.such.module:Class", "cannot import no.such.module: ModuleNotFoundError: No module"),
        (f"{STAND_INS}:Missing", f"{STAND_INS} has no class Missing"),
        (f"{STAND_INS}:NOT_A_CLASS", f"{STAND_INS} has no class NOT_A_CLASS"),
        ("tests.phone.broken_stand_in:Class", "RuntimeError: two lines"),
        ("nocolon", "'nocolon' is not package.module:Class"),
        (":Class", "':Class' is not package.module:Class"),
        ("..a:Class", "cannot import ..a: TypeError"),
    ],
)
def test_an_sdk_that_there_is_not(tmp_path: Path, sdk: str, words: str) -> None:
    ended = subprocess.run(
        arguments(tmp_path, sdk),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CAP,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("lab.phone: --sdk ")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_other_arguments_that_are_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no certificate")
    for more, words in (
        (["--factory", str(tmp_path / "none")], "No such file or directory"),
        (["--factory", str(tmp_path / "file")], "no PEM certificates"),
        (["--home", str(tmp_path / "file")], "directory"),
    ):
        ended = subprocess.run(
            arguments(tmp_path, f"{STAND_INS}:Quiet", *more),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CAP,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        assert words in ended.stderr
        assert ended.stderr.startswith("lab.phone: --")
        assert ended.stderr.count("\n") == 1


def test_a_class_of_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tests.phone.stand_ins import Quiet\nclass Client(Quiet):\n    pass\n"
    )
    (tmp_path / "air").mkdir()
    with subprocess.Popen(
        arguments(tmp_path, "mine:Client"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert port_of(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(CAP) == 0


def test_the_phone_is_what_the_arguments_say(tmp_path: Path) -> None:
    pem = ssl.DER_cert_to_PEM_cert(LabPki().public_root.der)
    (tmp_path / "factory.pem").write_text(pem)
    given = ("--factory", str(tmp_path / "factory.pem"), "--source", "127.77.9.9")
    with started(tmp_path, "Quiet", *given) as process:
        port = port_of(process)
        path = f"/session/{session(port)}/execute/sync"

        def shell(command: str) -> object:
            return post(port, path, {"script": "mobile: shell", "args": [{"command": command}]})

        assert shell("getprop ro.serialno") == "phone-1\n"
        assert shell("cat /system/etc/security/cacerts/*") == pem
        assert (tmp_path / "home/files/system/etc/security/cacerts").is_dir()


def test_load_class() -> None:
    assert load_class(f"{STAND_INS}:Quiet") is stand_ins.Quiet
    with pytest.raises(CannotStart):
        load_class("x")
