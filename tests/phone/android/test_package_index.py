from __future__ import annotations

import pytest

from lab.phone.android import package_index
from lab.phone.android.package_index import INDEX, PackageIndex
from lab.phone.files import PhoneFiles
from lab.phone.state import PhoneState

SETTINGS = "com.android.settings"


@pytest.fixture
def files(phone: PhoneState) -> PhoneFiles:
    return phone.files


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def index(files: PhoneFiles, complaints: list[str]) -> PackageIndex:
    return PackageIndex(files, complaints.append)


def test_a_package_keeps_its_user_id(index: PackageIndex, files: PhoneFiles) -> None:
    first, second = (index.uid(name, system=False) for name in ("com.acme.a", "com.acme.b"))
    assert (first, second) == (10_100, 10_101)
    assert index.uid("com.acme.a", system=True) == first
    index.write()
    again = PackageIndex(files, pytest.fail)
    assert again.uid("com.acme.b", system=False) == second
    assert again.uid("com.acme.c", system=False) == 10_102


def test_the_system_s_own_id_is_for_packages_of_its_image(index: PackageIndex) -> None:
    assert index.uid(SETTINGS, system=True) == 1000
    assert index.uid(SETTINGS, system=False) == 10_100


def test_no_user_id_is_given_twice(index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "LAST_APP", 10_101)
    given = [index.uid(f"com.acme.n{number}", system=False) for number in range(4)]
    assert given == [10_100, 10_101, None, None]


def test_what_the_phone_came_with_comes_once(index: PackageIndex, files: PhoneFiles) -> None:
    assert index.comes("com.acme.a")
    assert not index.comes("com.acme.a")
    index.write()
    assert not PackageIndex(files, pytest.fail).comes("com.acme.a")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b"\xff" * 50])
def test_one_that_cannot_be_read_is_begun_anew(
    files: PhoneFiles, complaints: list[str], content: bytes
) -> None:
    files.write(INDEX, content)
    index = PackageIndex(files, complaints.append)
    assert complaints == [f"{INDEX} cannot be read: begun anew"]
    assert index.comes("com.acme.a")
    assert index.uid("com.acme.a", system=False) == 10_100


def test_what_is_none_of_it_is_left_out(files: PhoneFiles) -> None:
    files.write(INDEX, b'{"came": [1, "com.acme.a"], "uids": {"com.acme.b": "10100"}}')
    index = PackageIndex(files, pytest.fail)
    assert not index.comes("com.acme.a")
    assert index.uid("com.acme.b", system=False) == 10_100


def test_one_that_cannot_be_written_lasts_as_long_as_the_process(
    index: PackageIndex, files: PhoneFiles, complaints: list[str]
) -> None:
    files.make_folder(INDEX)
    index.comes("com.acme.a")
    index.write()
    assert len(complaints) == 1
    assert not index.comes("com.acme.a")
