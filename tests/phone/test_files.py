from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab.phone.files import MAX_FILE, MAX_PATH, FileError, PhoneFiles


@pytest.fixture
def files(tmp_path: Path) -> PhoneFiles:
    return PhoneFiles(tmp_path / "files")


def test_what_is_written_can_be_read(files: PhoneFiles, tmp_path: Path) -> None:
    files.write("/sdcard/a/b.txt", b"one")
    files.write("/sdcard/a/b.txt", b"two")
    assert files.read("/sdcard/./a/../a//b.txt") == b"two"
    assert (tmp_path / "files/sdcard/a/b.txt").read_bytes() == b"two"
    # Another start finds them again.
    assert PhoneFiles(tmp_path / "files").read("/sdcard/a/b.txt") == b"two"


def test_only_the_owner_may_look(files: PhoneFiles, tmp_path: Path) -> None:
    files.write("/data/secret", b"")
    files.make_folder("/other")
    folders = [tmp_path / "files", tmp_path / "files/data", tmp_path / "files/other"]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 3


def test_nothing_above_the_root_is_reachable(files: PhoneFiles, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"private")
    with pytest.raises(FileError):
        files.read("/../outside")
    files.write("/../../outside", b"inside")
    assert (tmp_path / "outside").read_bytes() == b"private"
    assert files.read("/outside") == b"inside"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[PhoneFiles, Path]:
    root = tmp_path_factory.mktemp("phone")
    return PhoneFiles(root), root


@given(path=st.text(alphabet=st.sampled_from("/.ab\0"), max_size=20) | st.text())
def test_every_path_stays_inside(path: str, empty: tuple[PhoneFiles, Path]) -> None:
    files, root = empty
    with contextlib.suppress(FileError):
        kept = files.host_path(path)
        assert kept.is_relative_to(root)
        assert ".." not in kept.relative_to(root).parts


@given(path=st.text())
def test_every_complaint_can_be_shown(path: str, empty: tuple[PhoneFiles, Path]) -> None:
    assume(not path.startswith("/") or "\0" in path)
    with pytest.raises(FileError) as raised:
        empty[0].host_path(path)
    assert "\0" not in str(raised.value)
    assert str(raised.value).encode()


@pytest.mark.parametrize("path", ["", "relative", "/a\0b", "/" + "x" * MAX_PATH, "/\ud800"])
def test_unusable_paths(path: str, files: PhoneFiles) -> None:
    for use in (files.read, files.names, files.remove, files.make_folder):
        with pytest.raises(FileError, match="Invalid argument"):
            use(path)
    with pytest.raises(FileError, match="Invalid argument"):
        files.write(path, b"")


def test_names(files: PhoneFiles) -> None:
    files.write("/a/z", b"")
    files.write("/a/b/c", b"")
    assert files.names("/a") == ("b", "z")
    assert files.names("/") == ("a",)
    assert files.names("/a/z") == ("/a/z",)


def test_removing(files: PhoneFiles) -> None:
    files.write("/a/b/c", b"")
    files.remove("/a/b/c")
    assert files.names("/a/b") == ()
    with pytest.raises(FileError, match="/a: Is a directory"):
        files.remove("/a")
    files.remove("/a", recursive=True)
    assert files.names("/") == ()
    with pytest.raises(FileError, match="Device or resource busy"):
        files.remove("/", recursive=True)


def test_failures_name_the_phones_path_only(files: PhoneFiles, tmp_path: Path) -> None:
    files.write("/file", b"")
    files.make_folder("/folder")
    failures: dict[str, Callable[[], object]] = {
        "/none: No such file or directory": lambda: files.read("/none"),
        "/folder: Is a directory": lambda: files.read("/folder"),
        "/file/below: File exists": lambda: files.write("/file/below", b""),
        "/none/x: No such file or directory": lambda: files.names("/none/x"),
        "/gone: No such file or directory": lambda: files.remove("/gone"),
        "/file: File exists": lambda: files.make_folder("/file"),
        "/large: File too large": lambda: files.write("/large", bytes(MAX_FILE + 1)),
    }
    for words, work in failures.items():
        with pytest.raises(FileError) as raised:
            work()
        assert str(raised.value) == words
        assert str(tmp_path) not in repr(raised.value)


def test_the_generation_grows_with_every_change(files: PhoneFiles) -> None:
    seen = [files.generation]

    def changed() -> bool:
        seen.append(files.generation)
        return seen[-1] > seen[-2]

    files.write("/a/b", b"")
    assert changed()
    files.read("/a/b")
    files.names("/a")
    assert not changed()
    files.remove("/a/b")
    assert changed()
    files.remove("/a", recursive=True)
    assert changed()
