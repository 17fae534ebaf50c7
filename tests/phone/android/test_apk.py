from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.android.apk import BadApk, Manifest, build, read_manifest
from lab.phone.android.axml import Element
from lab.phone.android.axml_writer import write

MANIFEST = Manifest(
    "com.acme.shop",
    5 << 32 | 7,
    "1.0 ü",
    ("com.acme.shop.Main", "com.other.Screen"),
    "com.acme.shop.Main",
    (("com.acme.shop.Runner", "com.acme.target"),),
    26,
    34,
)
REAL = Path(__file__).parents[3] / "node_modules"


def write_apk(path: Path, content: bytes, name: str = "AndroidManifest.xml") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path


def test_what_is_built_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.apk"
    file.write_bytes(build(MANIFEST))
    assert read_manifest(file) == MANIFEST
    assert build(MANIFEST) == build(MANIFEST)


@pytest.mark.skipif(shutil.which("aapt") is None, reason="no aapt to compare with")
def test_what_is_built_is_an_apk_to_others(tmp_path: Path) -> None:
    file = tmp_path / "a.apk"
    file.write_bytes(build(MANIFEST))
    told = subprocess.run(
        ["aapt", "dump", "badging", str(file)], capture_output=True, text=True, check=True
    ).stdout
    assert "package: name='com.acme.shop' versionCode='7' versionName='1.0 ü'" in told
    assert "launchable-activity: name='com.acme.shop.Main'" in told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "settings_apk-debug.apk",
            ("io.appium.settings", "io.appium.settings.Settings", ()),
        ),
        ("appium-uiautomator2-server-v*.apk", ("io.appium.uiautomator2.server", "", ())),
        (
            "appium-uiautomator2-server-debug-androidTest.apk",
            (
                "io.appium.uiautomator2.server.test",
                "",
                (("androidx.test.runner.AndroidJUnitRunner", "io.appium.uiautomator2.server"),),
            ),
        ),
    ],
)
def test_real_ones(name: str, expected: tuple[str, str, tuple[tuple[str, str], ...]]) -> None:
    found = sorted(REAL.glob(f"appium-uiautomator2-driver/**/apks/{name}"))
    if not found:
        pytest.skip("Appium's packages are not installed")
    manifest = read_manifest(found[0])
    assert (manifest.package, manifest.launcher, manifest.instrumentations) == expected


def manifest_of(package: str, *children: Element, **attributes: str | int) -> bytes:
    return write(Element("manifest", {"package": package, **attributes}, list(children)))


def launched(name: str, kind: str = "activity") -> Element:
    main = Element("action", {"name": "android.intent.action.MAIN"})
    shown = Element("category", {"name": "android.intent.category.LAUNCHER"})
    return Element(kind, {"name": name}, [Element("intent-filter", {}, [main, shown])])


@pytest.mark.parametrize(
    ("name", "full"),
    [(".Main", "a.b.Main"), ("Main", "a.b.Main"), ("c.Main", "c.Main"), ("a.b.In$er", "a.b.In$er")],
)
def test_names_of_activities(tmp_path: Path, name: str, full: str) -> None:
    for kind in ("activity", "activity-alias"):
        application = Element("application", {}, [launched(name, kind)])
        found = read_manifest(write_apk(tmp_path / "a", manifest_of("a.b", application)))
        assert (found.activities, found.launcher) == ((full,), full)


def test_little_is_needed(tmp_path: Path) -> None:
    found = read_manifest(write_apk(tmp_path / "a", manifest_of("a.b", versionName="1\n2")))
    assert found == Manifest("a.b", 0, "1?2")


def archive_with(*entries: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return content.getvalue()


def encrypted() -> bytes:
    made = bytearray(build(MANIFEST))
    # The flag of encryption, in both headers of the only file.
    made[6] |= 1
    made[made.rindex(b"PK\1\2") + 8] |= 1
    return bytes(made)


END = struct.Struct("<4sHHHHIIH")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "NOT_APK"),
        (b"hello", "NOT_APK"),
        (build(MANIFEST)[:-10], "NOT_APK"),
        (build(MANIFEST)[40:], "NOT_APK"),
        (encrypted(), "NOT_APK"),
        (END.pack(b"PK\5\6", 0, 0, 1, 1, 2**31, 0, 0), "NOT_APK"),
        (b"PK\6\7" + bytes(16) + END.pack(b"PK\5\6", 0, 0, 1, 1, 5, 0, 0), "NOT_APK"),
        (archive_with(("classes.dex", b"")), "BAD_MANIFEST"),
        (archive_with(("AndroidManifest.xml", b"<manifest/>")), "BAD_MANIFEST"),
        (archive_with(("AndroidManifest.xml", write(Element("resources")))), "BAD_MANIFEST"),
        (archive_with(("AndroidManifest.xml", bytes(5 << 20))), "BAD_MANIFEST"),
        (archive_with(("AndroidManifest.xml", manifest_of("nodots"))), "BAD_PACKAGE_NAME"),
        (archive_with(("AndroidManifest.xml", manifest_of("../../etc"))), "BAD_PACKAGE_NAME"),
        (archive_with(("AndroidManifest.xml", manifest_of("a." + "b" * 300))), "BAD_PACKAGE_NAME"),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "a.apk"
    file.write_bytes(content)
    with pytest.raises(BadApk, match=f"INSTALL_PARSE_FAILED_{code}: "):
        read_manifest(file)


def test_the_list_of_files_has_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.apk"
    file.write_bytes(build(MANIFEST))
    monkeypatch.setattr("lab.phone.archive.MAX_DIRECTORY", 10)
    with pytest.raises(BadApk, match="NOT_APK: the archive has too many files"):
        read_manifest(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadApk, match="NOT_APK"):
        read_manifest(tmp_path / "none")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_nothing_but_a_complaint_comes_of_damage(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    made = bytearray(build(MANIFEST))
    for at, value in changes:
        made[at % len(made)] = value
    file = tmp_path / "damaged.apk"
    file.write_bytes(made)
    with suppress(BadApk):
        assert read_manifest(file).package.count(".") > 0
