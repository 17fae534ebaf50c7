"""What the stores hold is what the apps of a virtual phone trust; no more, and no less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.devices.android.dnat import DnatItem, set_dnat
from lab.devices.android.keys import AdbKey
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.root import RootShell
from lab.devices.android.shell_link import tcp_link
from lab.devices.android.system_store import SystemStore, SystemStoreItem
from lab.devices.android.user_store import FileUserStore, UserStoreItem
from lab.model.device import Endpoint
from lab.phone.android.access import RootMode
from lab.pki.authority import Authority
from tests.devices.android.rig import Rig
from tests.patience import CAP

FACTORY, ROGUE, TWIN = (Authority.root(name) for name in ("Factory", "Rogue", "Rogue"))
BROWSER, SAMPLE = "com.android.browser", "cloud.trustpin.android.sample"


@pytest.fixture(params=["13", "14", "16"])
def android(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[RootMode.ADBD, RootMode.SU])
def rig(request: pytest.FixtureRequest, android: str, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(
        tmp_path / "phone", android=android, root=request.param, factory=(FACTORY.certificate,)
    )
    yield made
    made.close()


@pytest.fixture
def link(rig: Rig, keys: tuple[AdbKey, ...]) -> Iterator[AdbLink]:
    made = tcp_link(rig.endpoint, lambda: keys)
    yield made
    made.close()


def test_the_system_store_is_what_apps_trust(link: AdbLink, rig: Rig) -> None:
    rig.screen.launch(BROWSER)
    shell = RootShell(link)
    item = SystemStoreItem(shell)
    before = item.read()
    store = SystemStore(shell)
    for held in ([ROGUE.der], [TWIN.der, ROGUE.der], []):
        store.hold(held)
        rig.screen.launch(SAMPLE)
        for package in (BROWSER, SAMPLE):
            assert set(rig.trusted_by(package)) == {FACTORY.der, *held}
        rig.screen.stop(SAMPLE)
    store.hold([ROGUE.der])
    item.put_back(before)
    assert item.same(before, item.read())
    assert set(rig.trusted_by(BROWSER)) == {FACTORY.der}


def test_a_reboot_takes_it_away_and_it_can_come_back(link: AdbLink, rig: Rig) -> None:
    shell = RootShell(link)
    item = SystemStoreItem(shell)
    before = item.read()
    store = SystemStore(shell)
    store.hold([ROGUE.der])
    rig.reboot()
    link.reconnect(CAP)
    rig.screen.launch(BROWSER)
    assert set(rig.trusted_by(BROWSER)) == {FACTORY.der}
    store.hold([ROGUE.der])
    assert set(rig.trusted_by(BROWSER)) == {FACTORY.der, ROGUE.der}
    rig.reboot()
    link.reconnect(CAP)
    item.put_back(before)
    assert item.same(before, item.read())


def test_the_user_store_is_what_a_browser_trusts_and_an_app_does_not(
    link: AdbLink, rig: Rig
) -> None:
    rig.screen.launch(BROWSER)
    item = UserStoreItem(RootShell(link))
    before = item.read()
    store = FileUserStore(RootShell(link))
    store.hold([ROGUE.der, TWIN.der])
    assert set(rig.trusted_by(BROWSER, user=True)) == {FACTORY.der, ROGUE.der, TWIN.der}
    assert set(rig.trusted_by(BROWSER)) == {FACTORY.der}
    item.put_back(before)
    assert item.same(before, item.read())
    assert set(rig.trusted_by(BROWSER, user=True)) == {FACTORY.der}


def test_rules_come_and_go(link: AdbLink) -> None:
    shell = RootShell(link)
    item = DnatItem(shell)
    before = item.read()
    lab = [Endpoint("127.0.0.1", port) for port in (1, 2, 3)]
    set_dnat(shell, tls=lab[0], clear=lab[1], resolver=lab[2])
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())


def test_a_phone_as_it_is_sold_has_no_root(
    android: str, keys: tuple[AdbKey, ...], tmp_path: Path
) -> None:
    rig = Rig(tmp_path / "sold", android=android, root=RootMode.NONE)
    link = tcp_link(rig.endpoint, lambda: keys)
    shell = RootShell(link)
    try:
        for act in (
            lambda: SystemStore(shell).hold([ROGUE.der]),
            lambda: FileUserStore(shell).hold([ROGUE.der]),
            SystemStoreItem(shell).read,
        ):
            with pytest.raises(CommandRefused, match="needs root"):
                act()
    finally:
        link.close()
        rig.close()
