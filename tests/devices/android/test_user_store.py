"""The user's store: by its files, under toybox and mksh; and by Settings."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from lab.apps.android import NotOnScreen
from lab.devices.android.link import CommandRefused
from lab.devices.android.root import UNROOTED, RootShell
from lab.devices.android.settings_store import (
    SettingsUserStore,
    SettingsUserStoreItem,
    ca_name,
)
from lab.devices.android.user_store import FOLDER, FileUserStore, UserStoreItem
from lab.devices.item import Value
from lab.model.device import DeviceLost
from lab.pki.authority import Authority
from lab.pki.store_names import subject_hash_old
from tests.devices.android.faulty import DyingLink
from tests.devices.android.linux_phone import LinuxPhone, missing

ROGUE, TWIN, OTHER = (Authority.root(name) for name in ("Rogue", "Rogue", "Other"))


def _name(ca: Authority, number: int = 0) -> str:
    return f"{subject_hash_old(x509.load_der_x509_certificate(ca.der))}.{number}"


def _pem(ca: Authority) -> bytes:
    return ssl.DER_cert_to_PEM_cert(ca.der).encode()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[LinuxPhone]:
    if why := missing():
        pytest.skip(why)
    made = LinuxPhone(tmp_path, {"a": b"b"}, store="system/etc/security/cacerts")
    yield made
    made.close()


def _files(phone: LinuxPhone) -> dict[str, bytes]:
    if phone.run(f"[ -d {FOLDER} ]").code:
        return {}
    return {k: v for k, v in phone.as_seen_by(1, FOLDER).items() if k != "*"}


def test_the_store_holds_exactly_what_it_is_to(phone: LinuxPhone) -> None:
    store = FileUserStore(RootShell(phone))
    store.hold([ROGUE.der, TWIN.der])
    assert _files(phone) == {_name(ROGUE): _pem(ROGUE), _name(TWIN, 1): _pem(TWIN)}
    store.hold([OTHER.der])
    assert _files(phone) == {_name(OTHER): _pem(OTHER)}
    store.hold([])
    assert _files(phone) == {}


def test_files_are_readable_and_the_systems(phone: LinuxPhone) -> None:
    FileUserStore(RootShell(phone)).hold([ROGUE.der])
    told = phone.shell(f"stat -c '%a %u %g' {FOLDER} {FOLDER}/{_name(ROGUE)}")
    assert told.splitlines() == ["755 1000 1000", "644 1000 1000"]


def test_what_is_held_already_takes_one_look(phone: LinuxPhone) -> None:
    store = FileUserStore(RootShell(phone))
    store.hold([ROGUE.der])
    before = phone.commands
    store.hold([ROGUE.der])
    assert phone.commands == before + 1


def test_what_the_user_added_stays(phone: LinuxPhone) -> None:
    phone.shell(f"mkdir -p {FOLDER} && echo theirs > {FOLDER}/{_name(ROGUE)}")
    item = UserStoreItem(RootShell(phone))
    before = item.read()
    store = FileUserStore(RootShell(phone))
    store.hold([TWIN.der])
    assert _files(phone) == {_name(ROGUE): b"theirs\n", _name(TWIN, 1): _pem(TWIN)}
    assert not item.same(before, item.read())
    item.put_back(before)
    assert item.same(before, item.read())
    assert _files(phone) == {_name(ROGUE): b"theirs\n"}


def test_put_back_after_a_run_that_died_half_way(phone: LinuxPhone) -> None:
    item = UserStoreItem(RootShell(phone))
    before = item.read()
    for left in range(10):
        store = FileUserStore(RootShell(DyingLink(phone, left)))
        try:
            store.hold([ROGUE.der])
        except DeviceLost:
            died = True
        else:
            died = False
        item.put_back(before)
        assert item.same(before, item.read())
        assert _files(phone) == {}
        if not died:
            return
    raise AssertionError("it never came to an end")


def test_a_full_disk_is_noticed(phone: LinuxPhone) -> None:
    phone.shell(f"mkdir -p {FOLDER}")
    phone.in_mounts("mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2", "full", FOLDER)
    store = FileUserStore(RootShell(phone))
    with pytest.raises(CommandRefused, match="exit code"):
        store.hold([ROGUE.der, TWIN.der, OTHER.der])
    store.hold([])
    assert _files(phone) == {}


def test_without_root_there_are_no_files(phone: LinuxPhone) -> None:
    shell = RootShell(phone, UNROOTED)
    with pytest.raises(CommandRefused, match="needs root"):
        FileUserStore(shell).hold([ROGUE.der])
    with pytest.raises(CommandRefused, match="needs root"):
        UserStoreItem(shell).read()


class Page:
    """Settings, as far as a store needs it."""

    def __init__(self) -> None:
        self.names = ["Somebody's"]
        self.files: list[str] = []
        self.failing = False

    def install_ca(self, name: str, file_name: str) -> None:
        if self.failing:
            raise NotOnScreen("the screen shows something else")
        self.names.append(name)
        self.files.append(file_name)

    def remove_ca(self, name: str) -> None:
        self.names.remove(name)

    def user_cas(self) -> list[str]:
        return list(self.names)


def test_settings_adds_and_removes(phone: LinuxPhone) -> None:
    page = Page()
    item = SettingsUserStoreItem(page)
    before = item.read()
    store = SettingsUserStore(phone, page)
    store.hold([ROGUE.der, OTHER.der])
    assert page.names == ["Somebody's", "Rogue", "Other"]
    store.hold([OTHER.der])
    assert page.names == ["Somebody's", "Other"]
    assert phone.shell("ls /sdcard/Download") == ""
    item.put_back(before)
    assert item.same(before, item.read())
    assert page.names == ["Somebody's"]


def test_what_settings_did_not_install_leaves_no_file(phone: LinuxPhone) -> None:
    page = Page()
    page.failing = True
    with pytest.raises(CommandRefused, match="something else"):
        SettingsUserStore(phone, page).hold([ROGUE.der])
    assert phone.shell("ls /sdcard/Download") == ""


def test_settings_cannot_tell_two_of_one_name_apart(phone: LinuxPhone) -> None:
    with pytest.raises(CommandRefused, match="two CAs of one name"):
        SettingsUserStore(phone, Page()).hold([ROGUE.der, TWIN.der])


def test_without_appium_settings_cannot_be_asked() -> None:
    item = SettingsUserStoreItem(None)
    for act in (item.read, lambda: item.put_back([])):
        with pytest.raises(CommandRefused, match="by hand"):
            act()


def test_a_ca_is_called_what_settings_calls_it() -> None:
    assert ca_name(x509.load_der_x509_certificate(ROGUE.der)) == "Rogue"


@pytest.mark.parametrize("value", [None, "text", [1], {"a": "b"}])
def test_a_value_that_is_none(value: Value) -> None:
    with pytest.raises(ValueError, match="not a list of texts"):
        SettingsUserStoreItem(Page()).put_back(value)
