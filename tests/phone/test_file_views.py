"""The same files as different users see them, through mounts, and who may do what."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.attributes import (
    MAX_ENTRIES,
    READ,
    ROOT,
    SEARCH,
    WRITE,
    Attributes,
    AttributeTable,
    Place,
    User,
)
from lab.phone.file_store import View
from lab.phone.files import FileError, PhoneFiles

SHELL = User(2000, 2000, frozenset({1015}))
OTHER = User(10_100, 10_100)


@pytest.fixture
def files(tmp_path: Path) -> PhoneFiles:
    return PhoneFiles(tmp_path / "files", clock=lambda: 1_000_000.5)


@pytest.fixture
def shell(files: PhoneFiles) -> PhoneFiles:
    return files.seen_by(View(SHELL, folder="/"))


def refused(reason: str, *works: Callable[[], object]) -> None:
    for work in works:
        with pytest.raises(FileError) as raised:
            work()
        assert raised.value.reason == reason


# Users.


@given(
    mode=st.integers(0, 0o7777),
    access=st.sampled_from([READ, WRITE, SEARCH, READ | WRITE, WRITE | SEARCH]),
    uid=st.sampled_from([0, 2000, 5]),
    owner=st.sampled_from([0, 2000, 7]),
    group=st.sampled_from([0, 2000, 1015, 7]),
)
def test_access_is_decided_as_unix_does(
    mode: int, access: int, uid: int, owner: int, group: int
) -> None:
    user = User(uid, 2000, frozenset({1015}))
    bits = f"{mode & 0o777:09b}"
    triple = bits[:3] if uid == owner else bits[3:6] if group in (2000, 1015) else bits[6:]
    granted = (int(triple, 2) & access) == access
    assert user.may(access, Attributes(mode, owner, group)) is (uid == 0 or granted)


def test_what_somebody_makes_is_theirs(files: PhoneFiles, shell: PhoneFiles) -> None:
    files.make_folder("/tmp")
    files.change("/tmp", mode=0o777)
    shell.write("/tmp/deep/a", b"1", mode=0o640)
    assert shell.status("/tmp/deep/a").attributes == Attributes(0o640, 2000, 2000)
    assert shell.status("/tmp/deep").attributes == Attributes(0o755, 2000, 2000)
    other = files.seen_by(View(OTHER))
    refused("Permission denied", lambda: other.read("/tmp/deep/a"))
    shell.change("/tmp/deep/a", mode=0o644)
    assert other.read("/tmp/deep/a") == b"1"
    # An existing file keeps what it has.
    files.write("/tmp/deep/a", b"2", mode=0o600)
    assert files.status("/tmp/deep/a").attributes == Attributes(0o644, 2000, 2000)


def test_who_may_do_what(files: PhoneFiles, shell: PhoneFiles) -> None:
    files.write("/d/file", b"1")
    files.write("/d/secret", b"1", mode=0o600)
    files.write("/closed/file", b"1")
    files.change("/closed", mode=0o700)
    files.write("/listed/file", b"1")
    files.change("/listed", mode=0o744)
    files.write("/hidden/file", b"1")
    files.change("/hidden", mode=0o711)
    refused(
        "Permission denied",
        lambda: shell.read("/d/secret"),
        lambda: shell.write("/d/file", b""),
        lambda: shell.write("/d/new", b""),
        lambda: shell.write("/new", b""),
        lambda: shell.make_folder("/d/new/folder"),
        lambda: shell.remove("/d/file"),
        lambda: shell.remove("/d", recursive=True),
        lambda: shell.move("/d/file", "/d/other"),
        lambda: shell.touch("/d/file"),
        lambda: shell.touch("/d/new"),
        lambda: shell.status("/closed/file"),
        lambda: shell.names("/closed"),
        lambda: shell.read("/listed/file"),
        lambda: shell.names("/hidden"),
    )
    refused(
        "Operation not permitted",
        lambda: shell.change("/d/file", mode=0o777),
        lambda: shell.change("/d/file", uid=2000),
    )
    assert shell.read("/d/file") == shell.read("/hidden/file") == b"1"
    assert shell.names("/listed") == ("file",)
    assert not shell.exists("/closed/file")
    assert files.exists("/closed/file")
    assert (shell.may_write("/d/file"), files.may_write("/d/file")) == ("Permission denied", None)
    assert shell.may_write("/\ud800") == "Invalid argument"
    files.change("/d/file", uid=2000)
    assert shell.may_write("/d/file") is None
    refused("Operation not permitted", lambda: shell.change("/d/file", uid=0))


def test_in_a_sticky_folder_everybody_removes_their_own(
    files: PhoneFiles, shell: PhoneFiles
) -> None:
    files.make_folder("/tmp")
    files.change("/tmp", mode=0o1777)
    shell.write("/tmp/own", b"")
    files.write("/tmp/roots", b"")
    refused("Operation not permitted", lambda: shell.remove("/tmp/roots"))
    shell.remove("/tmp/own")
    files.remove("/tmp/roots")


def test_a_folder_is_removed_only_with_a_right_to_all_of_it(
    files: PhoneFiles, shell: PhoneFiles
) -> None:
    files.make_folder("/tmp")
    files.change("/tmp", mode=0o777)
    shell.write("/tmp/d/own", b"")
    files.write("/tmp/d/roots/file", b"")
    refused("Permission denied", lambda: shell.remove("/tmp/d", recursive=True))
    assert files.exists("/tmp/d/own")
    files.remove("/tmp/d/roots", recursive=True)
    shell.remove("/tmp/d", recursive=True)
    assert not files.exists("/tmp/d")


def test_relative_paths(files: PhoneFiles) -> None:
    there = files.seen_by(View(folder="/a/b"))
    there.write("c", b"1")
    assert files.read("/a/b/c") == there.read("../b/./c") == b"1"
    assert there.clean_path("..") == "/a"
    refused("Invalid argument", lambda: there.read(""), lambda: files.read("c"))


def test_files_that_are_made_when_they_are_read(files: PhoneFiles) -> None:
    view = View(OTHER, special=lambda path: b"made" if path == "/proc/x" else None)
    seen = files.seen_by(view)
    assert (seen.read("/proc/x"), seen.exists("/proc/x"), seen.exists("/proc/y")) == (
        b"made",
        True,
        False,
    )
    refused("No such file or directory", lambda: files.read("/proc/x"))


# Moving, times, attributes.


def test_a_moved_file_keeps_what_it_has(files: PhoneFiles) -> None:
    files.write("/a/d/e", b"1")
    files.change("/a/d/e", mode=0o600, uid=5, gid=6)
    files.change("/a/d", mode=0o700)
    files.move("/a/d", "/b")
    assert files.read("/b/e") == b"1"
    assert files.status("/b/e").attributes == Attributes(0o600, 5, 6)
    assert files.status("/b").attributes.mode == 0o700
    assert files._store.attributes.get(Place("", "/a/d/e")) is None
    # What comes in its place afterwards has nothing of it.
    files.write("/a/d/e", b"2")
    assert files.status("/a/d/e").attributes == Attributes(0o644)


def test_a_removed_file_leaves_nothing_behind(files: PhoneFiles) -> None:
    files.write("/a/b", b"1")
    files.change("/a/b", mode=0o600)
    files.remove("/a", recursive=True)
    files.write("/a/b", b"2")
    assert files.status("/a/b").attributes.mode == 0o644


def test_times_are_the_phones(files: PhoneFiles) -> None:
    files.write("/a", b"1")
    assert files.status("/a").modified == 1_000_000.5
    files.touch("/a", 5.0)
    assert files.status("/a").modified == 5.0
    files.touch("/a")
    assert files.status("/a").modified == 1_000_000.5
    files.touch("/new")
    assert files.read("/new") == b""


@pytest.mark.parametrize("told", [[1, 2], [1, 2, "x"], [-1, 0, 0], [0o10000, 0, 0], 5, None, {}])
def test_a_table_that_says_nonsense(told: object, tmp_path: Path) -> None:
    table = AttributeTable(tmp_path / "table.db")
    table._kept.set("/a", told)  # type: ignore[arg-type]
    table.set(Place("", "/b"), Attributes(0o600))
    again = AttributeTable(tmp_path / "table.db")
    assert again.get(Place("", "/a")) is None
    assert again.get(Place("", "/b")) == Attributes(0o600)


def test_the_table_has_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.attributes.MAX_ENTRIES", 3)
    files = PhoneFiles(tmp_path / "files")
    for number in range(4):
        files.write(f"/{number}", b"")
    for number in range(3):
        files.change(f"/{number}", mode=0o600)
    refused("No space left on device", lambda: files.change("/3", mode=0o600))
    files.change("/0", mode=0o640)
    files.change("/0", mode=0o644)
    files.change("/3", mode=0o600)
    assert MAX_ENTRIES > 1000


STEPS = st.tuples(
    st.sampled_from(["write", "remove", "chmod", "move"]),
    st.sampled_from(["/a", "/a/b", "/a/b/c", "/d", "/d/e"]),
    st.sampled_from(["/a", "/x", "/d/y", "/a/b/z"]),
    st.integers(0, 0o777),
)


@given(st.lists(STEPS, max_size=15))
def test_no_attributes_are_of_what_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, int]]
) -> None:
    """Whatever is done: the table tells of nothing that does not exist."""
    files = PhoneFiles(tmp_path_factory.mktemp("phone") / "files")
    for step, path, to, mode in steps:
        with contextlib.suppress(FileError):
            if step == "write":
                files.write(path, b"", mode=mode)
            elif step == "remove":
                files.remove(path, recursive=True)
            elif step == "chmod":
                files.change(path, mode=mode)
            else:
                files.move(path, to)
    assert all(files.exists(place.path) for place in files._store.attributes._entries)
    assert ROOT.uid == 0
