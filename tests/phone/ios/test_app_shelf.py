from __future__ import annotations

from pathlib import Path

import pytest

from lab.phone.ios.app_shelf import MAX_APPS, RUNNER, AppShelf, container_of
from lab.phone.ios.apps import BUILT_IN, SAFARI, SETTINGS, TEST_APP
from lab.phone.ios.installed import make_screen
from lab.phone.ios.lockdown.handset import InstalledApp, InstallRefused
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.state import IPhoneState
from lab.phone.sdk.client import ReferenceClient

OTHER = InstalledApp("com.example.other", "Other", "2.0", "7", "Other")


class Phone:
    """An iPhone's apps; made again in the same folder it is the same phone after a restart."""

    def __init__(self, folder: Path) -> None:
        (folder / "air").mkdir(exist_ok=True)
        self.state = IPhoneState(folder / "phone", folder / "air")
        self.screen: IPhoneScreen = make_screen(self.state, ReferenceClient)
        self.apps = AppShelf(self.state.kept, self.screen, BUILT_IN, self.state.open_process)
        self._ipa = folder / "app.ipa"

    @property
    def ids(self) -> list[str]:
        return [app.bundle_id for app in self.apps.installed()]

    def install(self, app: InstalledApp) -> None:
        self._ipa.write_bytes(b"x")
        self.apps.install(app, self._ipa)
        assert not self._ipa.exists()


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def test_what_comes_with_the_phone(phone: Phone) -> None:
    assert phone.ids == sorted([TEST_APP, SAFARI, SETTINGS, RUNNER])
    assert {app.bundle_id for app in phone.apps.installed() if app.system} == {SAFARI, SETTINGS}


def test_an_app_forgets_what_it_stored_with_its_uninstallation(phone: Phone) -> None:
    phone.screen.launch(TEST_APP)
    stored = phone.state.files.host_path(container_of(TEST_APP)) / "kept"
    stored.write_text("something")
    phone.apps.uninstall(TEST_APP)
    assert not phone.screen.running(TEST_APP)
    assert TEST_APP not in phone.ids
    with pytest.raises(ValueError, match=TEST_APP):
        phone.screen.launch(TEST_APP)
    phone.install(InstalledApp(TEST_APP, "TestApp", "4.1.0", "1", "TestApp"))
    phone.screen.launch(TEST_APP)
    assert phone.screen.running(TEST_APP)
    assert not stored.exists()
    phone.screen.close()


def test_a_newer_build_keeps_what_the_app_stored(phone: Phone) -> None:
    phone.screen.launch(TEST_APP)
    stored = phone.state.files.host_path(container_of(TEST_APP)) / "kept"
    stored.write_text("something")
    phone.install(InstalledApp(TEST_APP, "TestApp", "4.2.0", "2", "TestApp"))
    assert stored.exists()
    (app,) = (a for a in phone.apps.installed() if a.bundle_id == TEST_APP)
    assert (app.version, app.build) == ("4.2.0", "2")


def test_another_app_is_there_and_shows_nothing(phone: Phone) -> None:
    phone.install(OTHER)
    assert OTHER.bundle_id in phone.ids
    phone.screen.launch(OTHER.bundle_id)
    assert phone.screen.running(OTHER.bundle_id)
    phone.apps.uninstall(OTHER.bundle_id)
    assert OTHER.bundle_id not in phone.ids


def test_it_all_outlives_the_process(phone: Phone, tmp_path: Path) -> None:
    phone.install(OTHER)
    phone.apps.uninstall(TEST_APP)
    again = Phone(tmp_path)
    assert again.ids == phone.ids
    again.screen.launch(OTHER.bundle_id)
    with pytest.raises(ValueError, match=TEST_APP):
        again.screen.launch(TEST_APP)
    again.screen.close()


@pytest.mark.parametrize("bundle_id", [SAFARI, SETTINGS])
def test_what_belongs_to_ios_stays(phone: Phone, bundle_id: str) -> None:
    with pytest.raises(InstallRefused, match="belongs to iOS"):
        phone.apps.uninstall(bundle_id)
    with pytest.raises(InstallRefused, match="belongs to iOS"):
        phone.install(InstalledApp(bundle_id, "x", "1", "1", "x"))


def test_what_is_not_installed_is_no_matter(phone: Phone) -> None:
    before = phone.ids
    phone.apps.uninstall("com.example.nowhere")
    assert phone.ids == before


def test_there_is_room_for_so_many(phone: Phone) -> None:
    for number in range(MAX_APPS):
        phone.install(InstalledApp(f"com.example.n{number}", "x", "1", "1", "x"))
    with pytest.raises(InstallRefused, match="no room"):
        phone.install(OTHER)
