"""Apps: versions, starting and stopping, and how trouble is told."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from lab.devices.android.apps import (
    clear,
    is_running,
    read_packages,
    read_version,
    start,
    stop,
    trouble,
    uninstall,
)
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.logcat import log_line, log_moment, read_log
from lab.devices.android.packages import PackageItem, PackagesItem
from lab.devices.android.screen import screenshot
from tests.devices.android.rig import Rig
from tests.devices.android.scripted import Answer, ScriptedLink, answering

SAMPLE = "cloud.trustpin.android.sample"
OLD_APK, NEW_APK = b"the old APK", b"the new APK"


class Shop:
    """A model of a phone's package manager with one app."""

    def __init__(self) -> None:
        self.installed: bytes | None = None
        self.splits = 0
        self.others = ["com.acme.other", "io.appium.before"]
        self.link = ScriptedLink(self)

    def put(self, content: bytes | None) -> None:
        self.installed = content
        self.link.files = {} if content is None else {"/data/app/x/base.apk": content}

    def __call__(self, command: str) -> tuple[str, int] | str:
        if command.startswith("pm path"):
            if self.installed is None:
                return ("", 1)
            more = "".join(f"package:/data/app/x/split{n}.apk\n" for n in range(self.splits))
            return f"package:/data/app/x/base.apk\n{more}"
        if command.startswith("dumpsys package"):
            if self.installed is None:
                return ("", 1)
            code = 1 if self.installed == OLD_APK else 2
            return f"    versionCode={code} minSdk=1\n    versionName={code}.0\n"
        if command.startswith("pm uninstall"):
            package = command.split()[-1]
            if package in self.others:
                self.others.remove(package)
                return "Success\n"
            if self.installed is None:
                return ("Failure [DELETE_FAILED_INTERNAL_ERROR]\n", 1)
            self.put(None)
            return "Success\n"
        if command.startswith("pm list packages"):
            return "".join(f"package:{each}\n" for each in self.others)
        raise AssertionError(command)


class InstallingLink(ScriptedLink):
    """Lets ``install`` reach the model."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self._shop = shop

    def install(self, package: Path) -> None:
        if self._shop.installed is not None:
            raise CommandRefused("INSTALL_FAILED_VERSION_DOWNGRADE")
        self._shop.put(package.read_bytes())


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.link = InstallingLink(made)
    return made


def test_an_app_that_was_not_there_is_removed(shop: Shop, tmp_path: Path) -> None:
    item = PackageItem(shop.link, "com.acme", tmp_path)
    before = item.read()
    assert before is None
    shop.put(NEW_APK)
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert shop.installed is None


@pytest.mark.parametrize("meanwhile", [OLD_APK, NEW_APK, None])
def test_an_older_build_that_was_there_comes_back(
    shop: Shop, tmp_path: Path, meanwhile: bytes | None
) -> None:
    shop.put(OLD_APK)
    item = PackageItem(shop.link, "com.acme", tmp_path)
    before = item.read()
    assert before == {
        "version": "1.0",
        "code": 1,
        "apks": 1,
        "sha256": hashlib.sha256(OLD_APK).hexdigest(),
    }
    shop.put(meanwhile)
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert shop.installed == OLD_APK


def test_a_build_of_the_same_version_is_another_build(shop: Shop, tmp_path: Path) -> None:
    shop.put(NEW_APK)
    item = PackageItem(shop.link, "com.acme", tmp_path)
    before = item.read()
    shop.put(b"rebuilt")
    assert not item.same(before, item.read())
    item.put_back(before)
    assert shop.installed == NEW_APK


def test_what_was_not_kept_is_told_of(shop: Shop, tmp_path: Path) -> None:
    shop.put(OLD_APK)
    shop.splits = 2
    item = PackageItem(shop.link, "com.acme", tmp_path)
    before = item.read()
    assert list(tmp_path.iterdir()) == []
    shop.put(NEW_APK)
    shop.splits = 0
    with pytest.raises(CommandRefused, match=r"com.acme 1\.0 was installed.*by hand"):
        item.put_back(before)
    assert shop.installed == NEW_APK


def test_a_hash_is_no_path(shop: Shop, tmp_path: Path) -> None:
    item = PackageItem(shop.link, "com.acme", tmp_path)
    for digest in ("../../etc/passwd", "a" * 63, ".." * 32, 1):
        with pytest.raises(ValueError, match=r"hash|text"):
            item.put_back({"version": "1", "code": 1, "apks": 1, "sha256": digest})


@pytest.mark.parametrize("name", ["com", "com.acme; reboot", "", "com..acme", "a." + "b" * 300])
def test_what_is_no_package(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no app's package name"):
        PackageItem(ScriptedLink(answering({})), name, tmp_path)


def test_what_appium_brings_goes_again(shop: Shop) -> None:
    item = PackagesItem(shop.link)
    before = item.read()
    assert before == ["io.appium.before"]
    shop.others += ["io.appium.settings", "io.appium.uiautomator2.server", "com.acme.new"]
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert shop.others == ["com.acme.other", "io.appium.before", "com.acme.new"]


@pytest.mark.parametrize("prefix", ["", ".", "io", "a."])
def test_a_family_is_not_everything(prefix: str) -> None:
    with pytest.raises(ValueError, match="family"):
        PackagesItem(ScriptedLink(answering({})), prefix)


def test_an_app_that_does_not_go_is_told_of() -> None:
    link = ScriptedLink(answering({"pm uninstall": "Failure [DELETE_FAILED_DEVICE_POLICY]\n"}))
    with pytest.raises(CommandRefused, match="DELETE_FAILED_DEVICE_POLICY"):
        uninstall(link, "com.acme")


def test_an_app_is_started_stopped_and_cleared(any_link: AdbLink, rig: Rig) -> None:
    version = read_version(any_link, SAMPLE)
    assert version is not None
    assert version.name
    assert SAMPLE in read_packages(any_link)
    start(any_link, SAMPLE)
    assert is_running(any_link, SAMPLE)
    assert rig.screen.foreground is not None
    assert rig.screen.foreground.package == SAMPLE
    stop(any_link, SAMPLE)
    assert not is_running(any_link, SAMPLE)
    clear(any_link, SAMPLE)
    for act in (start, clear):
        with pytest.raises(CommandRefused):
            act(any_link, "no.such.app")


STARTS: dict[str, Answer] = {
    "no such activity": answering(
        {"am start": "Starting\nError type 3\nError: Activity class {a/b} does not exist.\n"}
    ),
    "not allowed": answering(
        {"am start": "Starting: Intent\njava.lang.SecurityException: Permission Denial\n"}
    ),
    "too late": answering({"am start": "Starting: Intent\nStatus: timeout\nActivity: a/.b\n"}),
    "failed": answering({"am start": ("Error: no\n", 1)}),
}


@pytest.mark.parametrize("name", STARTS)
def test_an_app_that_does_not_start(name: str) -> None:
    with pytest.raises(CommandRefused, match=r"a\.b|am start"):
        start(ScriptedLink(STARTS[name]), "a.b", ".Main")


CRASH = """--------- beginning of crash
11-25 10:00:01.123  4242  4242 E AndroidRuntime: FATAL EXCEPTION: main
11-25 10:00:01.123  4242  4242 E AndroidRuntime: Process: com.acme, PID: 4242
11-25 10:00:01.123  4242  4242 E AndroidRuntime: java.lang.IllegalStateException: no pins
11-25 10:00:01.124  4242  4242 E AndroidRuntime: \tat com.acme.Main.onCreate(Main.kt:7)
"""
TROUBLE = {
    CRASH: "com.acme crashed: .*java.lang.IllegalStateException: no pins",
    "11-25 10:00:01.1  1 1 E x: y\n"
    "11-25 10:00:09.000  1500  1611 E ActivityManager: ANR in com.acme (com.acme/.Main)\n": (
        "com.acme does not respond: ANR in com.acme"
    ),
    "11-25 10:00:09.000  1500  1611 I ActivityManager: Process com.acme (pid 42) has died\n": (
        "com.acme crashed: Process com.acme .* has died"
    ),
    "11-25 10:00:09.000  77  77 F DEBUG   : pid: 42, tid: 42, name: acme  >>> com.acme <<<\n": (
        "com.acme crashed: pid: 42"
    ),
}
CALM = [
    "",
    CRASH.replace("Process: com.acme,", "Process: com.acme.other,"),
    "11-25 10:00:09.000  1500  1611 E ActivityManager: ANR in com.other\n",
    "11-25 10:00:09.000  1500  1611 I ActivityManager: Process com.acme2 (pid 1) has died\n",
    "11-25 10:00:09.000  1  1 I Other: FATAL\n",
]


@pytest.mark.parametrize("log", TROUBLE)
def test_trouble_is_told_in_the_phones_words(log: str) -> None:
    told = trouble(ScriptedLink(answering({"logcat": log})), "com.acme", "11-25 10:00:00.000")
    assert told is not None
    assert re.match(TROUBLE[log], told)


@pytest.mark.parametrize("log", CALM)
def test_no_trouble_is_none(log: str) -> None:
    link = ScriptedLink(answering({"logcat": log}))
    assert trouble(link, "com.acme", "11-25 10:00:00.000") is None


def test_the_log_since_a_moment(any_link: AdbLink, rig: Rig) -> None:
    rig.phone.log("TrustPin", "INFO", "before")
    rig.phone.set_clock(rig.phone.now() + 10)
    since = log_moment(any_link)
    rig.phone.set_clock(rig.phone.now() + 10)
    rig.phone.log("TrustPin", "WARN", "after: it's here")
    rig.phone.log("Other", "INFO", "not asked for")
    (line,) = read_log(any_link, since, ["TrustPin"])
    assert (line.level, line.tag, line.message) == ("W", "TrustPin", "after: it's here")
    assert len(read_log(any_link, since, limit=1)) == 1


def test_lines_of_a_log() -> None:
    line = log_line("11-25 10:00:01.123  4242  4243 D Tag with blanks: message: with colon")
    assert line is not None
    assert (line.at, line.pid, line.level) == ("11-25 10:00:01.123", 4242, "D")
    assert (line.tag, line.message) == ("Tag with blanks", "message: with colon")
    for noise in ("", "--------- beginning of main", "\x00\x01", "11-25 10:00:01.123 x"):
        assert log_line(noise) is None


@pytest.mark.parametrize(
    ("since", "tags"),
    [("now", []), ("11-25 10:00:00.000'; reboot", []), ("11-25 10:00:00.000", ["a b"])],
)
def test_what_is_no_moment_and_no_tag(since: str, tags: list[str]) -> None:
    link = ScriptedLink(answering({}))
    with pytest.raises(ValueError, match="no "):
        read_log(link, since, tags)
    assert link.trips == 0


def test_a_screenshot(any_link: AdbLink) -> None:
    assert screenshot(any_link).startswith(b"\x89PNG")
    assert any_link.shell("ls /data/local/tmp") == ""


def test_a_screenshot_that_is_none() -> None:
    link = ScriptedLink(answering({"screencap": "", "rm": ""}))
    with pytest.raises(CommandRefused, match="reading"):
        screenshot(link)
    assert link.said[-1].startswith("rm -f /data/local/tmp/trustpin-lab-")
