"""``trustpin-lab restore`` on iPhones: what a run that died left is put back, by its supervisor or
by a hand in Settings."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.apps.settings_ios import IosSettingsApp
from lab.cli import app
from lab.devices.ios.address import address_of, reach_of
from lab.devices.ios.apps import AppService, Build
from lab.devices.ios.changes import Changes
from lab.devices.ios.phones import _supervisor, driving_of
from lab.devices.ios.settings_page import Hand
from lab.devices.iphone_models import TEST_APP, IosProxyWay, IosSettings
from lab.devices.journal import Journal
from lab.devices.journal_entry import Header
from lab.devices.lease import Holder, Lease
from lab.devices.settings import load
from lab.devices.state_folder import journals_folder
from lab.model.device import Endpoint
from lab.pki.authority import Authority
from tests.boundary.standing import devices_file
from tests.boundary.standing_iphone import OWNERS, P12, differences, standing_iphone

pytestmark = pytest.mark.whole

PROXY = Endpoint("127.0.0.1", 8080)


def die_on(settings: IosSettings, certificate: bytes) -> None:
    """Let a run change all that it can, and be killed between uninstalling and installing."""
    assert settings.app.build is not None
    address = address_of(settings)
    journal = Journal(journals_folder(), settings.udid)
    with ExitStack() as stack:
        reach = reach_of(address)
        stack.callback(reach.close)
        driving = driving_of(settings, Path(), stack)
        driving.begin()
        stack.callback(driving.end, lost=False)
        journal.begin(Header(settings.udid, settings.id, address, "iPhone", "run-1", "noon"))
        hand = Hand(lambda: driving, lambda driving: IosSettingsApp(driving.driver))
        changes = Changes(reach, journal, hand, _supervisor(settings))
        changes.install(TEST_APP, Build.read(settings.app.build))
        way = settings.routes.proxy
        assert way is not None
        changes.lead(way, PROXY, None)
        changes.trust((certificate,))
        AppService(reach).uninstall(TEST_APP)


def restore(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["restore", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.mark.parametrize("supervised", [True, False], ids=["supervised", "as sold"])
def test_what_a_run_left_is_put_back(
    supervised: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(P12, str(tmp_path / "phone" / "identity.p12"))
    monkeypatch.chdir(tmp_path)
    with standing_iphone(tmp_path / "phone", supervised=supervised) as phone:
        before = phone.seen()
        assert before["proxies"] == {OWNERS: "192.0.2.1:3128"}
        assert before["roots"] == {"Owner's CA": True}
        file = devices_file(tmp_path, phone.entry("mine"))
        settings = load(file).device("mine")
        assert isinstance(settings, IosSettings)
        die_on(settings, Authority.root("Rogue").der)
        changed = differences(before, phone.seen())
        assert {"app", "profiles", "roots"} <= changed.keys()
        with Lease.take(settings.udid, Holder.of_this_process("other")):
            assert restore(f"--devices-file={file}")[0] == 1
        if settings.routes.proxy is IosProxyWay.BY_HAND:
            code, told = restore("--devices-file=nothing.yaml")
            assert (code, "--devices-file" in told) == (1, True)
        code, told = restore(f"--devices-file={file}", "mine")
        assert code == 0, told
        assert differences(before, phone.seen()) == {}
        assert restore()[0] == 0
