"""Whatever is remembered, changed, crashed, refused and undone, in whatever order: in the end the
device is what it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lab.devices.android.link import CommandRefused
from lab.devices.item import Item, Value
from lab.devices.journal import Journal, pending
from lab.devices.journal_entry import Header, read_entry
from lab.model.device import DeviceLost

KEY = "MACHINE01"
NAMES = ("proxy", "clock", "wifi", "stores")

names = st.sampled_from(NAMES)
values = st.none() | st.integers(0, 3) | st.lists(st.sampled_from("abc"), max_size=2)


class Crash(BaseException):
    """The end of the process, at this very point."""


class Part:
    """An item of the machine's device. Its value is put together in two steps."""

    kind = "part"

    def __init__(self, machine: JournalMachine, name: str) -> None:
        self._machine = machine
        self.arguments: Mapping[str, str] = {"name": name}
        self._name = name

    def read(self) -> Value:
        self._machine.step()
        return self._machine.state[self._name]

    def put_back(self, value: Value) -> None:
        machine = self._machine
        if self._name in machine.refusing:
            raise CommandRefused("no")
        if machine.unplugged:
            raise DeviceLost("unplugged")
        machine.step()
        machine.state[self._name] = "half"
        machine.step()
        machine.state[self._name] = value
        machine.step()

    def same(self, before: Value, now: Value) -> bool:
        return before == now


class JournalMachine(RuleBasedStateMachine):
    """A device, its journal, and processes that end at any point."""

    def __init__(self) -> None:
        super().__init__()
        self._patches = pytest.MonkeyPatch()
        self._patches.setattr(os, "fsync", lambda file: self.step())
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.left: int | None = None
        self.refusing: set[str] = set()
        self.unplugged = False

    def step(self) -> None:
        """Come to a point at which a process can end."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash

    @initialize(state=st.fixed_dictionaries(dict.fromkeys(NAMES, values)))
    def start(self, state: dict[str, Value]) -> None:
        self.before, self.state = dict(state), state
        self.new_process()

    @rule()
    def new_process(self) -> None:
        self.left = None
        self.journal = Journal(self.folder, KEY)
        self.journal.begin(Header(KEY, "machine", {}, "Machine", "run", "then"))

    @rule(after=st.integers(0, 12))
    def crash_later(self, after: int) -> None:
        self.left = after

    @rule(name=names)
    def remember(self, name: str) -> None:
        self._alive(lambda: self.journal.remember(Part(self, name)))

    @rule(name=names, value=values)
    def change(self, name: str, value: Value) -> None:
        def changed() -> None:
            with self.journal.changing(Part(self, name)):
                self.state[name] = "half"
                self.step()
                self.state[name] = value

        self._alive(changed)

    @rule(name=names)
    def refuse(self, name: str) -> None:
        self.refusing.add(name)

    @precondition(lambda self: self.refusing or self.unplugged)
    @rule()
    def mend(self) -> None:
        self.refusing.clear()
        self.unplugged = False

    @rule()
    def unplug(self) -> None:
        self.unplugged = True

    @rule()
    def undo(self) -> None:
        def undone() -> None:
            undo = self.journal.undo(self._make)
            if undo.complete:
                assert self.state == self.before
                assert not list(self.folder.iterdir())

        self._alive(undone)

    @invariant()
    def what_is_changed_is_written_down(self) -> None:
        if not hasattr(self, "before"):
            return
        changed = {name for name in NAMES if self.state[name] != self.before[name]}
        entries = [read_entry(path.read_bytes()) for path in self.folder.glob("*/0*.json")]
        told = {entry.arguments["name"]: entry.value for entry in entries}
        assert changed <= told.keys()
        assert all(self.before[name] == value for name, value in told.items())
        assert len(told) == len(entries)
        assert sum(found.changes for found in pending(self.folder)) == len(entries)

    def teardown(self) -> None:
        try:
            if hasattr(self, "before"):
                self.mend()
                self.new_process()
                assert self.journal.undo(self._make).complete
                assert self.state == self.before
                assert not list(self.folder.iterdir())
        finally:
            self._patches.undo()
            self._folder.cleanup()

    def _make(self, kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        assert kind == Part.kind
        return Part(self, arguments["name"])

    def _alive(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Crash:
            self.new_process()


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
