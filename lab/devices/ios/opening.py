"""Brings an iPhone into the state that a run begins with, and out of it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lab.devices.android.driving import Driving
from lab.devices.android.link import CommandRefused
from lab.devices.android.opening import left
from lab.devices.driven_phone import Pages
from lab.devices.ios.apps import AppFacts, AppService, Build
from lab.devices.ios.changes import Changes
from lab.devices.ios.device import IosDevice, Plan
from lab.devices.ios.facts import IosFacts, identify
from lab.devices.ios.items import ItemMaker
from lab.devices.ios.log import DeviceLog
from lab.devices.ios.network_monitor import NetworkMonitor, Source
from lab.devices.ios.reach import Reach
from lab.devices.ios.settings_page import Hand, SettingsPage
from lab.devices.ios.supervision import Supervisor
from lab.devices.item import Value
from lab.devices.journal import Journal
from lab.devices.journal_entry import Header
from lab.devices.lease import DeviceBusy, Lease
from lab.devices.owner import Owner
from lab.devices.state_folder import StateError
from lab.model.device import DeviceLost, Surroundings


@dataclass(frozen=True)
class Opening:
    """All that an iPhone is opened with."""

    plan: Plan
    reach: Reach
    driving: Driving
    """Has not begun."""
    pages: Pages
    settings_page: Callable[[Driving], SettingsPage]
    journals: Path
    """Folder of the undo journals."""
    leases: Path | None
    """Folder of the leases; None for the usual one."""
    address: Mapping[str, Value]
    """How the phone is reached again by ``restore``. Holds no secret."""
    supervisor: Supervisor | None = None
    build: Path | None = None
    """An .ipa of the app under test to install."""
    monitor: Callable[[Driving], Source] | None = None
    """Begins to listen to the phone's own network monitor; None where nobody is to. Raises
    NoMonitor."""
    source: str | None = None
    obituary: Callable[[], str | None] = lambda: None
    kill: Callable[[], None] = lambda: None
    """Ends a phone of the lab's own at once, which is lost."""


def open_iphone(
    opening: Opening, surroundings: Surroundings, owner: Owner, stack: ExitStack
) -> IosDevice:
    """Take an iPhone, undo what an earlier run left behind, and make it ready.

    ``stack`` ends what was begun for the phone; the device owns it. Raises DeviceLost where the
    phone cannot be had: not reached, somebody else's, not put back, not ready.
    """
    plan, reach = opening.plan, opening.reach
    stack.callback(reach.close)
    try:
        stack.callback(_lease(opening, owner).release)
        facts = identify(reach, plan.app)
        hand = Hand(lambda: opening.driving, opening.settings_page)
        journal = Journal(opening.journals, reach.udid)
        items = ItemMaker(reach, hand)
        undone = journal.undo(items)
        if not undone.complete:
            raise DeviceLost(f"what an earlier run changed could not be put back: {left(undone)}")
        journal.begin(_header(opening, facts, owner))
        changes = Changes(reach, journal, hand, opening.supervisor)
        # From here on there is something to put back.
        closing = _Closing(opening, journal, items, stack)
        log = DeviceLog(reach)
        stack.callback(log.close)
        monitor = _monitor(opening)
        if monitor is not None:
            stack.callback(monitor.close)
        try:
            facts, build = _make_ready(opening, facts, changes)
            return IosDevice(
                plan,
                surroundings,
                facts,
                changes,
                opening.driving,
                opening.pages,
                build=build,
                log=log,
                monitor=monitor,
                reconnect=reach.close,
                source=opening.source,
                obituary=opening.obituary,
                let_go=closing,
            )
        except BaseException as error:
            opening.driving.end(lost=isinstance(error, DeviceLost))
            closing.put_back(lost=isinstance(error, DeviceLost))
            raise
    except (CommandRefused, StateError, DeviceBusy) as error:
        raise DeviceLost(str(error)) from None


def _monitor(opening: Opening) -> NetworkMonitor | None:
    begin, driving = opening.monitor, opening.driving
    return None if begin is None else NetworkMonitor(lambda: begin(driving))


def _lease(opening: Opening, owner: Owner) -> Lease:
    return Lease.take(
        opening.reach.udid,
        owner.holder,
        wait=owner.lease_wait,
        folder=opening.leases,
        waiting=owner.waiting,
    )


def _header(opening: Opening, facts: IosFacts, owner: Owner) -> Header:
    return Header(
        key=opening.reach.udid,
        device=opening.plan.id,
        address=opening.address,
        model=facts.product,
        run_id=owner.run_id,
        started=owner.now(),
    )


def _make_ready(
    opening: Opening, facts: IosFacts, changes: Changes
) -> tuple[IosFacts, Build | None]:
    """Install the app and begin a session. Return what is known of the phone then."""
    plan, build = opening.plan, None
    if opening.supervisor is not None and not facts.supervised:
        raise DeviceLost("it is not supervised, but devices.yaml names a supervision identity")
    if opening.build is not None:
        build = Build.read(opening.build)
        _check(build, plan.app, facts.app)
        changes.install(plan.app, build)
        facts = replace(facts, app=AppService(opening.reach).find(plan.app))
    if facts.app is None:
        raise DeviceLost(f"{plan.app} is not installed: install it, or name its .ipa as 'build'")
    opening.driving.begin()
    return facts, build


def _check(build: Build, wanted: str, installed: AppFacts | None) -> None:
    """Raise DeviceLost where the build is another app's, or another version of the app is
    installed: no iPhone gives back what it has, so that nobody could put it back."""
    own = build.app
    if own.bundle_id != wanted:
        raise DeviceLost(f"{build.file} is {own.bundle_id}, not {wanted}: correct 'bundle_id'")
    if installed is not None and installed != own:
        raise DeviceLost(
            f"{wanted} {installed.version} ({installed.build}) is installed, and {build.file.name} "
            f"is {own.version} ({own.build}): the lab could not put it back; uninstall it, or name "
            "its own .ipa as 'build'"
        )


class _Closing:
    """Puts an iPhone back and lets go of it."""

    def __init__(
        self, opening: Opening, journal: Journal, items: ItemMaker, stack: ExitStack
    ) -> None:
        self._opening = opening
        self._journal = journal
        self._items = items
        self._stack = stack

    def __call__(self, lost: bool) -> None:
        try:
            self.put_back(lost=lost)
            if lost:
                self._opening.kill()
        finally:
            self._stack.close()

    def put_back(self, *, lost: bool) -> None:
        """Undo what was changed. What cannot be undone stays in the journal, and all of it for a
        phone that stays lost: every start says so."""
        try:
            if lost:
                if not self._opening.plan.boots:
                    return
                self._opening.reach.close()
            self._journal.undo(self._items)
        except (DeviceLost, CommandRefused, StateError):
            return
