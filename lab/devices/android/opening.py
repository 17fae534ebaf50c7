"""Brings a phone into the state that a run begins with, and out of it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lab.devices.android.changes import Changes
from lab.devices.android.device import AndroidDevice, Plan
from lab.devices.android.driving import Driving
from lab.devices.android.facts import AndroidFacts, identify
from lab.devices.android.items import ItemMaker
from lab.devices.android.lazy_settings import LazySettings
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.root import RootShell
from lab.devices.android.settings_store import (
    SettingsPage,
    SettingsUserStore,
    SettingsUserStoreItem,
)
from lab.devices.driven_phone import Pages
from lab.devices.item import Value
from lab.devices.journal import Journal, Undo
from lab.devices.journal_entry import Header
from lab.devices.lease import DeviceBusy, Lease
from lab.devices.owner import Owner
from lab.devices.phone_models import RootMode
from lab.devices.state_folder import StateError
from lab.model.device import DeviceLost, Surroundings

LAST_CAP = 10.0
"""Seconds to reach a lost phone once more, at the end."""


@dataclass(frozen=True)
class Opening:
    """All that a phone is opened with."""

    plan: Plan
    link: AdbLink
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
    build: Path | None = None
    """An APK of the app under test to install."""
    appium: bool = True
    """There is a real Appium server, which leaves things behind."""
    source: str | None = None
    obituary: Callable[[], str | None] = lambda: None
    kill: Callable[[], None] = lambda: None
    """Ends a phone of the lab's own at once, which is lost."""


def open_phone(
    opening: Opening, surroundings: Surroundings, owner: Owner, stack: ExitStack
) -> AndroidDevice:
    """Take a phone, undo what an earlier run left behind, and make it ready.

    ``stack`` ends what was begun for the phone; the device owns it. Raises DeviceLost where the
    phone cannot be had: not reached, somebody else's, not put back, not ready.
    """
    plan, link = opening.plan, opening.link
    stack.callback(link.close)
    try:
        facts = identify(link, plan.app)
        stack.callback(_lease(facts, opening, owner).release)
        journal = Journal(opening.journals, facts.serial)
        items = ItemMaker(link, facts.root, _lazy_settings(opening))
        undone = journal.undo(items)
        if not undone.complete:
            raise DeviceLost(f"what an earlier run changed could not be put back: {left(undone)}")
        journal.begin(_header(opening, facts, owner))
        changes = Changes(RootShell(link, facts.root), journal)
        # From here on there is something to put back.
        closing = _Closing(opening, journal, items, stack)
        try:
            facts = _make_ready(opening, facts, changes)
            return AndroidDevice(
                plan,
                surroundings,
                facts,
                changes,
                opening.driving,
                opening.pages,
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


def left(undo: Undo) -> str:
    """Say what is not undone."""
    return undo.lost or "; ".join(f"{stuck.what}: {stuck.reason}" for stuck in undo.stuck)


def _lease(facts: AndroidFacts, opening: Opening, owner: Owner) -> Lease:
    return Lease.take(
        facts.serial,
        owner.holder,
        wait=owner.lease_wait,
        folder=opening.leases,
        waiting=owner.waiting,
    )


def _header(opening: Opening, facts: AndroidFacts, owner: Owner) -> Header:
    return Header(
        key=facts.serial,
        device=opening.plan.id,
        address=opening.address,
        model=facts.model,
        run_id=owner.run_id,
        started=owner.now(),
    )


def _make_ready(opening: Opening, facts: AndroidFacts, changes: Changes) -> AndroidFacts:
    """Install, wake and begin a session. Return what is known of the phone then."""
    plan, link = opening.plan, opening.link
    if opening.appium:
        changes.before_appium()
    if changes.keep_awake().locked:
        raise DeviceLost("its screen is locked: unlock it, and turn the lock off for the run")
    if facts.clock is not None and facts.root.mode is not RootMode.NONE:
        changes.correct_clock(facts.clock.offset)
    if opening.build is not None:
        changes.install(plan.app, opening.build)
        facts = replace(facts, app=identify(link, plan.app).app)
    if facts.app is None:
        raise DeviceLost(f"{plan.app} is not installed: install it, or name its APK as 'build'")
    opening.driving.begin()
    if facts.root.mode is RootMode.NONE:
        page = _lazy_settings(opening)
        changes.by_hand(SettingsUserStore(link, page), lambda: SettingsUserStoreItem(page))
    return facts


def _lazy_settings(opening: Opening) -> LazySettings:
    return LazySettings(lambda: opening.driving, opening.settings_page)


class _Closing:
    """Puts a phone back and lets go of it."""

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
                self._opening.link.reconnect(LAST_CAP)
            self._journal.undo(self._items)
        except (DeviceLost, CommandRefused, StateError):
            return
