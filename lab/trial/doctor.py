"""Finds out whether a device is ready for a run, and proves its routes by control requests."""

from __future__ import annotations

from collections.abc import Iterator

from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.devices.findings import Finding, Health, bad, good, limited
from lab.devices.settings import AndroidSettings, DeviceSettings, IosSettings
from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.device import DeviceLost, NotReady
from lab.model.outcome import Answer
from lab.model.serving import HostPlan
from lab.model.wire import WireClass
from lab.trial.bench import Bench
from lab.trial.seat import Seat, arming

ROUTES = {RouteKind.PROXY: Need.PROXY, RouteKind.WIFI: Need.WIFI}


def examine(settings: DeviceSettings, bench: Bench) -> Iterator[Finding]:
    """Yield findings, one thing after the other; the device is put back afterwards."""
    ready = True
    for finding in _looked_at(settings):
        ready = ready and finding.health is not Health.BAD
        yield finding
    if not ready:
        return
    try:
        with bench.device(settings, 0) as device:
            facts = device.facts
            driven = facts.details.get("automation")
            app = f"{facts.app} {facts.app_version}".strip()
            yield good("session", f"{app} is driven by {driven}" if driven else app)
            for kind, need in ROUTES.items():
                yield _route(Seat(bench, device, lambda _: None), kind, device.lacks(need))
    except (DeviceLost, NotReady, OSError) as error:
        yield bad("session", str(error), "see docs/devices.md")


def _looked_at(settings: DeviceSettings) -> Iterator[Finding]:
    """Yield what there is to say of a phone that runs already."""
    if isinstance(settings, AndroidSettings):
        from lab.devices.android.checks import look

        yield from look(settings)
    elif isinstance(settings, IosSettings):
        from lab.devices.ios.checks import look as look_at_iphone

        yield from look_at_iphone(settings)


def _route(seat: Seat, kind: RouteKind, lacking: str | None) -> Finding:
    what = f"route {kind}"
    if lacking is not None:
        return limited(what, lacking, "its cases are not applicable")
    host = hosts.HOST
    try:
        seat.prepare(kind, Trust.NONE, ())
        plan = {host: HostPlan(terminate(seat.bench.pki.genuine(host)))}
        phase = seat.control(host, arming(what, plan), Control.UNPINNED)
    except (DeviceLost, NotReady) as error:
        return bad(what, str(error), "see docs/devices.md, routes")
    caught = [c for c in phase.connections if c.host == host]
    if any(c.wire_class is WireClass.INTERCEPTED for c in caught):
        if phase.outcome.answer is Answer.ACCEPTED:
            return good(what, f"a request of the control client for {host} came through the lab")
        told = phase.outcome.message or "nothing"
        return bad(what, f"the request came through, but the client said: {told}", "look at it")
    if caught:
        return bad(
            what,
            f"the control client refused the lab's genuine certificate: {phase.outcome.message}",
            "its public CA must be trusted: a rooted phone, or a client that trusts user CAs",
        )
    told = phase.outcome.message or "nothing"
    return bad(
        what,
        f"no connection for {host} arrived at the lab; the control client said: {told}",
        "is the lab's address reachable from the phone, and no VPN or private DNS in the way?",
    )
