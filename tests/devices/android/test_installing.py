"""APKs on the virtual phone, by both links."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.devices.android.apps import install, read_packages, read_version
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.packages import PackageItem, PackagesItem
from lab.phone.android.apk import Manifest, build

PACKAGE = "com.acme.shop"
TMP = "/data/local/tmp"


def _apk(folder: Path, code: int, package: str = PACKAGE) -> Path:
    file = folder / f"{package}-{code}.apk"
    file.write_bytes(build(Manifest(package, code, f"{code}.0")))
    return file


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def test_an_apk_is_installed_and_removed_again(
    any_link: AdbLink, tmp_path: Path, kept: Path
) -> None:
    item = PackageItem(any_link, PACKAGE, kept)
    before = item.read()
    assert before is None
    install(any_link, _apk(tmp_path, 1))
    version = read_version(any_link, PACKAGE)
    assert version is not None
    assert (version.name, version.code) == ("1.0", 1)
    assert any_link.shell(f"ls {TMP}") == ""
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())


def test_an_older_build_comes_back(any_link: AdbLink, tmp_path: Path, kept: Path) -> None:
    install(any_link, _apk(tmp_path, 1))
    item = PackageItem(any_link, PACKAGE, kept)
    before = item.read()
    install(any_link, _apk(tmp_path, 2))
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())


def test_a_family_of_apps_goes_again(any_link: AdbLink, tmp_path: Path) -> None:
    item = PackagesItem(any_link, "com.acme.")
    before = item.read()
    for name in ("com.acme.one", "com.acme.two", "com.other.three"):
        install(any_link, _apk(tmp_path, 1, name))
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())
    assert "com.other.three" in read_packages(any_link)


def test_what_is_no_apk_is_refused(any_link: AdbLink, tmp_path: Path) -> None:
    file = tmp_path / "not.apk"
    file.write_bytes(b"not an APK" * 1000)
    with pytest.raises(CommandRefused, match=r"not\.apk was not installed: .*INSTALL_PARSE_FAILED"):
        install(any_link, file)
    assert any_link.shell(f"ls {TMP}") == ""


def test_an_apk_that_is_not_there_is_refused(any_link: AdbLink, tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match=r"none\.apk"):
        install(any_link, tmp_path / "none.apk")
