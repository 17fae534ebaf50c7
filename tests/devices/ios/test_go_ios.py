"""go-ios hands profiles over, to a virtual iPhone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.devices.android.appium_sessions import PROJECT
from lab.devices.android.link import CommandRefused
from lab.devices.ios.go_ios import add_profile, find_go_ios
from lab.model.device import Endpoint
from lab.network.mobileconfig import proxy_profile
from tests.devices.ios.rig import Rig

GO_IOS = find_go_ios(PROJECT, os.environ)
PASSWORD = "secret"

needs_go_ios = pytest.mark.skipif(GO_IOS is None, reason="go-ios is not installed (npm ci)")


@needs_go_ios
def test_a_supervisors_profile_is_installed_silently(desk: Rig, tmp_path: Path) -> None:
    assert GO_IOS is not None
    made = proxy_profile(Endpoint("127.0.0.1", 8080))
    file = tmp_path / "proxy.mobileconfig"
    file.write_bytes(made.content)
    p12 = legacy_p12(desk, tmp_path)
    hand = {"udid": desk.state.udid, "usbmuxd": desk.usbmux.address}
    add_profile(GO_IOS, file, **hand, p12=p12, password=PASSWORD)
    try:
        assert desk.state.network.settings.http_proxy == Endpoint("127.0.0.1", 8080)
    finally:
        desk.state.management.remove(made.identifier)


@needs_go_ios
def test_what_goes_wrong_is_told(desk: Rig, tmp_path: Path) -> None:
    assert GO_IOS is not None
    with pytest.raises(CommandRefused, match="go-ios ended with exit code"):
        add_profile(
            GO_IOS,
            tmp_path / "nothing",
            udid=desk.state.udid,
            usbmuxd=desk.usbmux.address,
            p12=None,
            password="",
        )


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "ios").write_text("no program")
    with pytest.raises(CommandRefused, match="cannot be run"):
        add_profile(tmp_path / "ios", tmp_path, udid="x", usbmuxd="y", p12=None, password="")


def test_the_users_own_goes_first(tmp_path: Path) -> None:
    (tmp_path / "ios").write_text("")
    (tmp_path / "ios").chmod(0o700)
    assert find_go_ios(tmp_path, {"PATH": str(tmp_path)}) == tmp_path / "ios"
    assert find_go_ios(tmp_path, {"PATH": ""}) is None


def legacy_p12(desk: Rig, folder: Path) -> Path:
    """Return the supervisor's identity in a form that go-ios reads."""
    assert desk.supervisor is not None
    key = desk.supervisor.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = folder / "identity.pem"
    pem.write_bytes(desk.supervisor.certificate.public_bytes(Encoding.PEM) + key)
    file = folder / "identity.p12"
    command = ["openssl", "pkcs12", "-export", "-legacy", "-in", str(pem), "-out", str(file)]
    subprocess.run([*command, "-passout", f"pass:{PASSWORD}"], check=True, capture_output=True)
    return file
