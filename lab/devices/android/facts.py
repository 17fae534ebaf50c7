"""Who the phone is: read in one round trip, and not believed further than it can be shown."""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from dataclasses import dataclass

from lab.devices.android.link import AdbLink, CommandRefused, Ran
from lab.devices.android.marks import ask
from lab.devices.android.root import ROOT_QUESTIONS, SU_CAP, Root, root_of

LARGEST_APK = 512 << 20
"""Bytes of an APK that is read to tell its hash."""
LONGEST = 200
"""Characters of a fact."""

_PROPERTY = re.compile(r"^\[([^\]\n]{1,200})\]: \[(.*?)\]\r?$", re.MULTILINE | re.DOTALL)
_EPOCH = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_SHA256 = re.compile(r"^([0-9a-f]{64})\b", re.MULTILINE)
_LEVEL = re.compile(r"^\s*level: (\d{1,3})\s*$", re.MULTILINE)
_LOCKED = re.compile(
    r"(mShowingLockscreen|mDreamingLockscreen|mKeyguardShowing|mIsShowing|isKeyguardShowing"
    r"|\bshowing)=true|mCurrentFocus=.*(Keyguard|NotificationShade)"
)
_AWAKE = re.compile(r"mWakefulness=(\w+)")
_VERSION_NAME = re.compile(r"\bversionName=(.*?)\s*$", re.MULTILINE)
_VERSION_CODE = re.compile(r"\bversionCode=(\d{1,18})")

WINDOW_QUESTION = (
    "dumpsys window | grep -E 'mShowingLockscreen|mDreamingLockscreen|mKeyguardShowing|"
    "mIsShowing|isKeyguardShowing|mCurrentFocus| showing='"
)
POWER_QUESTION = "dumpsys power | grep mWakefulness="
CLOCK_QUESTION = "date +%s.%N"


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a phone's clock is ahead of this machine's."""

    offset: float
    """Seconds."""
    uncertainty: float
    """Seconds by which the true offset may be smaller or larger."""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """The build of an app that is installed."""

    package: str
    version: str
    """What its makers call it."""
    code: int
    """Grows from version to version; 0 where the phone does not tell."""
    apks: tuple[str, ...]
    """Paths on the phone, the base first."""
    sha256: str
    """Of the base APK; empty where it cannot be read."""


@dataclass(frozen=True, slots=True)
class AndroidFacts:
    """What a phone says of itself. Texts are printable, and of a length that can be shown."""

    serial: str
    """Its own serial number; what adb calls it where it has none."""
    manufacturer: str
    model: str
    release: str
    """Of Android, such as ``14``."""
    sdk: int
    """API level; 0 where it does not tell."""
    security_patch: str
    fingerprint: str
    """Of the build."""
    build_type: str
    """``user``, ``userdebug`` or ``eng``."""
    emulator: bool
    root: Root
    app: AppFacts | None
    """None where it is not installed."""
    battery: int | None
    """Per cent; None where it does not tell."""
    awake: bool
    """Whether the screen is on."""
    locked: bool
    clock: Clock | None
    """None where its date cannot be read."""


def identify(link: AdbLink, package: str) -> AndroidFacts:
    """Ask a phone who it is, and which build of ``package`` it has. Raises DeviceLost, and
    CommandRefused where it does not answer as a phone does."""
    quoted = shlex.quote(package)
    before = time.time()
    answers = ask(
        link,
        {
            "clock": CLOCK_QUESTION,
            "properties": "getprop",
            **ROOT_QUESTIONS,
            "battery": "dumpsys battery",
            "window": WINDOW_QUESTION,
            "power": POWER_QUESTION,
            "app": f"dumpsys package {quoted} | grep -E 'versionName=|versionCode='",
            "apks": f"pm path {quoted}",
            "hash": f'sha256sum "$(pm path {quoted} | grep -m 1 base.apk | cut -d: -f2)"',
            "clock again": CLOCK_QUESTION,
        },
        cap=SU_CAP,
    )
    after = time.time()
    properties = _properties(answers["properties"].output)
    sdk = properties.get("ro.build.version.sdk", "")
    level = _LEVEL.search(answers["battery"].output)
    return AndroidFacts(
        serial=fact(properties.get("ro.serialno", "")) or fact(link.serial),
        manufacturer=fact(properties.get("ro.product.manufacturer", "")),
        model=fact(properties.get("ro.product.model", "")),
        release=fact(properties.get("ro.build.version.release", "")),
        sdk=int(sdk) if re.fullmatch(r"[0-9]{1,3}", sdk) else 0,
        security_patch=fact(properties.get("ro.build.version.security_patch", "")),
        fingerprint=fact(properties.get("ro.build.fingerprint", "")),
        build_type=fact(properties.get("ro.build.type", "")),
        emulator=_is_emulator(properties),
        root=root_of(answers),
        app=_app(link, package, answers),
        battery=min(int(level[1]), 100) if level else None,
        awake=is_awake(answers["power"]),
        locked=is_locked(answers["window"]),
        clock=_clock(answers, before, after),
    )


def measure_clock(link: AdbLink) -> Clock:
    """Compare a phone's clock with this machine's. Raises DeviceLost, and CommandRefused where
    its date cannot be read."""
    before = time.time()
    told = read_epoch(link.shell(CLOCK_QUESTION))
    after = time.time()
    if told is None:
        raise CommandRefused("the phone's date cannot be read: it does not know 'date +%s'")
    return _between(told[0] - after, told[0] + told[1] - before)


def read_epoch(output: str) -> tuple[float, float] | None:
    """Return what ``date +%s.%N`` told, in epoch seconds, and for how long it may have told the
    same; None where that is no date. Old phones do not know nanoseconds."""
    match = _EPOCH.match(output.strip())
    if match is None:
        return None
    if match[2] is None:
        return float(match[1]), 1.0
    return float(f"{match[1]}.{match[2]}"), 0.0


def is_awake(power: Ran) -> bool:
    """Tell whether the screen is on, from what ``POWER_QUESTION`` got."""
    match = _AWAKE.search(power.output)
    return match is not None and match[1] == "Awake"


def is_locked(window: Ran) -> bool:
    """Tell whether the screen is locked, from what ``WINDOW_QUESTION`` got."""
    return _LOCKED.search(window.output) is not None


def fact(text: str) -> str:
    """Return a text of the phone's on one line that can be shown anywhere."""
    line = " ".join(text.split())[:LONGEST]
    return "".join(sign if sign.isprintable() else "�" for sign in line)


def app_version(dump: str) -> tuple[str, int] | None:
    """Return name and code of the version that ``dumpsys package`` tells of, None for none."""
    name, code = _VERSION_NAME.search(dump), _VERSION_CODE.search(dump)
    if name is None and code is None:
        return None
    return fact(name[1]) if name else "", int(code[1]) if code else 0


def apk_paths(listing: str) -> tuple[str, ...]:
    """Return what ``pm path`` lists, the base APK first."""
    prefix = "package:"
    found = [line.strip() for line in listing.splitlines() if line.startswith(prefix)]
    paths = [line.removeprefix(prefix) for line in found]
    return tuple(sorted(paths, key=lambda path: (not path.endswith("/base.apk"), path)))[:LONGEST]


def _properties(output: str) -> dict[str, str]:
    return {match[1]: match[2] for match in _PROPERTY.finditer(output)}


def _is_emulator(properties: dict[str, str]) -> bool:
    hardware = properties.get("ro.hardware", "")
    return (
        properties.get("ro.kernel.qemu") == "1"
        or properties.get("ro.boot.qemu") == "1"
        or hardware in ("goldfish", "ranchu", "cutf_cvm")
        or "emulator" in properties.get("ro.build.characteristics", "").split(",")
    )


def _app(link: AdbLink, package: str, answers: dict[str, Ran]) -> AppFacts | None:
    paths = apk_paths(answers["apks"].output)
    if not paths:
        return None
    version, code = app_version(answers["app"].output) or ("", 0)
    told = _SHA256.match(answers["hash"].output)
    if told is not None:
        digest = told[1]
    else:
        try:
            digest = hashlib.sha256(link.pull(paths[0], limit=LARGEST_APK)).hexdigest()
        except CommandRefused:
            digest = ""
    return AppFacts(package, version, code, tuple(map(fact, paths)), digest)


def _clock(answers: dict[str, Ran], before: float, after: float) -> Clock | None:
    first, last = (read_epoch(answers[name].output) for name in ("clock", "clock again"))
    if first is None or last is None:
        return None
    # The phone's own clock tells how long the questions in between took it: what is left of the
    # round trip is the way there and back.
    return _between(last[0] - after, first[0] + first[1] - before)


def _between(least: float, most: float) -> Clock:
    return Clock((least + most) / 2, abs(most - least) / 2)
