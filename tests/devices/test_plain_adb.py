"""What anybody can do to the virtual phone with plain adb: the lab's provider has no part in it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from appium.webdriver.webdriver import WebDriver

from lab.apps.browser_android import AndroidBrowser
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.catalogue.hosts import HOST
from lab.catalogue.make import terminate
from lab.devices.adb_server import AdbServer
from lab.devices.android.appium_sessions import direct
from lab.model.device import Surroundings
from lab.model.outcome import Answer, ErrorKind
from lab.model.serving import HostPlan
from lab.model.wire import WireClass
from lab.pki.credential import Credential
from lab.pki.store_names import subject_hash_old
from lab.trial.bench import Bench
from lab.trial.seat import arming
from tests.boundary.standing import Standing, standing_phone
from tests.devices.appium_rig import start_adb

pytestmark = pytest.mark.whole

URL = f"https://{HOST}/"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def bench(stack: ExitStack, tmp_path: Path) -> Bench:
    return stack.enter_context(Bench(tmp_path / "bench"))


@pytest.fixture
def around(bench: Bench) -> Surroundings:
    return bench.engine.attach("plain")


@pytest.fixture
def phone(stack: ExitStack, bench: Bench, tmp_path: Path) -> Standing:
    """A phone of Android 13, whose system partition can be written to once it is remounted."""
    factory = tmp_path / "factory.pem"
    factory.write_text(ssl.DER_cert_to_PEM_cert(bench.pki.public_root.der))
    options = {"android": "13", "root": "adbd", "factory": str(factory)}
    return stack.enter_context(standing_phone(tmp_path / "phone", **options))


@pytest.fixture
def adb(stack: ExitStack, phone: Standing, tmp_path: Path) -> AdbServer:
    server = start_adb(tmp_path / "adb")
    stack.callback(server.close)
    server.connect(str(phone.adb))
    return server


@pytest.fixture
def driver(stack: ExitStack, phone: Standing) -> WebDriver:
    driving = direct(None, f"http://127.0.0.1:{phone.process.port}", lambda: None, 15.0)
    driving.begin()
    stack.callback(driving.end, lost=False)
    return driving.driver


def say(adb: AdbServer, *words: str) -> str:
    code, told = adb.run(*words)
    assert code == 0, told
    return told


def arm(bench: Bench, credential: Credential) -> int:
    plans = {HOST: HostPlan(terminate(credential))}
    return bench.engine.arm("plain", arming("plain adb", plans))


def classes(bench: Bench, number: int) -> list[WireClass]:
    records = bench.engine.settle("plain", number)
    return [record.wire_class for record in records if record.host == HOST]


def test_the_proxy_setting_moves_the_apps_traffic(
    bench: Bench, around: Surroundings, adb: AdbServer, driver: WebDriver
) -> None:
    say(adb, "shell", "settings", "put", "global", "http_proxy", str(around.proxy))
    browser = AndroidBrowser(driver)
    number = arm(bench, bench.pki.genuine(HOST))
    assert browser.open(URL, careless=False).answer is Answer.ACCEPTED
    assert classes(bench, number) == [WireClass.INTERCEPTED]
    # Without it the phone is on a network that leads nowhere.
    say(adb, "shell", "settings put global http_proxy :0; settings delete global http_proxy")
    number = arm(bench, bench.pki.genuine(HOST))
    assert browser.open(URL, careless=False).kinds == {ErrorKind.NETWORK}
    assert classes(bench, number) == []


def test_a_ca_pushed_into_the_system_store_fools_the_browser_and_not_the_pinned_app(
    bench: Bench, around: Surroundings, adb: AdbServer, driver: WebDriver, tmp_path: Path
) -> None:
    say(adb, "shell", "settings", "put", "global", "http_proxy", str(around.proxy))
    app, browser = TrustPinAndroidApp(driver), AndroidBrowser(driver)
    setup = bench.app_setup("standard")
    bench.publisher.publish(setup.configuration)
    arm(bench, bench.pki.genuine(HOST))
    app.start(fresh=True)
    assert app.set_up(setup).answer is Answer.ACCEPTED
    assert app.request(URL).answer is Answer.ACCEPTED

    forged = bench.pki.compromised.issue(HOST)
    number = arm(bench, forged)
    assert browser.open(URL, careless=False).kinds == {ErrorKind.CHAIN}
    assert WireClass.INTERCEPTED not in classes(bench, number)

    root = bench.pki.compromised_root
    file = tmp_path / "ca.pem"
    file.write_text(ssl.DER_cert_to_PEM_cert(root.der))
    target = f"/system/etc/security/cacerts/{subject_hash_old(root.certificate)}.0"
    code, told = adb.run("push", str(file), target)
    assert code != 0, "the system partition can be written to before it is remounted"
    assert "Read-only file system" in told
    say(adb, "root")
    say(adb, "remount")
    say(adb, "push", str(file), target)

    number = arm(bench, forged)
    assert browser.open(URL, careless=False).answer is Answer.ACCEPTED
    assert WireClass.INTERCEPTED in classes(bench, number)
    number = arm(bench, forged)
    app.come_back()
    outcome = app.request(URL)
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.PIN}
    assert classes(bench, number) == [WireClass.ESTABLISHED_ZERO_APPDATA]
