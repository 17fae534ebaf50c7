from __future__ import annotations

from pathlib import Path

import pytest

from lab.model.device import Endpoint
from lab.network.mobileconfig import proxy_profile, root_profile
from lab.phone.ios.profile import BadProfile
from lab.phone.ios.profile_shelf import MAX_INSTALLED, ProfileShelf
from lab.phone.kept import Kept
from lab.pki.authority import Authority
from lab.pki.hierarchy import LabPki

PROXY = proxy_profile(Endpoint("127.0.0.1", 8080))


def shelf(folder: Path, *, supervised: bool = True) -> ProfileShelf:
    return ProfileShelf(Kept(folder / "state.db"), lambda: None, supervised=supervised)


def trusted(of: ProfileShelf) -> list[bytes]:
    return [root.der for root in of.roots() if root.trusted]


def test_a_root_that_its_user_installed_counts_only_once_it_is_switched_on(
    tmp_path: Path, pki: LabPki
) -> None:
    profiles = shelf(tmp_path, supervised=False)
    profiles.offer(root_profile(pki.user_root.der).content)
    assert profiles.roots() == ()
    profiles.install_waiting()
    assert trusted(profiles) == []
    (root,) = profiles.roots()
    profiles.switch(root.sha256, trusted=True)
    assert trusted(profiles) == [pki.user_root.der]
    profiles.switch(root.sha256, trusted=False)
    assert trusted(profiles) == []


def test_a_root_that_came_silently_counts_at_once(tmp_path: Path, pki: LabPki) -> None:
    profiles = shelf(tmp_path)
    profiles.install(root_profile(pki.user_root.der).content)
    assert trusted(profiles) == [pki.user_root.der]


def test_on_a_supervised_phone_too_its_user_has_to_switch_it_on(
    tmp_path: Path, pki: LabPki
) -> None:
    profiles = shelf(tmp_path)
    profiles.offer(root_profile(pki.user_root.der).content)
    profiles.install_waiting()
    assert trusted(profiles) == []


def test_a_root_that_comes_again_has_to_be_switched_on_again(tmp_path: Path, pki: LabPki) -> None:
    profiles = shelf(tmp_path, supervised=False)
    made = root_profile(pki.user_root.der)
    for _ in range(2):
        profiles.offer(made.content)
        profiles.install_waiting()
        assert trusted(profiles) == []
        profiles.switch(profiles.roots()[0].sha256, trusted=True)
        profiles.remove(made.identifier)
        assert profiles.roots() == ()


def test_a_root_that_nobody_brought_cannot_be_switched_on(tmp_path: Path, pki: LabPki) -> None:
    profiles = shelf(tmp_path)
    profiles.switch("00" * 32, trusted=True)
    profiles.install(root_profile(pki.user_root.der).content)
    assert trusted(profiles) == [pki.user_root.der]


def test_a_global_proxy_needs_supervision(tmp_path: Path) -> None:
    with pytest.raises(BadProfile, match="supervised"):
        shelf(tmp_path, supervised=False).offer(PROXY.content)
    profiles = shelf(tmp_path / "other")
    profiles.offer(PROXY.content)
    profiles.install_waiting()
    assert [p.identifier for p in profiles.installed] == [PROXY.identifier]


def test_one_global_proxy_is_all_and_the_same_one_replaces_itself(tmp_path: Path) -> None:
    profiles = shelf(tmp_path)
    profiles.install(PROXY.content)
    profiles.install(proxy_profile(Endpoint("127.0.0.1", 9090)).content)
    (installed,) = profiles.installed
    assert installed.proxy is not None
    assert installed.proxy.endpoint == Endpoint("127.0.0.1", 9090)
    other = PROXY.content.replace(b"test.trustpin-lab.proxy", b"com.example.proxy")
    with pytest.raises(BadProfile, match="Only one"):
        profiles.install(other)


def test_what_is_installed_outlives_the_process_and_what_waits_does_not(
    tmp_path: Path, pki: LabPki
) -> None:
    profiles = shelf(tmp_path)
    profiles.install(root_profile(pki.user_root.der).content)
    profiles.offer(root_profile(pki.rogue_root.der).content)
    profiles.install_waiting()
    profiles.offer(PROXY.content)
    again = shelf(tmp_path)
    assert again.installed == profiles.installed
    assert again.roots() == profiles.roots()
    assert trusted(again) == [pki.user_root.der]
    assert again.waiting is None


def test_the_latest_profile_waits_until_it_is_installed_or_dropped(
    tmp_path: Path, pki: LabPki
) -> None:
    profiles = shelf(tmp_path)
    profiles.offer(PROXY.content)
    profiles.offer(root_profile(pki.user_root.der).content)
    assert profiles.install_waiting().roots == (pki.user_root.der,)
    with pytest.raises(BadProfile, match="no profile to install"):
        profiles.install_waiting()
    profiles.offer(PROXY.content)
    profiles.drop_waiting()
    with pytest.raises(BadProfile, match="no profile to install"):
        profiles.install_waiting()


def test_what_cannot_be_removed_stays(tmp_path: Path, pki: LabPki) -> None:
    profiles = shelf(tmp_path)
    made = root_profile(pki.user_root.der)
    key = b"<key>PayloadRemovalDisallowed</key>\n\t<false/>"
    assert key in made.content
    profiles.install(made.content.replace(key, key.replace(b"false", b"true")))
    with pytest.raises(BadProfile, match="cannot be removed"):
        profiles.remove(made.identifier)
    with pytest.raises(BadProfile, match="not installed"):
        profiles.remove("another")
    assert len(profiles.installed) == 1


def test_there_is_room_for_so_many(tmp_path: Path) -> None:
    profiles = shelf(tmp_path)
    content = root_profile(Authority.root("Some CA").der).content
    for number in range(MAX_INSTALLED):
        profiles.install(content.replace(b"test.trustpin-lab.root", b"p%d.root" % number))
    with pytest.raises(BadProfile, match="Too many"):
        profiles.install(content)


def test_what_somebody_else_kept_is_left_out(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state.db")
    kept.set("profiles", ["AAAA", 5, "no base64"])
    kept.set("trusted roots", [5, "x"])
    profiles = ProfileShelf(kept, lambda: None, supervised=True)
    assert profiles.installed == ()
    assert profiles.roots() == ()
