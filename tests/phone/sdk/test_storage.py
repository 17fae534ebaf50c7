from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.sdk.storage import (
    STATE,
    TOKEN,
    ConfigurationFiles,
    Stored,
    read_bounded,
    write_atomically,
)


class Files:
    def __init__(self, directory: Path, scope: str = "scope") -> None:
        self.complaints: list[str] = []
        self.directory = directory
        self.files = ConfigurationFiles(directory, scope, self.complaints.append)


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    found = Files(tmp_path / "missing")
    assert found.files.load() == Stored()
    assert found.complaints == []


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    kept = Files(tmp_path / "new" / "folder")
    for number in (1, 2):
        kept.files.save(b"token", 1.5, number)
        assert Files(kept.directory).files.load() == Stored(b"token", 1.5, number)
    assert {path.name for path in kept.directory.iterdir()} == {TOKEN, STATE}
    assert {path.stat().st_mode & 0o777 for path in kept.directory.iterdir()} == {0o600}
    assert kept.directory.stat().st_mode & 0o777 == 0o700


def test_the_version_outlives_the_token(tmp_path: Path) -> None:
    Files(tmp_path).files.save(b"token", 1.5, 7)
    (tmp_path / TOKEN).unlink()
    assert Files(tmp_path).files.load() == Stored(None, 1.5, 7)


def test_another_projects_state_is_ignored(tmp_path: Path) -> None:
    Files(tmp_path).files.save(b"token", 1.5, 7)
    other = Files(tmp_path, "other")
    assert other.files.load() == Stored()
    assert other.complaints == [f"{STATE} belongs to another project and is ignored"]


RIGHT = {"scope": "scope", "fetched_at": 1.5, "highest_version": 7}


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 8000,
        b" " * 9000,
        b'{"scope": "scope", "fetched_at": NaN, "highest_version": 7}',
        b'{"scope": "scope", "fetched_at": 1e999, "highest_version": 7}',
        b'{"scope": "scope", "fetched_at": 1.5, "highest_version": ' + b"7" * 5000 + b"}",
        *(
            json.dumps({**RIGHT, name: value}).encode()
            for name, value in [
                ("scope", None),
                ("fetched_at", "now"),
                ("fetched_at", True),
                ("highest_version", 1.5),
                ("highest_version", True),
                ("highest_version", None),
            ]
        ),
    ],
)
def test_damaged_state_is_ignored_and_told(tmp_path: Path, state: bytes) -> None:
    Files(tmp_path).files.save(b"token", 1.5, 7)
    (tmp_path / STATE).write_bytes(state)
    damaged = Files(tmp_path)
    assert damaged.files.load() == Stored()
    (complaint,) = damaged.complaints
    assert STATE in complaint
    assert str(tmp_path) not in complaint


@given(st.binary(max_size=300))
def test_any_state_is_read_without_a_failure(
    tmp_path_factory: pytest.TempPathFactory, state: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp() / "any-state"
    write_atomically(directory / STATE, state)
    assert Files(directory).files.load() == Stored()


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / STATE).mkdir()
    found = Files(tmp_path)
    assert found.files.load() == Stored()
    found.files.save(b"token", 1.5, 7)
    assert len(found.complaints) == 2
    assert not any(str(tmp_path) in complaint for complaint in found.complaints)
    assert {path.name for path in tmp_path.iterdir()} == {TOKEN, STATE}


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    (tmp_path / "file.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_read_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(ValueError, match="longer than 4 bytes"):
        read_bounded(path, 4)
