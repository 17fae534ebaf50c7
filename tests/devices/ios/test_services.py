"""Profiles and apps over USB, on the real lower half of a virtual iPhone."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)

from lab.devices.android.link import CommandRefused
from lab.devices.ios import afc
from lab.devices.ios.apps import AppFacts, AppService, Build
from lab.devices.ios.facts import identify
from lab.devices.ios.profiles import ProfileService
from lab.devices.ios.sample_build import VERSION, sample_build
from lab.devices.ios.service import Service
from lab.devices.ios.supervision import Supervisor, read_supervisor
from lab.devices.iphone_models import TEST_APP
from lab.model.device import DeviceLost, Endpoint
from lab.network.mobileconfig import proxy_profile, root_profile
from lab.pki.hierarchy import LabPki
from tests.devices.ios.rig import Rig, iphone, make_supervisor
from tests.patience import CAP

PROXY = proxy_profile(Endpoint("127.0.0.1", 8080))


def test_its_supervisor_installs_and_removes_silently(desk: Rig, pki: LabPki) -> None:
    profiles = ProfileService(desk.reach)
    made = root_profile(pki.rogue_root.der)
    assert desk.supervisor is not None
    assert profiles.supervised()
    profiles.install(made.content, desk.supervisor)
    try:
        (installed,) = profiles.installed()
        assert (installed.identifier, installed.name) == (made.identifier, made.name)
        assert desk.state.trust_anchors(False) == (pki.rogue_root.der,)
    finally:
        profiles.remove(made.identifier)
    assert profiles.installed() == ()
    assert desk.state.trust_anchors(False) == ()
    profiles.remove(made.identifier)


def test_somebody_else_is_asked_to_leave(desk: Rig) -> None:
    with pytest.raises(CommandRefused, match="the iPhone refuses Escalate"):
        ProfileService(desk.reach).install(PROXY.content, make_supervisor())
    assert desk.state.profile_shelf.installed == ()


def test_without_supervision_a_profile_waits_for_its_user(tmp_path: Path, pki: LabPki) -> None:
    with iphone(tmp_path, supervised=False) as desk:
        profiles = ProfileService(desk.reach)
        assert not profiles.supervised()
        profiles.offer(root_profile(pki.rogue_root.der).content)
        assert profiles.installed() == ()
        desk.state.profiles.install_waiting()
        assert len(profiles.installed()) == 1
        with pytest.raises(CommandRefused, match="supervised"):
            profiles.offer(PROXY.content)


def test_what_is_no_profile_is_refused_in_its_own_words(desk: Rig) -> None:
    assert desk.supervisor is not None
    with pytest.raises(CommandRefused, match=r"InstallProfileSilent: .*invalid"):
        ProfileService(desk.reach).install(b"nothing", desk.supervisor)


def test_an_app_is_installed_replaced_and_removed(desk: Rig, tmp_path: Path) -> None:
    apps = AppService(desk.reach)
    assert apps.find(TEST_APP) == AppFacts(TEST_APP, VERSION, "1")
    apps.uninstall(TEST_APP)
    assert apps.find(TEST_APP) is None
    apps.uninstall(TEST_APP)
    for build in ("2", "1"):
        file = tmp_path / f"{build}.ipa"
        file.write_bytes(sample_build(build=build))
        apps.install(Build.read(file))
        assert apps.find(TEST_APP) == AppFacts(TEST_APP, VERSION, build)


def test_what_belongs_to_ios_is_not_removed(desk: Rig) -> None:
    with pytest.raises(CommandRefused, match="the iPhone refuses Uninstall"):
        AppService(desk.reach).uninstall("com.apple.mobilesafari")


def test_a_large_file_arrives_whole(desk: Rig) -> None:
    content = bytes(range(256)) * 3000
    afc.push(desk.reach, "PublicStaging/large", content)
    arrived = desk.state.files.read("/private/var/mobile/Media/PublicStaging/large")
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(content).digest()


def test_a_file_that_cannot_be_written(desk: Rig) -> None:
    afc.push(desk.reach, "PublicStaging/file", b"x")
    with pytest.raises(CommandRefused, match="does not open PublicStaging"):
        afc.push(desk.reach, "PublicStaging", b"x")


def test_a_build_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="cannot be read"):
        Build.read(tmp_path / "nothing.ipa")
    (tmp_path / "text.ipa").write_bytes(b"text")
    with pytest.raises(CommandRefused, match="no build of an app"):
        Build.read(tmp_path / "text.ipa")


def test_the_sample_build_is_the_same_each_time() -> None:
    assert sample_build() == sample_build()


def test_who_the_phone_is(desk: Rig) -> None:
    facts = identify(desk.reach, TEST_APP)
    assert (facts.udid, facts.name) == (desk.state.udid, "desk")
    assert (facts.product, facts.version, facts.build) == ("iPhone15,4", "18.5", "22F76")
    assert facts.supervised
    assert abs(facts.clock_offset) < 5
    assert facts.app == AppFacts(TEST_APP, VERSION, "1")
    assert identify(desk.reach, "com.example.nothing").app is None


@pytest.mark.parametrize("password", ["", "secret"])
def test_a_supervision_identity(tmp_path: Path, password: str) -> None:
    file, supervisor = written(tmp_path, password)
    read = read_supervisor(file, password)
    assert read.der == supervisor.der


def test_a_supervision_identity_that_cannot_be_read(tmp_path: Path) -> None:
    file, _ = written(tmp_path, "secret")
    with pytest.raises(DeviceLost, match=f"{file}: .*password") as failure:
        read_supervisor(file, "wrong guess")
    assert "wrong guess" not in str(failure.value)
    with pytest.raises(DeviceLost, match="cannot be read"):
        read_supervisor(tmp_path / "nothing", "")
    (tmp_path / "empty.p12").write_bytes(b"")
    with pytest.raises(DeviceLost, match="no PKCS #12"):
        read_supervisor(tmp_path / "empty.p12", "")
    bare = pkcs12.serialize_key_and_certificates(
        None, None, None, [make_supervisor().certificate], NoEncryption()
    )
    (tmp_path / "bare.p12").write_bytes(bare)
    with pytest.raises(DeviceLost, match="no certificate with"):
        read_supervisor(tmp_path / "bare.p12", "")


def written(folder: Path, password: str) -> tuple[Path, Supervisor]:
    supervisor = make_supervisor()
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    content = pkcs12.serialize_key_and_certificates(
        b"desk", supervisor.key, supervisor.certificate, None, encryption
    )
    file = folder / "identity.p12"
    file.write_bytes(content)
    return file, supervisor


def test_afc_that_is_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x" * 40)
        service = Service(ours, "com.apple.afc", cap=CAP)
        with pytest.raises(DeviceLost, match="own protocol"):
            afc._ask(service, 3, b"/\0")
