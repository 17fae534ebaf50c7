"""Tools that were written for real iPhones: libimobiledevice's, and go-ios."""

from __future__ import annotations

import json
import os
import platform
import plistlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PBES,
    serialize_key_and_certificates,
)

from lab.phone.ios.lockdown import Consent
from lab.phone.ios.services.afc_files import MEDIA
from tests.patience import CAP, eventually
from tests.phone.ios.cable import UDID, Cable
from tests.phone.ios.plugged import PlugIn
from tests.phone.ios.signers import Signer, make_signer

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[4]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PASSWORD = "secret"
PROFILE = plistlib.dumps(
    {
        "PayloadType": "Configuration",
        "PayloadIdentifier": "test.lab.ca",
        "PayloadUUID": "8B2D7E1E-0000-4000-8000-000000000001",
        "PayloadVersion": 1,
        "PayloadDisplayName": "Lab CA",
        "PayloadContent": [],
    }
)
LIMIT = 60
"""Seconds for a tool to be done; it is far less."""

Tool = Callable[..., str]


def environment(cable: Cable, home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), **cable.environment}


@pytest.fixture
def idevice(cable: Cable, tmp_path: Path) -> Tool:
    """Runs one of libimobiledevice's tools."""
    if shutil.which("idevice_id") is None:
        pytest.skip("needs libimobiledevice-utils")

    def run(*command: str, code: int = 0) -> str:
        ran = subprocess.run(
            command,
            env=environment(cable, tmp_path),
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return (ran.stdout + ran.stderr).strip()

    return run


def go_ios_or_skip() -> Path:
    """Return the program; skip the test where it is not there."""
    architecture = ARCHITECTURES.get(platform.machine(), "")
    folder = ROOT / "node_modules" / "go-ios" / "dist"
    program = folder / f"go-ios-linux-{architecture}_linux_{architecture}" / "ios"
    if not program.is_file():
        pytest.skip("needs go-ios from npm")
    return program


@pytest.fixture(scope="session")
def go_ios() -> Path:
    return go_ios_or_skip()


@pytest.fixture(scope="module")
def supervisor() -> Signer:
    return make_signer("Supervisor", rsa.generate_private_key(65537, 2048))


@pytest.fixture
def supervised(plug_in: PlugIn, supervisor: Signer) -> Cable:
    return plug_in(supervisors=[supervisor.der])


@pytest.fixture
def ios(go_ios: Path, supervised: Cable, tmp_path: Path) -> Tool:
    """Runs go-ios on a supervised phone."""

    def run(*arguments: str, code: int = 0) -> str:
        ran = subprocess.run(
            [go_ios, *arguments],
            env=environment(supervised, tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout

    return run


@contextmanager
def running(
    *command: str | Path, env: dict[str, str], cwd: Path
) -> Iterator[subprocess.Popen[str]]:
    """A tool that goes on until it is told to end."""
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(CAP)
            finally:
                process.kill()


def test_libimobiledevice_knows_the_phone(idevice: Tool, cable: Cable) -> None:
    assert idevice("idevice_id", "-l") == UDID
    assert idevice("idevicepair", "validate") == f"SUCCESS: Validated pairing with device {UDID}"
    told = dict(line.split(": ", 1) for line in idevice("ideviceinfo").splitlines())
    assert (told["ProductType"], told["SerialNumber"]) == ("iPhone15,4", "F2LVIRTUAL01")
    assert told["TimeZoneOffsetFromUTC"] == "3600.000000"
    assert "SerialNumber" not in idevice("ideviceinfo", "--simple")
    assert idevice("ideviceinfo", "-u", UDID, "-k", "ProductVersion") == "18.5"
    assert idevice("ideviceinfo", "-q", "com.apple.mobile.battery", "-k", "BatteryIsCharging")
    assert "UTC" in idevice("idevicedate")
    assert idevice("idevicename", "Lab")
    assert (idevice("idevicename"), cable.handset.name) == ("Lab", "Lab")
    assert "0 provisioning profiles" in idevice("ideviceprovision", "list")
    battery = idevice("idevicediagnostics", "diagnostics", "GasGauge")
    assert "BatteryCurrentCapacity" in battery


def test_libimobiledevice_pairs(idevice: Tool, cable: Cable) -> None:
    assert idevice("idevicepair", "unpair").startswith("SUCCESS")
    cable.lockdownd.consent = Consent.WAIT
    asked = idevice("idevicepair", "validate", code=1)
    assert "accept the trust dialog" in asked
    cable.lockdownd.consent = Consent.REFUSE
    assert "denied the trust dialog" in idevice("idevicepair", "pair", code=1)
    cable.lockdownd.consent = Consent.ACCEPT
    assert idevice("idevicepair", "pair").startswith("SUCCESS: Paired")
    assert idevice("ideviceinfo", "-k", "SerialNumber") == "F2LVIRTUAL01"


def test_libimobiledevice_reads_the_log(idevice: Tool, cable: Cable, tmp_path: Path) -> None:
    env = environment(cable, tmp_path)
    with running("idevicesyslog", "--no-colors", env=env, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert cable.handset.logcat.awaited.wait(LIMIT)
        cable.handset.logcat.write(cable.handset.now(), "TestApp(CFNetwork)", "ERROR", "over", 412)
        said = ""
        while "TestApp" not in said:
            said = process.stdout.readline()
            assert said
        assert said.strip().endswith("TestApp(CFNetwork)[412] <Error>: over")


def test_go_ios_knows_the_phone(ios: Tool) -> None:
    # Side by side: it takes a while to start.
    with ThreadPoolExecutor() as pool:
        listed, about, apps = (
            json.loads(each)
            for each in pool.map(
                lambda words: ios(*words), [("list",), ("info",), ("apps", "--all")]
            )
        )
    assert listed == {"deviceList": [UDID]}
    assert (about["UniqueDeviceID"], about["ProductVersion"]) == (UDID, "18.5")
    assert {app["CFBundleIdentifier"] for app in apps} == {
        "cloud.trustpin.TestApp",
        "com.apple.mobilesafari",
    }


def test_go_ios_installs_profiles(
    ios: Tool, supervised: Cable, supervisor: Signer, tmp_path: Path
) -> None:
    (tmp_path / "ca.mobileconfig").write_bytes(PROFILE)
    profiles = supervised.handset.management
    ios("profile", "add", "ca.mobileconfig")
    assert plistlib.loads(profiles.waiting or b"") == plistlib.loads(PROFILE)
    assert profiles.by_id == {}
    pack(tmp_path / "own.p12", supervisor)
    own = ("--p12file=own.p12", f"--password={PASSWORD}")
    ios("profile", "add", "ca.mobileconfig", *own)
    (listed,) = json.loads(ios("profile", "list"))
    assert (listed["Identifier"], listed["Manifest"]["IsActive"]) == ("test.lab.ca", True)
    ios("httpproxy", "127.0.0.1", "8888", *own)
    assert len(profiles.by_id) == 2


def test_go_ios_is_refused_without_the_supervisors_key(
    ios: Tool, supervised: Cable, supervisor: Signer, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    stranger = make_signer("Supervisor", key, supervisor.certificate.serial_number)
    pack(tmp_path / "other.p12", stranger)
    other = ("--p12file=other.p12", f"--password={PASSWORD}")
    ios("httpproxy", "127.0.0.1", "8888", *other, code=1)
    assert supervised.handset.management.by_id == {}


def test_go_ios_brings_a_file(ios: Tool, supervised: Cable, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "a.bin").write_bytes(content)
    ios("fsync", "push", "--srcPath=a.bin", "--dstPath=/Downloads/a.bin")
    assert supervised.handset.files.read(f"{MEDIA}/Downloads/a.bin") == content


def test_go_ios_captures(go_ios: Path, cable: Cable, tmp_path: Path) -> None:
    env = environment(cable, tmp_path)
    frames = cable.handset.frames
    with running(go_ios, "pcap", env=env, cwd=tmp_path):
        assert frames.awaited.wait(LIMIT)
        made = frames.opened(("192.0.2.7", 1), ("192.0.2.1", 80), process="TestApp", pid=412)
        made.sent(b"GET /captured HTTP/1.1\r\n\r\n")
        sizes = [len(frame.content) for frame in frames.since(0, 0)[1]]
        size = 24 + sum(16 + each for each in sizes)
        assert eventually(
            lambda: sum(each.stat().st_size for each in tmp_path.glob("*.pcap")) == size
        )
    (capture,) = tmp_path.glob("*.pcap")
    assert b"GET /captured" in capture.read_bytes()


def pack(path: Path, signer: Signer) -> None:
    """Write a p12 file as go-ios reads it: with the algorithms of long ago."""
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(SHA1())
        .build(PASSWORD.encode())
    )
    path.write_bytes(
        serialize_key_and_certificates(b"lab", signer.key, signer.certificate, None, encryption)
    )
