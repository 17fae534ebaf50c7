from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices import state_folder as module
from lab.devices.state_folder import (
    StateError,
    file_name_of,
    journals_folder,
    leases_folder,
    state_folder,
)
from tests.rights import no_rights, open_folder


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture(params=[0o022, 0o077, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


class TestWhere:
    """Which folder it is."""

    def test_the_lab_s_own_variable_comes_first(self, tmp_path: Path) -> None:
        named = tmp_path / "deep" / "state"
        environ = {"TRUSTPIN_LAB_STATE": str(named), "XDG_STATE_HOME": str(tmp_path / "xdg")}
        assert state_folder(environ) == named
        assert journals_folder(environ) == named / "journals"
        assert leases_folder(environ) == named / "leases"
        assert not (tmp_path / "xdg").exists()

    def test_a_relative_one_starts_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert state_folder({"TRUSTPIN_LAB_STATE": "state"}) == tmp_path / "state"

    def test_then_that_of_the_desktop(self, tmp_path: Path) -> None:
        environ = {"XDG_STATE_HOME": str(tmp_path), "HOME": "/nowhere"}
        assert state_folder(environ) == tmp_path / "trustpin-lab"

    @pytest.mark.parametrize("xdg", [None, "", "relative/path"])
    def test_then_the_home_folder(self, xdg: str | None, tmp_path: Path) -> None:
        environ = {"HOME": str(tmp_path), "TRUSTPIN_LAB_STATE": ""}
        if xdg is not None:
            environ["XDG_STATE_HOME"] = xdg
        assert state_folder(environ) == tmp_path / ".local" / "state" / "trustpin-lab"

    def test_the_environment_of_this_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
        assert state_folder() == tmp_path / "state"

    def test_leases_are_common_to_all_users(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "COMMON_LEASES", tmp_path / "common")
        one, other = ({"HOME": str(tmp_path / name)} for name in ("one", "other"))
        assert leases_folder(one) == leases_folder(other) == tmp_path / "common"


class TestRights:
    """Who may look into it."""

    def test_it_is_the_user_s_own(self, umask: int, tmp_path: Path) -> None:
        folder = state_folder({"HOME": str(tmp_path)})
        assert mode_of(folder) == 0o700
        assert mode_of(folder.parent) == 0o700
        assert mode_of(journals_folder({"HOME": str(tmp_path)})) == 0o700

    def test_leases_are_everybody_s(self, umask: int, tmp_path: Path) -> None:
        assert mode_of(leases_folder({"TRUSTPIN_LAB_STATE": str(tmp_path)})) == 0o1777

    def test_what_is_there_is_left_as_it_is(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        (tmp_path / "kept").touch()
        assert state_folder({"TRUSTPIN_LAB_STATE": str(tmp_path)}) == tmp_path
        assert mode_of(tmp_path) == 0o755
        assert (tmp_path / "kept").exists()


class TestNowhere:
    """Folders that cannot be used."""

    def test_a_folder_that_may_not_be_written(self) -> None:
        with open_folder() as folder, no_rights():
            folder.chmod(0o555) if os.getuid() else None
            place = folder / "state"
            with pytest.raises(StateError) as error:
                state_folder({"TRUSTPIN_LAB_STATE": str(place)})
        told = f"{place}: the lab cannot keep its state here: {os.strerror(errno.EACCES)}"
        assert str(error.value) == told

    def test_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        with pytest.raises(StateError) as error:
            state_folder({"TRUSTPIN_LAB_STATE": str(file)})
        assert str(error.value) == f"{file}: the lab cannot keep its state here: not a folder"
        with pytest.raises(StateError, match=os.strerror(errno.ENOTDIR)):
            state_folder({"TRUSTPIN_LAB_STATE": str(file / "below")})

    def test_no_name_at_all(self) -> None:
        with pytest.raises(StateError, match="not a folder's name"):
            state_folder({"TRUSTPIN_LAB_STATE": "nu\0l"})

    def test_a_link_where_all_users_may_write(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        common = tmp_path / "common"
        common.symlink_to(tmp_path)
        monkeypatch.setattr(module, "COMMON_LEASES", common)
        with pytest.raises(StateError, match="a link; remove it"):
            leases_folder({})

    def test_without_a_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def homeless() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
        with pytest.raises(StateError, match="set TRUSTPIN_LAB_STATE to a folder"):
            state_folder({})


class TestFileNames:
    """A name for any text."""

    def test_it_is_legible(self) -> None:
        assert file_name_of("28151FDH3000AB").startswith("28151FDH3000AB-")
        assert file_name_of("192.0.2.7:5555").startswith("192-0-2-7-5555-")

    @settings(deadline=None)
    @given(st.text(st.characters(codec=None, exclude_categories=())))
    def test_it_is_safe_for_any_text(self, key: str) -> None:
        name = file_name_of(key)
        assert name.isascii()
        assert name.replace("-", "").replace("_", "").isalnum()
        assert not name.startswith("-")
        assert len(name) <= 60

    @settings(deadline=None)
    @given(st.sets(st.text(alphabet="aA-_./\0\u0130\ud800é", max_size=50), max_size=30))
    def test_another_text_has_another_name(self, keys: set[str]) -> None:
        assert len({file_name_of(key).casefold() for key in keys}) == len(keys)
