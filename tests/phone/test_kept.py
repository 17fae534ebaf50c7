from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.phone.kept import MAX_TEXT, Kept


def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "folder/kept.db"
    kept = Kept(file)
    kept.set("a", [1, "two", None, {"three": True}])
    kept.set("b", 1)
    kept.set("b", 2)
    kept.set("c", 3)
    kept.drop("c", "never there")
    for each in (kept, Kept(file)):
        assert each.load() == {"a": [1, "two", None, {"three": True}], "b": 2}


def test_it_is_nobody_elses_to_read(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.db")
    kept.set("a", 1)
    modes = {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_it_survives_a_kill(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from lab.phone.kept import Kept\n"
        "kept = Kept(Path(sys.argv[1])); kept.set('a', 'kept')\n"
        "print('done', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "kept.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        os.kill(process.pid, signal.SIGKILL)
    assert Kept(tmp_path / "kept.db").load() == {"a": "kept"}


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_none_is_replaced(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    file.write_bytes(content)
    kept = Kept(file)
    assert kept.load() == {}
    kept.set("a", 1)
    assert Kept(file).load() == {"a": 1}


def test_what_cannot_be_meant_is_left_out(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.db")
    kept.set("a", 1)
    rows = [("b", "no JSON"), ("c", "[" * 50_000), ("d", f'"{"x" * MAX_TEXT}"')]
    kept._connection.executemany("INSERT INTO kept VALUES (?, ?)", rows)
    assert kept.load() == {"a": 1}


def test_many_threads(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.db")

    def work(name: str) -> None:
        for number in range(100):
            kept.set(f"{name}{number}", number)
            kept.load()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept.load()) == 300
