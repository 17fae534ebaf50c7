"""Who a phone says it is. The answers are those of real phones, shortened."""

from __future__ import annotations

import hashlib
import time

import pytest

from lab.devices.android.facts import (
    Clock,
    apk_paths,
    fact,
    identify,
    is_locked,
    measure_clock,
    read_epoch,
)
from lab.devices.android.link import AdbLink, CommandRefused, Ran
from lab.devices.android.root import Root, RootShell
from lab.devices.phone_models import RootMode
from tests.devices.android.rig import Rig
from tests.devices.android.scripted import Answer, ScriptedLink, answering

PIXEL = """[gsm.operator.alpha]: [Telco
Two lines]
[ro.build.fingerprint]: [google/panther/panther:14/UQ1A.240105.004/11206848:user/release-keys]
[ro.build.type]: [user]
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.build.version.security_patch]: [2024-01-05]
[ro.product.manufacturer]: [Google]
[ro.product.model]: [Pixel 7]
[ro.serialno]: [28161FDH2000AB]
"""
BASE = "/data/app/~~Ab==/com.acme-Cd==/base.apk"


def _pixel(**changes: tuple[str, int] | str) -> Answer:
    answers: dict[str, tuple[str, int] | str] = {
        "date": f"{time.time():.9f}\n",
        "getprop": PIXEL,
        "id -u": "2000\n",
        "su -c": ("/system/bin/sh: su: inaccessible or not found\n", 127),
        "su 0": ("/system/bin/sh: su: inaccessible or not found\n", 127),
        "dumpsys battery": "Current Battery Service state:\n  USB powered: true\n  level: 87\n",
        "dumpsys window": "  mCurrentFocus=Window{a1 u0 com.acme/com.acme.Main}\n",
        "dumpsys power": "  mWakefulness=Awake\n",
        "dumpsys package": "    versionCode=41 minSdk=26 targetSdk=34\n    versionName=4.1.0\n",
        "pm path": f"package:/data/app/x/split_config.en.apk\npackage:{BASE}\n",
        "sha256sum": f"{'ab' * 32}  {BASE}\n",
    }
    return answering(answers | {key.replace("_", " "): told for key, told in changes.items()})


def test_a_stock_pixel() -> None:
    link = ScriptedLink(_pixel())
    facts = identify(link, "com.acme")
    assert link.trips == 1
    assert (facts.serial, facts.manufacturer, facts.model) == (
        "28161FDH2000AB",
        "Google",
        "Pixel 7",
    )
    assert (facts.release, facts.sdk, facts.security_patch) == ("14", 34, "2024-01-05")
    assert facts.fingerprint.startswith("google/panther")
    assert facts.build_type == "user"
    assert not facts.emulator
    assert facts.root == Root(RootMode.NONE)
    assert facts.app is not None
    assert (facts.app.version, facts.app.code) == ("4.1.0", 41)
    assert facts.app.apks == (BASE, "/data/app/x/split_config.en.apk")
    assert facts.app.sha256 == "ab" * 32
    assert (facts.battery, facts.awake, facts.locked) == (87, True, False)
    assert facts.clock is not None
    assert abs(facts.clock.offset) < 1


def test_the_virtual_phone(any_link: AdbLink, rig: Rig) -> None:
    rig.phone.set_clock(time.time() + 3600)
    facts = identify(any_link, "cloud.trustpin.android.sample")
    assert facts.model
    assert facts.sdk >= 29
    assert facts.root == Root(RootMode.ADBD)
    assert facts.app is not None
    assert facts.clock is not None
    assert abs(facts.clock.offset - 3600) <= facts.clock.uncertainty + 0.05
    assert identify(any_link, "no.such.app").app is None


@pytest.mark.parametrize(
    ("changes", "root"),
    [
        ({"id -u": "0\n"}, Root(RootMode.ADBD)),
        ({"su -c": "0\n"}, Root(RootMode.SU, "su -c")),
        ({"su 0": "0\n"}, Root(RootMode.SU, "su 0 sh -c")),
        ({"su -c": ("Permission denied\n", 13), "su 0": "0\n"}, Root(RootMode.SU, "su 0 sh -c")),
        ({"su -c": "2000\n"}, Root(RootMode.NONE)),
        ({"su -c": ("0\n", 1)}, Root(RootMode.NONE)),
    ],
)
def test_how_a_phone_is_rooted(changes: dict[str, tuple[str, int] | str], root: Root) -> None:
    link = ScriptedLink(_pixel(**changes))
    assert identify(link, "com.acme").root == root
    assert RootShell(link).root == root


def test_an_app_whose_hash_the_phone_cannot_tell_is_read() -> None:
    link = ScriptedLink(_pixel(sha256sum=("sha256sum: not found", 127)))
    link.files[BASE] = b"an APK"
    facts = identify(link, "com.acme")
    assert facts.app is not None
    assert facts.app.sha256 == hashlib.sha256(b"an APK").hexdigest()
    del link.files[BASE]
    facts = identify(link, "com.acme")
    assert facts.app is not None
    assert facts.app.sha256 == ""


def test_a_phone_that_tells_nothing() -> None:
    facts = identify(ScriptedLink(answering({})), "com.acme")
    assert (facts.serial, facts.model, facts.sdk) == ("scripted", "", 0)
    assert facts.root == Root(RootMode.NONE)
    assert (facts.app, facts.battery, facts.clock) == (None, None, None)
    assert not facts.awake


@pytest.mark.parametrize(
    ("window", "locked"),
    [
        ("    mDreamingLockscreen=true mTopFullscreen...", True),
        ("    mShowingLockscreen=true", True),
        ("      showing=true", True),
        ("    KeyguardServiceDelegate\n      showing=false", False),
        ("  mCurrentFocus=Window{3b4 u0 NotificationShade}", True),
        ("  mCurrentFocus=Window{3b4 u0 com.acme/com.acme.Main}", False),
        ("", False),
    ],
)
def test_locked_or_not(window: str, locked: bool) -> None:
    assert is_locked(Ran(window, 0)) is locked


@pytest.mark.parametrize(
    ("told", "epoch"),
    [
        ("1700000000.250000000\n", (1700000000.25, 0.0)),
        # toybox before Android 10.
        ("1700000000.%N\n", (1700000000.0, 1.0)),
        ("1700000000\n", (1700000000.0, 1.0)),
        ("date: bad\n", None),
        ("", None),
        ("٣٣", None),
    ],
)
def test_dates(told: str, epoch: tuple[float, float] | None) -> None:
    assert read_epoch(told) == epoch


class Watch:
    """Stands for the module that tells the time: only what is waited for takes any."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr("lab.devices.android.facts.time", made)
    return made


def test_a_clock_is_measured_as_well_as_the_way_allows(watch: Watch) -> None:
    def late(command: str) -> str:
        told = f"{watch.now + 100:.6f}\n"
        watch.now += 0.1
        return told

    clock = measure_clock(ScriptedLink(late))
    assert abs(clock.offset - 100) <= clock.uncertainty + 1e-6
    assert clock.uncertainty == pytest.approx(0.05, abs=1e-6)
    with pytest.raises(CommandRefused, match="date cannot be read"):
        measure_clock(ScriptedLink(answering({}, other="?")))


def test_what_the_questions_take_is_no_uncertainty(watch: Watch) -> None:
    ahead = 100.0

    def slow(command: str) -> tuple[str, int] | str:
        if command.startswith("date"):
            return f"{watch.now + ahead:.6f}\n"
        if command == "getprop":
            watch.now += 5.0
        return _pixel()(command)

    clock = identify(ScriptedLink(slow), "com.acme").clock
    assert isinstance(clock, Clock)
    assert (clock.offset, clock.uncertainty) == pytest.approx((ahead, 0.0), abs=1e-5)


def test_facts_fit_on_a_line() -> None:
    assert (
        fact("a\x1b[2J\n\tb\u202e" + "c" * 500)
        == ("a\N{REPLACEMENT CHARACTER}[2J b" + "\N{REPLACEMENT CHARACTER}" + "c" * 500)[:200]
    )


def test_the_base_comes_first() -> None:
    assert apk_paths("package:/a/z.apk\r\nnoise\npackage:/a/base.apk\n") == (
        "/a/base.apk",
        "/a/z.apk",
    )
