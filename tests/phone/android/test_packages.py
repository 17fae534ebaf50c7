from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone import app_view, browser
from lab.phone.android.apk import Manifest, build
from lab.phone.android.background import APPIUM, SERVER
from lab.phone.android.package_index import INDEX
from lab.phone.android.packages import InstallFailed, Package, Packages
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.patience import CAP
from tests.phone.scripted import ScriptedSdk, make_phone

SAMPLE, BROWSER = app_view.PACKAGE, browser.PACKAGE
OTHER = Manifest("com.acme.other", 3, "3.0", ("com.acme.other.Main",), "com.acme.other.Main")


@pytest.fixture
def packages(phone: PhoneState, screen: Screen) -> Packages:
    return Packages(phone, screen, sdk=34)


def install(packages: Packages, manifest: Manifest, *, downgrade: bool = False) -> Package:
    with packages.arriving() as apk:
        apk.write_bytes(build(manifest))
        return packages.install(apk, downgrade=downgrade)


def names(packages: Packages) -> list[str]:
    return [package.name for package in packages.all()]


def version(screen: Screen, package: str) -> str:
    return dict(screen.packages)[package]


def test_what_a_phone_comes_with(packages: Packages, screen: Screen) -> None:
    assert names(packages) == [SAMPLE, BROWSER, "com.android.settings"]
    assert sorted(dict(screen.packages)) == names(packages)
    sample, of_system = packages.get(SAMPLE), packages.get(BROWSER)
    assert sample is not None
    assert of_system is not None
    assert (sample.path, sample.system) == (f"/data/app/{SAMPLE}/base.apk", False)
    assert (of_system.path, of_system.system) == (f"/system/app/{BROWSER}/base.apk", True)
    assert sample.manifest.launcher == f"{SAMPLE}.MainActivity"
    assert sample.uid != of_system.uid
    assert packages.uid("com.android.settings") == 1000


def test_installing(packages: Packages, phone: PhoneState) -> None:
    made = install(packages, OTHER)
    assert packages.get(OTHER.package) == made
    assert made.manifest == OTHER
    assert phone.files.read(made.path) == build(OTHER)
    assert 10_100 <= made.uid < 20_000
    newer = install(packages, replace(OTHER, version_code=4))
    assert (newer.uid, newer.manifest.version_code) == (made.uid, 4)
    folder = phone.files.names("/data/app")
    assert not [name for name in folder if name.startswith("vmdl")]


def test_going_back_to_an_older_version(packages: Packages) -> None:
    install(packages, OTHER)
    older = replace(OTHER, version_code=2)
    with pytest.raises(InstallFailed, match=r"INSTALL_FAILED_VERSION_DOWNGRADE: .* 2 .* 3$"):
        install(packages, older)
    assert packages.get(OTHER.package) is not None
    assert install(packages, older, downgrade=True).manifest == older


def test_what_cannot_be_installed(packages: Packages, monkeypatch: pytest.MonkeyPatch) -> None:
    before = names(packages)
    with packages.arriving() as apk:
        apk.write_bytes(b"no APK")
        with pytest.raises(InstallFailed, match="INSTALL_PARSE_FAILED_NOT_APK: "):
            packages.install(apk)
    with pytest.raises(InstallFailed, match=r"OLDER_SDK: .*#35 \(current version is #34\)"):
        install(packages, replace(OTHER, min_sdk=35))
    monkeypatch.setattr("lab.phone.android.packages.MAX_PACKAGES", len(before))
    with pytest.raises(InstallFailed, match="INSUFFICIENT_STORAGE"):
        install(packages, OTHER)
    assert names(packages) == before


def test_uninstalling(packages: Packages, phone: PhoneState) -> None:
    made = install(packages, OTHER)
    phone.files.write(f"{made.storage}/a", b"1")
    packages.uninstall(OTHER.package, keep_data=True)
    assert packages.get(OTHER.package) is None
    assert not phone.files.exists(made.path)
    assert phone.files.exists(f"{made.storage}/a")
    assert install(packages, OTHER).uid == made.uid
    packages.uninstall(OTHER.package)
    assert not phone.files.exists(made.storage)
    with pytest.raises(InstallFailed, match="DELETE_FAILED_INTERNAL_ERROR"):
        packages.uninstall(OTHER.package)


def test_the_sample_app_comes_and_goes(packages: Packages, screen: Screen) -> None:
    before = packages.all()
    screen.launch(SAMPLE)
    packages.uninstall(SAMPLE)
    assert not screen.running(SAMPLE)
    assert screen.foreground is None
    assert SAMPLE not in dict(screen.packages)
    with pytest.raises(ValueError, match="no activity"):
        screen.launch(SAMPLE)
    manifest = next(package.manifest for package in before if package.name == SAMPLE)
    install(packages, manifest)
    assert [replace(p, updated=0) for p in packages.all()] == [
        replace(p, updated=0) for p in before
    ]
    screen.launch(SAMPLE)
    assert screen.running(SAMPLE)


def test_an_apk_of_a_built_in_app_changes_what_is_shown(packages: Packages, screen: Screen) -> None:
    screen.launch(SAMPLE)
    first = screen.process(SAMPLE)
    install(packages, Manifest(SAMPLE, 7, "2.5", (f"{SAMPLE}.Else",), f"{SAMPLE}.Else"))
    assert version(screen, SAMPLE) == "2.5"
    assert not screen.running(SAMPLE)
    screen.launch(f"{SAMPLE}/.MainActivity")
    assert type(screen.process(SAMPLE)) is type(first)


def test_updates_of_the_system_go_first(packages: Packages, screen: Screen) -> None:
    shipped = version(screen, BROWSER)
    with pytest.raises(InstallFailed, match="DELETE_FAILED_INTERNAL_ERROR"):
        packages.uninstall(BROWSER)
    install(packages, Manifest(BROWSER, 9, "9.9"))
    updated = packages.get(BROWSER)
    assert updated is not None
    assert (updated.system, version(screen, BROWSER)) == (True, "9.9")
    packages.uninstall(BROWSER)
    assert version(screen, BROWSER) == shipped
    assert packages.get(BROWSER) is not None
    with pytest.raises(InstallFailed):
        packages.uninstall(BROWSER)


def test_what_is_installed_outlives_a_restart(packages: Packages, phone: PhoneState) -> None:
    install(packages, Manifest("com.acme.first", 1, "1"))
    install(packages, OTHER)
    packages.uninstall("com.acme.first")
    packages.uninstall(SAMPLE)
    install(packages, Manifest(BROWSER, 9, "9.9"))
    before = packages.all()
    phone.files.make_folder("/data/app/vmdl123.tmp")
    screen = make_screen(phone, ScriptedSdk())
    again = Packages(phone, screen, sdk=34)
    assert again.all() == before
    assert SAMPLE not in dict(screen.packages)
    assert version(screen, BROWSER) == "9.9"
    assert not phone.files.exists("/data/app/vmdl123.tmp")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"came": 1, "uids": []}', b"\xff" * 50])
def test_an_index_that_is_damaged(phone: PhoneState, screen: Screen, content: bytes) -> None:
    Packages(phone, screen, sdk=34)
    phone.files.write(INDEX, content)
    phone.files.write("/data/app/com.acme.bad/base.apk", b"damaged")
    assert SAMPLE in names(Packages(phone, make_screen(phone, ScriptedSdk()), sdk=34))
    said = [line.message for line in phone.logcat.lines(("PackageManager",))]
    assert any(INDEX in message for message in said) or content == b"[]" or content.startswith(b"{")
    assert any("com.acme.bad" in message for message in said)


def test_folders_that_are_none(phone: PhoneState, screen: Screen) -> None:
    """Root may do that to a phone; it starts all the same."""
    for path in ("/data/app", "/data/system", "/system/app"):
        phone.files.host_path(path).parent.mkdir(parents=True, exist_ok=True)
        phone.files.host_path(path).write_bytes(b"in the way")
    packages = Packages(phone, screen, sdk=34)
    assert packages.all() == ()
    assert screen.packages == ()
    with pytest.raises(InstallFailed, match="INSUFFICIENT_STORAGE"):
        install(packages, OTHER)


def test_instrumentation(phone: PhoneState, screen: Screen) -> None:
    packages = Packages(phone, screen, sdk=34, shipped=APPIUM)
    runner = f"{SERVER}.test/androidx.test.runner.AndroidJUnitRunner"
    assert packages.runner(runner) == SERVER
    assert packages.runner(f"{SERVER}.test/Other") is None
    packages.uninstall(f"{SERVER}.test")
    assert packages.runner(runner) is None


def test_clearing(packages: Packages, phone: PhoneState, screen: Screen) -> None:
    screen.launch(SAMPLE)
    phone.files.write(f"/data/data/{SAMPLE}/a", b"1")
    packages.clear(SAMPLE)
    assert not screen.running(SAMPLE)
    assert not phone.files.exists(f"/data/data/{SAMPLE}/a")
    with pytest.raises(InstallFailed):
        packages.clear("no.such")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("iuc"), st.integers(0, 3), st.integers(1, 3))))
def test_any_order_equals_a_simple_model(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    phone = make_phone(tmp_path_factory.mktemp("phone"))
    screen = make_screen(phone, ScriptedSdk())
    packages = Packages(phone, screen, sdk=34)
    model = {package.name: package.manifest.version_code for package in packages.all()}
    some = [SAMPLE, "com.acme.a", "com.acme.b", "com.acme.c"]
    for action, which, code in steps:
        name = some[which]
        allowed = code >= model.get(name, 0) if action == "i" else name in model
        try:
            if action == "i":
                install(packages, Manifest(name, code, str(code)))
                model[name] = code
            elif action == "u":
                packages.uninstall(name)
                del model[name]
            else:
                packages.clear(name)
            assert allowed
        except InstallFailed:
            assert not allowed
        found = {package.name: package.manifest.version_code for package in packages.all()}
        assert found == model
        assert (SAMPLE in dict(screen.packages)) == (SAMPLE in model)
    again = Packages(phone, make_screen(phone, ScriptedSdk()), sdk=34)
    assert {p.name: p.manifest.version_code for p in again.all()} == model
    screen.close()


def test_many_hands(packages: Packages) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for code in range(1, 6):
                install(packages, Manifest(f"com.acme.n{number}", code, "1"))
                packages.all()
            packages.uninstall(f"com.acme.n{number}")
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    hands = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(CAP)
    assert failures == []
    assert len(names(packages)) == 3
