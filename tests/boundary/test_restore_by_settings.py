"""``trustpin-lab restore`` on a phone as it is sold: what a hand in Settings installed is taken
away by a hand in Settings, for which devices.yaml says how the screen is driven."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.devices.android.lazy_settings import LazySettings
from lab.devices.android.phones import _settings_page, driving_of, link_of
from lab.devices.android.settings_store import SettingsUserStore, SettingsUserStoreItem
from lab.devices.journal import Journal
from lab.devices.journal_entry import Header
from lab.devices.settings import AndroidSettings, load
from lab.devices.state_folder import journals_folder
from lab.pki.authority import Authority
from tests.boundary.standing import Standing, devices_file, standing_phone

pytestmark = pytest.mark.whole


def died(settings: AndroidSettings, phone: Standing, ca: bytes) -> Journal:
    """Let a run die on the phone that has just added its CA."""
    address = {"tcp": str(phone.adb)}
    journal = Journal(journals_folder(), "R58N123")
    with ExitStack() as stack:
        link = link_of(address)
        stack.callback(link.close)
        page = LazySettings(lambda: driving_of(settings, Path(), stack), _settings_page(settings))
        journal.begin(Header("R58N123", "galaxy", address, "Galaxy", "run-1", "noon"))
        journal.remember(SettingsUserStoreItem(page))
        SettingsUserStore(link, page).hold([ca])
    return journal


def restore(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["restore", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_a_ca_that_settings_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "phone"
    with standing_phone(folder, root="none", name="R58N123") as phone:
        store = folder / "phone/files/data/misc/user/0/cacerts-added"
        before = sorted(path.name for path in store.iterdir())
        file = devices_file(tmp_path, phone.entry("galaxy"))
        settings = load(file).device("galaxy")
        assert isinstance(settings, AndroidSettings)
        journal = died(settings, phone, Authority.root("Lab CA").der)
        assert sorted(path.name for path in store.iterdir()) != before

        # Nothing says how its screen is driven: it stays, and says what would help.
        code, told = restore("--devices-file", str(tmp_path / "none.yaml"))
        assert code == 1
        assert "stays" in told
        assert "--devices-file" in told
        assert sorted(path.name for path in store.iterdir()) != before

        code, told = restore()
        assert (code, "put back  user_store (by settings)" in told) == (0, True), told
        assert sorted(path.name for path in store.iterdir()) == before
        assert not journal.path.exists()
