"""Looks at an Android phone without changing anything on it."""

from __future__ import annotations

from collections.abc import Iterator

from lab.devices.android import apps, wireguard
from lab.devices.android.facts import AndroidFacts, identify
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.phones import address_of, link_of
from lab.devices.findings import Finding, bad, good, limited
from lab.devices.journal import pending
from lab.devices.lease import holder_of
from lab.devices.phone_models import AndroidSettings, ProxyWay, RootMode
from lab.devices.state_folder import StateError, journals_folder
from lab.model.device import DeviceLost

LOW_BATTERY = 20
"""Per cent below which a phone may not last."""
CLOCK_OFF = 60.0
"""Seconds by which a clock may be wrong without a word about it."""


def look(settings: AndroidSettings) -> Iterator[Finding]:
    """Yield what there is to say of the phone, one thing after the other."""
    try:
        link = link_of(address_of(settings.adb))
        facts = identify(link, settings.app.package)
    except (DeviceLost, CommandRefused, ValueError) as error:
        yield bad("adb", str(error), "connect it, turn USB debugging on, and allow this computer")
        return
    try:
        yield good("adb", f"{facts.manufacturer} {facts.model}, serial number {facts.serial}")
        yield good("system", f"Android {facts.release} (API level {facts.sdk})")
        yield from _ours(settings, facts)
        yield from _state(facts)
        yield _root(settings, facts)
        yield from _apps(settings, link, facts)
        yield from _tunnel(settings, link)
    except (DeviceLost, CommandRefused) as error:
        yield bad("adb", str(error), "see that the phone stays connected")
    finally:
        link.close()


def _ours(settings: AndroidSettings, facts: AndroidFacts) -> Iterator[Finding]:
    """Tell who uses it, and what is left behind on it."""
    try:
        holder = holder_of(facts.serial)
        left = [
            str(p) for p in pending(journals_folder()) if p.header and p.header.key == facts.serial
        ]
    except StateError as error:
        yield bad("state", str(error), "make that folder usable")
        return
    if holder is None:
        yield good("lease", "nobody uses it")
    else:
        yield limited("lease", f"in use by {holder}", "wait for it: pytest --lease-wait SECONDS")
    if left:
        undo = f"trustpin-lab restore {settings.id} (the next run does it, too)"
        yield limited("journal", "; ".join(left), undo)
    else:
        yield good("journal", "nothing is left behind")


def _state(facts: AndroidFacts) -> Iterator[Finding]:
    if facts.locked:
        yield bad("screen", "it is locked", "unlock it, and turn the screen lock off for the run")
    else:
        yield good("screen", "on" if facts.awake else "off; a run turns it on")
    if facts.battery is None:
        yield limited("battery", "it does not tell", "see that it is charged")
    elif facts.battery < LOW_BATTERY:
        yield limited("battery", f"{facts.battery} %", "charge it")
    else:
        yield good("battery", f"{facts.battery} %")
    if facts.clock is None:
        yield limited("clock", "its date cannot be read", "compare its clock with this machine's")
    elif abs(facts.clock.offset) > CLOCK_OFF:
        yield limited(
            "clock",
            f"{facts.clock.offset:+.0f} seconds from this machine's",
            "turn automatic date and time on: certificates are judged by it",
        )
    else:
        yield good("clock", f"{facts.clock.offset:+.1f} s from this machine's")


def _root(settings: AndroidSettings, facts: AndroidFacts) -> Finding:
    if facts.root.mode is not RootMode.NONE:
        return good("root", f"by {facts.root.mode}")
    why = "none: neither system CAs nor the clock can be changed; those cases are not applicable"
    if settings.routes.proxy is ProxyWay.DNAT:
        return bad("root", "none, which 'dnat' needs", "use 'reverse' or 'lan', or root the phone")
    if not settings.app.trusts_user_store:
        return bad(
            "root",
            "none, and the app does not trust CAs of its user: the lab's own hosts would be "
            "refused like an attacker's",
            "use a build that trusts the user's CAs (trusts_user_store: true), or a rooted phone",
        )
    return limited("root", why, "use a rooted phone, or an emulator, for those")


def _apps(settings: AndroidSettings, link: AdbLink, facts: AndroidFacts) -> Iterator[Finding]:
    app = settings.app
    if facts.app is not None:
        digest = f", SHA-256 {facts.app.sha256[:16]}…" if facts.app.sha256 else ""
        yield good("app", f"{app.package} {facts.app.version} ({facts.app.code}){digest}")
    elif app.build is not None:
        yield good("app", f"{app.package} is installed from {app.build.name} for each run")
    else:
        mend = "install it, or name its APK in devices.yaml (app: {build: PATH})"
        yield bad("app", f"{app.package} is not installed", mend)
    browser = apps.read_version(link, settings.browser)
    if browser is None:
        mend = "install it, or name another control client in devices.yaml (browser: PACKAGE)"
        yield bad("control", f"{settings.browser} is not installed", mend)
    else:
        yield good("control", f"{settings.browser} {browser.name}")


def _tunnel(settings: AndroidSettings, link: AdbLink) -> Iterator[Finding]:
    if settings.routes.wireguard is None:
        return
    app = apps.read_version(link, wireguard.PACKAGE)
    if app is None:
        yield bad(
            "tunnel",
            f"{wireguard.PACKAGE} is not installed",
            f"install it, give it the profile (trustpin-lab wireguard {settings.id}), and turn on "
            "'Allow remote control apps' in its settings",
        )
    else:
        yield good("tunnel", f"{settings.routes.wireguard.tunnel}, of WireGuard {app.name}")
