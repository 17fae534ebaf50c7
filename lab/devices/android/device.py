"""An Android phone as a device: virtual, on a desk or in a farm, the same code for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from lab.devices.android import apps, logcat
from lab.devices.android.changes import Changes
from lab.devices.android.driving import Driving
from lab.devices.android.facts import AndroidFacts
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.wifi import Security
from lab.devices.capabilities import NO_SEGMENT
from lab.devices.driven_phone import DrivenPhone, Pages, PhonePlan
from lab.devices.phone_models import TUNNEL, ProxyWay
from lab.model.attack import Need, RouteKind, Trust
from lab.model.device import (
    DeviceFacts,
    DeviceLost,
    LoggedLine,
    Surroundings,
)
from lab.model.failure_report import ReportWay
from lab.model.outcome import AppOutcome

RECOVERY_CAP = 90.0
"""Seconds in which a phone that was lost must be back; some take a minute to start."""
BOOT_POLL = 0.2
"""Seconds between two questions whether it has started."""

JOINING_SINCE = 30
"""API level from which on a phone can be told to join a network (Android 11)."""


@dataclass(frozen=True, slots=True)
class WifiPlan:
    """A network that the phone is to join."""

    ssid: str
    security: Security = "open"
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PhonePlan):
    """What is known of an Android phone before it is asked."""

    proxy_way: ProxyWay | None
    rogue: WifiPlan | None
    """The adversary's access point."""
    home: WifiPlan | None = None
    """The lab's own honest network, where it has one."""
    trusts_user_store: bool = False
    """The app trusts what its user added."""
    tunnel: str = TUNNEL
    """Name of the WireGuard tunnel that leads to the lab, where one does."""


class AndroidDevice(DrivenPhone):
    """Implements ``lab.model.device.Device``. ``driving`` has begun.

    ``obituary`` says how the phone ended, None where nobody knows better than its link;
    ``let_go`` ends whatever was begun for it, and is told whether it is lost.
    """

    def __init__(
        self,
        plan: Plan,
        surroundings: Surroundings,
        facts: AndroidFacts,
        changes: Changes,
        driving: Driving,
        pages: Pages,
        *,
        source: str | None,
        obituary: Callable[[], str | None],
        let_go: Callable[[bool], None],
    ) -> None:
        super().__init__(plan, driving, pages, source=source, obituary=obituary, let_go=let_go)
        self._plan = plan
        self._around = surroundings
        self._android = facts
        self._changes = changes
        self.link: AdbLink = changes.shell.link
        """The way to the phone, for those who want to look at it."""
        self._log_since = ""
        with self._working():
            self._log_since = logcat.log_moment(self.link)

    @cached_property
    def facts(self) -> DeviceFacts:
        plan, phone = self._plan, self._android
        app = phone.app
        patch = f", security patch {phone.security_patch}" if phone.security_patch else ""
        details = {
            "serial": phone.serial,
            "automation": self._driving.description,
            "root": str(phone.root.mode),
            "build": phone.fingerprint,
            "app_sha256": "" if app is None else app.sha256,
            "profile": plan.profile.name,
            "route": "" if plan.proxy_way is None else str(plan.proxy_way),
        }
        return DeviceFacts(
            id=plan.id,
            platform=plan.platform,
            model=phone.model,
            os=f"Android {phone.release} (API level {phone.sdk}{patch})",
            app=plan.app,
            app_version="" if app is None else app.version,
            sdk=plan.sdk,
            details={name: text for name, text in details.items() if text},
        )

    @property
    def names(self) -> frozenset[str]:
        phone, named = self._android, self._plan.reports_as
        own = {self.id, phone.serial, phone.model, f"{phone.manufacturer} {phone.model}"}
        return frozenset({named} if named else own - {""})

    @property
    def clock_error(self) -> float:
        clock = self._android.clock
        # Where the lab can set the clock, it is right.
        return 0.0 if clock is None or self._changes.shell.is_root else clock.offset

    def lacks(self, need: Need) -> str | None:
        plan, rooted = self._plan, self._changes.shell.is_root
        if need in plan.lacking:
            return plan.lacking[need]
        if plan.anchors and not rooted and not plan.trusts_user_store:
            return (
                "without root the lab's public CA can only go into the user's store, and this "
                "build of the app does not trust that (trusts_user_store)"
            )
        if need is Need.COLLECTOR and plan.report_way is not ReportWay.HTTP:
            return f"the app reports to no collector (report: {plan.report_way})"
        if need is Need.PROXY and plan.proxy_way is None:
            return "devices.yaml gives no way to send the phone's traffic over a proxy"
        if need is Need.WIFI and plan.rogue is None:
            return "devices.yaml names no rogue access point that the phone could join"
        if need is Need.WIFI and not self._can_join:
            return f"Android {self._android.release} has no command to join a network (11 has)"
        if need is Need.IPV6 and plan.platform == "android":
            return "the lab's access point with a radio hands out no IPv6 addresses"
        if need is Need.SEGMENT and plan.platform == "android":
            return "the lab's access point with a radio keeps its stations apart"
        if need is Need.SEGMENT and self._around.rogue.interface is None:
            return NO_SEGMENT
        if need is Need.SYSTEM_STORE and not rooted:
            return "the phone is not rooted: nobody can add a CA to its system store"
        if need is Need.CLOCK and not rooted:
            return "the phone is not rooted: its clock cannot be moved"
        return None

    def take_route(self, kind: RouteKind) -> None:
        plan = self._plan
        with self._working():
            if kind is RouteKind.PROXY:
                assert plan.proxy_way is not None
                # The proxy first: nothing is to go out over another network without it.
                self._changes.lead(plan.proxy_way, self._around, plan.tunnel)
                if plan.home is not None and self._can_join:
                    self._join(plan.home)
                else:
                    self._changes.go_home()
            else:
                assert plan.rogue is not None
                self._join(plan.rogue)
                if plan.proxy_way is not None:
                    self._changes.lead_no_more(plan.proxy_way, plan.tunnel)

    def trust(self, store: Trust, certificates: tuple[bytes, ...]) -> None:
        system = certificates if store is Trust.SYSTEM else ()
        user = certificates if store is Trust.USER else ()
        with self._working():
            if self._changes.shell.is_root:
                changed = self._changes.trust(system=(*self._plan.anchors, *system), user=user)
            else:
                changed = self._changes.trust(system=system, user=(*self._plan.anchors, *user))
            if changed:
                # What an app has once found in a store it remembers for as long as it runs.
                for package in (self._plan.app, self._plan.browser):
                    apps.stop(self.link, package)
                self._app_started = False

    def set_clock_offset(self, seconds: float) -> None:
        with self._working():
            self._changes.set_clock(seconds)
            self._log_since = logcat.log_moment(self.link)

    def log_moment(self) -> str:
        with self._working():
            return logcat.mark_log(self.link)

    def log_lines(self, since: str) -> tuple[LoggedLine, ...]:
        with self._working():
            lines = logcat.read_log_after(self.link, since)
        return tuple(LoggedLine(logcat.seconds(line.at), line.tag, line.message) for line in lines)

    def recover(self) -> None:
        if not self._plan.boots and (ended := self._obituary()) is not None:
            raise DeviceLost(ended)
        deadline = time.monotonic() + RECOVERY_CAP
        try:
            self.link.reconnect(RECOVERY_CAP)
            self._await_boot(deadline)
            self._driving.begin()
            self._log_since = logcat.log_moment(self.link)
        except CommandRefused as error:
            raise DeviceLost(str(error)) from None
        self._changes.forget()
        self.came_back()

    @property
    def _can_join(self) -> bool:
        return self._android.sdk >= JOINING_SINCE

    def _join(self, network: WifiPlan) -> None:
        self._changes.join(network.ssid, network.security, network.passphrase)

    def _await_boot(self, deadline: float) -> None:
        while self.link.shell("getprop sys.boot_completed").strip() != "1":
            if time.monotonic() > deadline:
                raise DeviceLost("it is still starting")
            time.sleep(BOOT_POLL)

    def explained(self, outcome: AppOutcome, package: str) -> AppOutcome:
        why = apps.trouble(self.link, package, self._log_since)
        if why is None:
            return outcome
        self._log_since = logcat.log_moment(self.link)
        return replace(outcome, message="; ".join(filter(None, (outcome.message, why))))
