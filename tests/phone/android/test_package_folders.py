from __future__ import annotations

import pytest

from lab.phone.android.apk import BadApk, Manifest, build
from lab.phone.android.package_folders import DATA, SYSTEM, PackageFolders, apk_path
from lab.phone.state import PhoneState

ACME = Manifest("com.acme.a", 3, "3.0", ("com.acme.a.Main",), "com.acme.a.Main")


@pytest.fixture
def folders(phone: PhoneState) -> PackageFolders:
    return PackageFolders(phone)


def test_what_has_arrived_is_installed_by_the_phone_s_clock(
    folders: PackageFolders, phone: PhoneState
) -> None:
    phone.set_clock(phone.now() + 86_400)
    arrived = folders.arrival()
    arrived.write_bytes(build(ACME))
    path = folders.place(arrived, ACME.package)
    folders.discard(arrived)
    assert path == apk_path(DATA, ACME.package) == "/data/app/com.acme.a/base.apk"
    assert folders.read(DATA, ACME.package) == ACME
    assert abs(folders.updated(path) - phone.now()) < 3600
    assert folders.names(DATA) == (ACME.package,)
    folders.remove(ACME.package)
    assert folders.names(DATA) == ()


def test_what_had_not_quite_arrived_is_removed(folders: PackageFolders, phone: PhoneState) -> None:
    left = folders.arrival()
    left.write_bytes(b"half")
    folders.ship(ACME, system=False)
    assert folders.names(DATA) == (ACME.package,)
    assert not left.parent.exists()


def test_what_belongs_to_the_image_is_apart(folders: PackageFolders) -> None:
    folders.ship(ACME, system=True)
    assert (folders.names(SYSTEM), folders.names(DATA)) == ((ACME.package,), ())
    folders.remove(ACME.package)
    assert folders.read(SYSTEM, ACME.package) == ACME


def test_an_apk_of_another_package_is_none(folders: PackageFolders, phone: PhoneState) -> None:
    phone.files.write(apk_path(DATA, "com.acme.b"), build(ACME))
    with pytest.raises(BadApk, match=r"it is of com\.acme\.a"):
        folders.read(DATA, "com.acme.b")


def test_a_folder_that_is_none(folders: PackageFolders, phone: PhoneState) -> None:
    phone.files.host_path(SYSTEM).parent.mkdir(parents=True, exist_ok=True)
    phone.files.host_path(SYSTEM).write_bytes(b"in the way")
    with pytest.raises(FileExistsError):
        folders.names(SYSTEM)
    with pytest.raises(NotADirectoryError):
        folders.ship(ACME, system=True)
