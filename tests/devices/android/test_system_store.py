"""The system store, on real mount namespaces with toybox and mksh."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509

from lab.devices.android.link import CommandRefused
from lab.devices.android.root import UNROOTED, RootShell
from lab.devices.android.system_store import APEX, COPY, SYSTEM, SystemStore, SystemStoreItem
from lab.devices.item import Value
from lab.model.device import DeviceLost
from lab.pki.authority import Authority
from lab.pki.store_names import subject_hash_old
from tests.devices.android.faulty import DyingLink
from tests.devices.android.linux_phone import LinuxPhone, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

FACTORY = [Authority.root(f"Factory {number}") for number in range(3)]
ROGUE = Authority.root("Rogue")
TWIN = Authority.root("Rogue")
IMPOSTOR = Authority.root("Factory 1")


def _name(ca: Authority, number: int = 0) -> str:
    return f"{subject_hash_old(x509.load_der_x509_certificate(ca.der))}.{number}"


def _pem(ca: Authority) -> bytes:
    return ssl.DER_cert_to_PEM_cert(ca.der).encode()


SHIPPED = {_name(ca): _pem(ca) for ca in FACTORY}


class Kind(NamedTuple):
    store: str
    propagation: str


KINDS = {
    "Android 13": Kind(SYSTEM, "slave"),
    "Android 13, private": Kind(SYSTEM, "private"),
    "Android 14": Kind(APEX, "private"),
}


on_every_kind = pytest.mark.parametrize("phone", KINDS, indirect=True)


class Phone(NamedTuple):
    link: LinuxPhone
    folder: str
    apps: list[int]

    def seen(self) -> list[dict[str, bytes]]:
        """What the zygotes and every app find in their store."""
        zygotes = self.link.pids("zygote64") + self.link.pids("zygote")
        assert len(zygotes) == 2
        return [self.link.as_seen_by(pid, self.folder) for pid in (*zygotes, *self.apps)]

    def start(self, name: str) -> None:
        self.apps.append(self.link.start_app(name))


@pytest.fixture
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Phone]:
    kind = KINDS[getattr(request, "param", "Android 14")]
    link = LinuxPhone(tmp_path, SHIPPED, store=kind.store, propagation=kind.propagation)
    made = Phone(link, kind.store, [])
    made.start("com.acme.one")
    yield made
    link.close()


def _all(phone: Phone, *added: tuple[Authority, int]) -> None:
    wanted = SHIPPED | {_name(ca, number): _pem(ca) for ca, number in added}
    for seen in phone.seen():
        assert seen == wanted


@on_every_kind
def test_every_app_trusts_what_was_added_and_what_was_shipped(phone: Phone) -> None:
    store = SystemStore(RootShell(phone.link))
    _all(phone)
    store.hold([ROGUE.der])
    phone.start("com.acme.later")
    _all(phone, (ROGUE, 0))


def test_what_is_held_changes_in_one_round_trip(phone: Phone) -> None:
    shell = RootShell(phone.link)
    store = SystemStore(shell)
    store.hold([ROGUE.der])
    for added in ([(TWIN, 0), (IMPOSTOR, 1)], [(IMPOSTOR, 1)], []):
        before = phone.link.commands
        store.hold([ca.der for ca, _ in added])
        assert phone.link.commands == before + 1
        _all(phone, *added)


def test_cas_of_one_name_are_numbered_without_gaps(phone: Phone) -> None:
    SystemStore(RootShell(phone.link)).hold([ROGUE.der, TWIN.der, IMPOSTOR.der, ROGUE.der])
    _all(phone, (ROGUE, 0), (TWIN, 1), (IMPOSTOR, 1))


def test_nothing_is_touched_to_hold_nothing(phone: Phone) -> None:
    SystemStore(RootShell(phone.link)).hold([])
    assert phone.link.run(f"[ -e {COPY} ]").code == 1


@on_every_kind
def test_the_image_itself_is_never_changed(phone: Phone) -> None:
    SystemStore(RootShell(phone.link)).hold([ROGUE.der])
    assert phone.link.as_seen_by(1, "/image/cacerts") == SHIPPED


@on_every_kind
def test_put_back_leaves_nothing(phone: Phone) -> None:
    item = SystemStoreItem(RootShell(phone.link))
    before = json.loads(json.dumps(item.read()))
    tables = phone.link.shell("cat /proc/1/mountinfo")
    SystemStore(RootShell(phone.link)).hold([ROGUE.der])
    phone.start("com.acme.later")
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
        _all(phone)
    assert phone.link.run(f"[ -e {COPY} ]").code == 1
    assert phone.link.shell("cat /proc/1/mountinfo") == tables


def test_put_back_after_a_run_that_died_half_way(phone: Phone) -> None:
    item = SystemStoreItem(RootShell(phone.link))
    before = item.read()
    for left in range(30):
        dying = SystemStore(RootShell(DyingLink(phone.link, left)))
        try:
            dying.hold([ROGUE.der])
        except DeviceLost:
            died = True
        else:
            died = False
        item.put_back(before)
        assert item.same(before, item.read())
        _all(phone)
        if not died:
            assert left > 3
            return
    raise AssertionError("it never came to an end")


def test_put_back_that_died_half_way_is_done_again(phone: Phone) -> None:
    item = SystemStoreItem(RootShell(phone.link))
    before = item.read()
    for left in range(30):
        SystemStore(RootShell(phone.link)).hold([ROGUE.der])
        dying = SystemStoreItem(RootShell(DyingLink(phone.link, left)))
        try:
            dying.put_back(before)
        except DeviceLost:
            item.put_back(before)
        else:
            return
        assert item.same(before, item.read())
        _all(phone)
    raise AssertionError("it never came to an end")


def test_what_another_run_left_behind_is_not_taken_for_what_was_shipped(phone: Phone) -> None:
    SystemStore(RootShell(phone.link)).hold([ROGUE.der])
    SystemStore(RootShell(phone.link)).hold([IMPOSTOR.der])
    _all(phone, (IMPOSTOR, 1))


def test_mounts_that_somebody_removed_are_made_again(phone: Phone) -> None:
    store = SystemStore(RootShell(phone.link))
    store.hold([ROGUE.der])
    zygotes = phone.link.pids("zygote64") + phone.link.pids("zygote")
    for pid in (1, *zygotes, *phone.apps):
        phone.link.run(f"nsenter --mount=/proc/{pid}/ns/mnt -- umount {phone.folder}")
    _all(phone)
    store.hold([TWIN.der])
    _all(phone, (TWIN, 0))


def test_a_zygote_that_lost_its_mount_gets_it_again(phone: Phone) -> None:
    store = SystemStore(RootShell(phone.link))
    store.hold([ROGUE.der])
    for name in ("zygote", "zygote64"):
        (pid,) = phone.link.pids(name)
        phone.link.shell(f"nsenter --mount=/proc/{pid}/ns/mnt -- umount {phone.folder}")
        store.hold([ROGUE.der])
        _all(phone, (ROGUE, 0))


def test_an_app_that_cannot_be_reached_is_told_of(phone: Phone) -> None:
    phone.link.shell("rm /system/bin/nsenter; echo 'exit 1' > /system/bin/nsenter")
    with pytest.raises(CommandRefused):
        SystemStore(RootShell(phone.link)).hold([ROGUE.der])


def test_a_mount_that_does_nothing_is_noticed(phone: Phone) -> None:
    phone.link.shell("rm /system/bin/nsenter")
    script = """#!/system/bin/sh
case "$*" in *bind*) exit 0;; esac
exec /usr/bin/toybox nsenter "$@"
"""
    phone.link.push(script.encode(), "/system/bin/nsenter", mode=0o755)
    with pytest.raises(CommandRefused, match=r"could not be mounted for .*zygote64"):
        SystemStore(RootShell(phone.link)).hold([ROGUE.der])


def test_without_root_it_says_what_to_do(phone: Phone) -> None:
    with pytest.raises(CommandRefused, match=r"needs root.*Magisk.*adb root"):
        SystemStore(RootShell(phone.link, UNROOTED)).hold([ROGUE.der])


@pytest.mark.parametrize(
    "value", [None, 1, [], {}, {"files": 1, "mounts": [], "copy": True}, {"copy": "no"}]
)
def test_a_value_that_is_none(phone: Phone, value: Value) -> None:
    with pytest.raises(ValueError, match=r"the value|copy"):
        SystemStoreItem(RootShell(phone.link)).put_back(value)


def test_what_is_no_certificate(phone: Phone) -> None:
    store = SystemStore(RootShell(phone.link))
    store.hold([ROGUE.der])
    with pytest.raises(ValueError, match="parsing"):
        store.hold([b"no certificate"])
    _all(phone, (ROGUE, 0))
