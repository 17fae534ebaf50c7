"""An iPhone as a device: virtual, on a desk or in a farm, the same code for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from selenium.common.exceptions import WebDriverException

from lab.devices.android.driving import Driving
from lab.devices.android.link import CommandRefused
from lab.devices.capabilities import NO_SEGMENT
from lab.devices.driven_phone import DrivenPhone, Pages, PhonePlan
from lab.devices.ios.apps import Build
from lab.devices.ios.changes import Changes, IosWifi
from lab.devices.ios.facts import IosFacts
from lab.devices.ios.log import DeviceLog
from lab.devices.ios.network_monitor import NetworkMonitor
from lab.devices.ios.network_news import Account, leads_there
from lab.devices.iphone_models import IosProxyWay
from lab.model.attack import Need, RouteKind, Trust
from lab.model.device import AppSetup, DeviceFacts, DeviceLost, LoggedLine, Surroundings
from lab.model.failure_report import ReportWay
from lab.model.monitored import MonitoredConnection
from lab.model.outcome import AppOutcome

CLOCK_RIGHT = 1.0
"""Seconds by which a clock may be wrong and count as right: the phone tells whole seconds."""

NEVER = {
    Need.ANDROID_RULES: "iOS has rules of its own where RFC 5280 leaves it a choice",
    Need.PLAIN_X509: "iOS wants serverAuth in a server's certificate, and 825 days at most",
    Need.USER_STORE_APART: "iOS has one trust store: a root that its user has switched on counts "
    "for every app",
    Need.CLOCK: "iOS lets nobody but its user set the clock",
    Need.LOG: "the log of an iPhone tells times in whole seconds",
}
"""What no iPhone can do, and why."""
NO_BUILD = (
    "without the app's build (app: {build: an .ipa}) the iPhone's app cannot be made to forget "
    "what it stored"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PhonePlan):
    """What is known of an iPhone before it is asked."""

    proxy_way: IosProxyWay | None
    rogue: IosWifi | None
    """The adversary's access point."""
    home: IosWifi | None = None
    """The network in which the proxy is used: the lab's own honest one, where it has one."""


class IosDevice(DrivenPhone):
    """Implements ``lab.model.device.Device``. ``driving`` has begun.

    There is one trust store: to every app, a root from a profile that is trusted for TLS is as
    good as one that the phone came with. So ``Trust.USER`` and ``Trust.SYSTEM`` are one state.
    ``build`` is what the app is installed from where it is to forget everything.
    """

    def __init__(
        self,
        plan: Plan,
        surroundings: Surroundings,
        facts: IosFacts,
        changes: Changes,
        driving: Driving,
        pages: Pages,
        *,
        build: Build | None,
        log: DeviceLog,
        monitor: NetworkMonitor | None,
        reconnect: Callable[[], None],
        source: str | None,
        obituary: Callable[[], str | None],
        let_go: Callable[[bool], None],
    ) -> None:
        super().__init__(plan, driving, pages, source=source, obituary=obituary, let_go=let_go)
        self._plan = plan
        self._around = surroundings
        self._ios = facts
        self._changes = changes
        self._build = build
        self._log = log
        self._monitor = monitor
        self._route: RouteKind | None = None
        self._pid = 0
        self._reconnect = reconnect
        # It was installed for this run, and has never been started.
        self._is_fresh = build is not None

    @cached_property
    def facts(self) -> DeviceFacts:
        plan, phone = self._plan, self._ios
        app = phone.app
        details = {
            "serial": phone.udid,
            "automation": self._driving.description,
            "supervised": "yes" if phone.supervised else "no",
            "build": phone.build,
            "app_sha256": "" if self._build is None else self._build.sha256,
            "profile": plan.profile.name,
            "route": "" if plan.proxy_way is None else str(plan.proxy_way),
            "network_monitor": self._about_monitor(),
        }
        return DeviceFacts(
            id=plan.id,
            platform=plan.platform,
            model=phone.product,
            os=f"iOS {phone.version} ({phone.build})",
            app=plan.app,
            app_version="" if app is None else app.version,
            sdk=plan.sdk,
            details={name: text for name, text in details.items() if text},
        )

    @property
    def names(self) -> frozenset[str]:
        phone, named = self._ios, self._plan.reports_as
        own = {self.id, phone.udid, phone.name, phone.product}
        return frozenset({named} if named else own - {""})

    @property
    def clock_error(self) -> float:
        offset = self._ios.clock_offset
        return offset if abs(offset) > CLOCK_RIGHT else 0.0

    def lacks(self, need: Need) -> str | None:
        plan = self._plan
        if (why := plan.lacking.get(need) or NEVER.get(need)) is not None:
            return why
        if need is Need.COLLECTOR and plan.report_way is not ReportWay.HTTP:
            return f"the app reports to no collector (report: {plan.report_way})"
        if need is Need.PROXY and plan.proxy_way is None:
            return "devices.yaml gives no way to send the iPhone's traffic over a proxy"
        if need is Need.WIFI and plan.rogue is None:
            return "devices.yaml names no rogue access point that the iPhone could join"
        if need is Need.IPV6 and plan.platform == "ios":
            return "the lab's access point with a radio hands out no IPv6 addresses"
        if need is Need.SEGMENT and plan.platform == "ios":
            return "the lab's access point with a radio keeps its stations apart"
        if need is Need.SEGMENT and self._around.rogue.interface is None:
            return NO_SEGMENT
        if need in (Need.REFUSES_OLDER, Need.KEEPS_CONFIGURATION) and self._build is None:
            return NO_BUILD
        return None

    def take_route(self, kind: RouteKind) -> None:
        plan = self._plan
        with self._working():
            if kind is RouteKind.PROXY:
                assert plan.proxy_way is not None
                if plan.home is not None:
                    self._changes.join(plan.home)
                else:
                    self._changes.go_home()
                self._changes.lead(plan.proxy_way, self._around.proxy, plan.home)
            else:
                assert plan.rogue is not None
                self._changes.join(plan.rogue)
                if plan.proxy_way is not None:
                    self._changes.lead_no_more(plan.proxy_way, plan.home)
            self._leave_settings()
        self._route = kind

    def trust(self, store: Trust, certificates: tuple[bytes, ...]) -> None:
        wanted = () if store is Trust.NONE else certificates
        with self._working():
            self._changes.trust((*self._plan.anchors, *wanted))
            self._leave_settings()

    def _leave_settings(self) -> None:
        """Bring the app to the front where Settings has taken its place: one that is still set up
        is asked at once."""
        if self._changes.showed_settings() and self._app_started:
            self._app.come_back()

    def set_clock_offset(self, seconds: float) -> None:
        """Raise ValueError for any time but the true one: nobody can set an iPhone's clock."""
        if seconds:
            raise ValueError(self.lacks(Need.CLOCK))

    def set_up(self, setup: AppSetup, *, fresh: bool = True) -> AppOutcome:
        self._pid = 0
        return super().set_up(setup, fresh=fresh)

    def request(self, url: str) -> AppOutcome:
        if self._monitor is None:
            return super().request(url)
        with self._working():
            since = self._monitor.moment()
        outcome = super().request(url)
        return outcome if since is None else replace(outcome, monitored=self._used(since))

    def forget_app(self) -> None:
        if self._build is not None and not self._is_fresh:
            self._changes.install(self._plan.app, self._build)
        self._is_fresh = False

    def log_moment(self) -> str:
        with self._working():
            return self._log.moment()

    def log_lines(self, since: str) -> tuple[LoggedLine, ...]:
        with self._working():
            return self._log.lines(since)

    def explained(self, outcome: AppOutcome, package: str) -> AppOutcome:
        # Appium's driver turns the end of WebDriverAgent into an element that is not there; what
        # the screen holds it cannot make up. Raises where nobody is there any more.
        shown = bool(self._driving.driver.page_source)
        return outcome if shown else replace(outcome, message=f"{outcome.message}; empty screen")

    def recover(self) -> None:
        if not self._plan.boots and (ended := self._obituary()) is not None:
            raise DeviceLost(ended)
        try:
            self._reconnect()
            self._driving.begin()
        except CommandRefused as error:
            raise DeviceLost(str(error)) from None
        self._changes.forget()
        self._is_fresh = False
        self._pid = 0
        if self._monitor is not None:
            # It belonged to the session that is gone.
            self._monitor.close()
        self.came_back()

    def _about_monitor(self) -> str:
        """Say whether the phone's own network monitor is a witness."""
        if self._monitor is None:
            return ""
        there = self._monitor.moment() is not None
        return "listened to" if there else f"not there: {self._monitor.trouble}"

    def _used(self, since: Account) -> tuple[MonitoredConnection, ...] | None:
        """Return the app's connections since a moment; None where nobody knows of them."""
        assert self._monitor is not None
        found: tuple[MonitoredConnection, ...] | None = None
        with self._working():
            known, self._pid = self._pid, self._pid or self._front_pid()
            if self._pid:
                found = self._monitor.used(since, self._pid, self._is_on_route)
            if found == () and known and (pid := self._front_pid()) != known:
                # It was started anew, by whomever.
                self._pid = pid
                found = self._monitor.used(since, pid, self._is_on_route) if pid else None
        return found

    def _front_pid(self) -> int:
        """Return the process of the app under test; 0 where that is not in front."""
        try:
            told = self._driving.driver.execute_script("mobile: activeAppInfo", {})
        except WebDriverException:
            # Without it the monitor's word cannot be told from that about others.
            return 0
        match told:
            case {"bundleId": str(bundle_id), "pid": int(pid)} if bundle_id == self._plan.app:
                return pid
            case _:
                return 0

    def _is_on_route(self, connection: MonitoredConnection) -> bool:
        return leads_there(connection, self._route, self._around)
