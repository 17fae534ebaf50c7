"""Looks at an iPhone without changing anything on it."""

from __future__ import annotations

from collections.abc import Iterator

from lab.devices.android.link import CommandRefused
from lab.devices.findings import Finding, bad, good, limited
from lab.devices.ios.address import address_of, reach_of
from lab.devices.ios.apps import AppService
from lab.devices.ios.facts import IosFacts, identify
from lab.devices.ios.monitor_by_tunnel import HUB, find_service
from lab.devices.ios.network_monitor import NoMonitor
from lab.devices.ios.reach import Reach
from lab.devices.iphone_models import IosProxyWay, IosSettings
from lab.devices.journal import pending
from lab.devices.lease import holder_of
from lab.devices.state_folder import StateError, journals_folder
from lab.model.device import DeviceLost

CLOCK_OFF = 60.0
"""Seconds by which a clock may be wrong without a word about it."""


def look(settings: IosSettings) -> Iterator[Finding]:
    """Yield what there is to say of the iPhone, one thing after the other."""
    reach = reach_of(address_of(settings))
    try:
        facts = identify(reach, settings.app.bundle_id)
    except (DeviceLost, CommandRefused) as error:
        reach.close()
        yield bad("usbmuxd", str(error), "connect it, unlock it, and tap 'Trust This Computer'")
        return
    try:
        yield good("usbmuxd", f"{facts.product} {facts.name!r}, udid {facts.udid}")
        yield _system(settings, facts)
        yield from _ours(settings)
        yield _clock(facts)
        yield _supervision(settings, facts)
        yield from _tunnel(settings)
        yield from _apps(settings, reach, facts)
    except (DeviceLost, CommandRefused) as error:
        yield bad("usbmuxd", str(error), "see that the iPhone stays connected")
    finally:
        reach.close()


def _system(settings: IosSettings, facts: IosFacts) -> Finding:
    told = f"iOS {facts.version} ({facts.build})"
    if facts.version != settings.version:
        return bad("system", f"{told}, not {settings.version}", "correct 'version'")
    return good("system", told)


def _ours(settings: IosSettings) -> Iterator[Finding]:
    """Tell who uses it, and what is left behind on it."""
    udid = settings.udid
    try:
        holder = holder_of(udid)
        left = [str(p) for p in pending(journals_folder()) if p.header and p.header.key == udid]
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


def _clock(facts: IosFacts) -> Finding:
    if abs(facts.clock_offset) > CLOCK_OFF:
        return limited(
            "clock",
            f"{facts.clock_offset:+.0f} seconds from this machine's",
            "turn 'Set Automatically' on (Settings > General > Date & Time): certificates are "
            "judged by it",
        )
    return good("clock", f"{facts.clock_offset:+.1f} s from this machine's")


def _supervision(settings: IosSettings, facts: IosFacts) -> Finding:
    if facts.supervised and settings.supervision is not None:
        return good("supervised", "yes: profiles are installed silently")
    if settings.supervision is not None:
        mend = "remove 'supervision', or supervise it (Apple Configurator, 'ios prepare')"
        return bad("supervised", "no, but devices.yaml names a supervision identity", mend)
    told = "yes, by somebody else" if facts.supervised else "no"
    by_hand = "a hand in Settings installs profiles and switches roots on"
    if settings.routes.proxy is IosProxyWay.BY_HAND:
        by_hand += ", and sets the proxy"
    return limited("supervised", f"{told}: {by_hand}", "none; it takes some seconds each time")


def _tunnel(settings: IosSettings) -> Iterator[Finding]:
    """Tell whether this machine has a tunnel to it; on a hub, nobody can."""
    section = settings.appium
    if section.hub is not None or section.server is not None:
        return
    # An agent that runs, or a Mac that starts it, needs none.
    launches = section.agent is None and "appium:xcodeOrgId" not in section.capabilities
    if not (launches or section.network_monitor):
        return
    try:
        find_service(section.registry, settings.udid, HUB)
    except NoMonitor as error:
        mend = "'appium driver run xcuitest tunnel-creation' makes one; docs/devices.md says how"
        missing = "WebDriverAgent cannot be launched" if launches else "no network monitor"
        make = bad if launches else limited
        yield make("tunnel", f"{error}: {missing}", mend)
    else:
        yield good("tunnel", "its developer services are in reach")


def _apps(settings: IosSettings, reach: Reach, facts: IosFacts) -> Iterator[Finding]:
    app = settings.app
    if facts.app is not None:
        yield good("app", f"{app.bundle_id} {facts.app.version} ({facts.app.build})")
    elif app.build is not None:
        yield good("app", f"{app.bundle_id} is installed from {app.build.name} for each run")
    else:
        mend = "install it, or name its .ipa in devices.yaml (app: {build: PATH})"
        yield bad("app", f"{app.bundle_id} is not installed", mend)
    if app.build is None:
        yield limited(
            "memory",
            "the app keeps what it stored from case to case",
            "name its .ipa in devices.yaml (app: {build: PATH}): it is installed anew then",
        )
    if AppService(reach).find(settings.browser) is None:
        mend = "name another control client in devices.yaml (browser: BUNDLE_ID)"
        yield bad("control", f"{settings.browser} is not installed", mend)
    else:
        yield good("control", settings.browser)
