from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.android.link import CommandRefused
from lab.devices.item import Item, Value
from lab.devices.journal import Journal, JournalError, Stuck, Undo, pending
from lab.devices.journal_entry import (
    FORMAT,
    MOST,
    Entry,
    Header,
    Unreadable,
    entry_bytes,
    header_bytes,
    read_entry,
    read_header,
)
from lab.devices.state_folder import file_name_of
from lab.model.device import DeviceLost
from tests.pinning.cases import named
from tests.rights import no_rights, open_folder

KEY = "28151FDH3000AB"
HEADER = Header(KEY, "pixel", {"adb": "tcp", "port": 5555}, "Pixel 7", "run-1", "2026-01-02 03:04")


def in_itself() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


class Slot:
    """An item whose device is a dict. Does what ``Desk`` tells it to."""

    kind = "slot"

    def __init__(self, desk: Desk, name: str, kept: Path | None = None) -> None:
        self._desk, self._kept = desk, kept
        self.arguments: Mapping[str, str] = {"name": name}

    @property
    def name(self) -> str:
        return self.arguments["name"]

    def read(self) -> Value:
        if self._desk.keeps is not None and self._kept is not None:
            (self._kept / self.name).write_bytes(self._desk.keeps)
        return self._desk.state.get(self.name)

    def put_back(self, value: Value) -> None:
        self._desk.log.append(self.name)
        if (trouble := self._desk.troubles.get(self.name)) is not None:
            raise trouble
        if self.name not in self._desk.deaf:
            self._desk.state[self.name] = value

    def same(self, before: Value, now: Value) -> bool:
        return before == now


class Desk:
    """A device, what goes wrong with it, and its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state: dict[str, Value] = {"proxy": ":0", "clock": 7, "stores": ["a", {"b": None}]}
        self.troubles: dict[str, Exception] = {}
        self.deaf: set[str] = set()
        self.keeps: bytes | None = None
        self.log: list[str] = []
        self.journal = self.new_journal()

    def new_journal(self, run_id: str = "run-1") -> Journal:
        """Be another process."""
        self.journal = Journal(self.folder, KEY)
        self.journal.begin(Header(KEY, "pixel", {"adb": "tcp"}, "Pixel 7", run_id, "2026-01-02"))
        return self.journal

    def slot(self, name: str) -> Slot:
        return Slot(self, name, self.journal.kept)

    def change(self, name: str, value: Value) -> None:
        with self.journal.changing(self.slot(name)):
            self.state[name] = value

    def make(self, kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        if kind != "slot":
            raise ValueError(f"unknown kind {kind!r}")
        return Slot(self, arguments["name"], kept)

    def undo(self) -> Undo:
        return Journal(self.folder, KEY).undo(self.make)

    @property
    def entries(self) -> list[Path]:
        return sorted(self.journal.path.glob("0*.json"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "journals"
    folder.mkdir()
    return Desk(folder)


class TestRemember:
    """What is written, and when."""

    def test_before_a_change_its_value_is_on_disk(self, desk: Desk) -> None:
        before = dict(desk.state)
        with desk.journal.changing(desk.slot("stores")):
            (entry,) = desk.entries
        assert read_entry(entry.read_bytes()) == Entry("slot", {"name": "stores"}, before["stores"])
        assert read_header((desk.journal.path / "header.json").read_bytes()).key == KEY

    def test_the_disk_has_it_before_its_name(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What counts when the power fails: file, name, folder, in this order."""
        steps = watch_the_disk(monkeypatch)
        desk.journal.remember(desk.slot("clock"))
        name = desk.journal.path.name
        assert steps == [
            "sync journals",
            f"sync {name}",
            "sync .header.json.new",
            "rename .header.json.new header.json",
            f"sync {name}",
            "sync kept",
            "sync .000001.json.new",
            "rename .000001.json.new 000001.json",
            f"sync {name}",
        ]
        steps.clear()
        desk.keeps = b"old.apk"
        desk.journal.remember(desk.slot("proxy"))
        assert steps[:3] == ["sync proxy", "sync kept", "sync .000002.json.new"]

    def test_the_oldest_value_stays(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.change("clock", 9)
        desk.new_journal()
        desk.change("clock", 10)
        (entry,) = desk.entries
        assert read_entry(entry.read_bytes()).value == 7

    def test_the_same_item_whatever_the_order_of_its_arguments(self, desk: Desk) -> None:
        for arguments in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1", "b": "3"}):
            slot = desk.slot("clock")
            slot.arguments = {"name": "clock", **arguments}
            desk.journal.remember(slot)
        assert len(desk.entries) == 2

    def test_another_process_counts_on(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.new_journal().remember(desk.slot("proxy"))
        assert [path.name for path in desk.entries] == ["000001.json", "000002.json"]
        # An entry that cannot be read has its number all the same.
        desk.entries[1].write_bytes(b"")
        desk.new_journal().remember(desk.slot("stores"))
        assert [path.name for path in desk.entries][2:] == ["000003.json"]

    def test_the_header_is_that_of_the_last_run(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.new_journal("run-2")
        (found,) = pending(desk.folder)
        assert found.header is not None
        assert found.header.run_id == "run-1"
        desk.change("clock", 9)
        (found,) = pending(desk.folder)
        assert found.header is not None
        assert found.header.run_id == "run-2"

    def test_it_is_nobody_else_s_business(self, desk: Desk) -> None:
        before = os.umask(0)
        try:
            desk.change("clock", 8)
        finally:
            os.umask(before)
        assert desk.journal.path.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o077 for path in desk.journal.path.iterdir()} == {0}

    def test_what_a_crash_left_half_written_is_written_anew(self, desk: Desk) -> None:
        desk.change("clock", 8)
        (desk.journal.path / ".000002.json.new").write_text("{")
        desk.change("proxy", "lab:1")
        assert len(desk.entries) == 2
        assert desk.undo().complete


class TestNoJournalNoChange:
    """Where nothing can be written, nothing may be changed."""

    def changed(self, desk: Desk, name: str = "clock") -> str:
        with pytest.raises(JournalError) as error:
            desk.change(name, "changed")
        assert desk.state.get(name) != "changed"
        assert str(error.value).startswith(f"{desk.journal.path}: ")
        assert str(error.value).endswith("; nothing was changed")
        return str(error.value)

    def test_a_folder_that_may_not_be_written(self) -> None:
        with open_folder() as folder:
            folder.chmod(0o555)
            desk = Desk(folder)
            with no_rights():
                told = self.changed(desk)
            folder.chmod(0o755)
        assert f"the journal cannot be written: {os.strerror(errno.EACCES)}" in told

    @pytest.mark.parametrize("written", range(9))
    def test_a_full_disk(self, written: int, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """At each of the moments at which it may turn out to be full."""
        with monkeypatch.context() as patches:
            steps = watch_the_disk(patches, full_after=written)
            told = self.changed(desk)
        assert len(steps) == written
        assert f"the journal cannot be written: {os.strerror(errno.ENOSPC)}" in told
        assert not list(desk.journal.path.glob(".*.new"))
        desk.change("clock", 8)
        assert desk.undo() == Undo(("slot (name clock)",))
        assert desk.state["clock"] == 7

    def test_a_folder_that_is_gone(self, desk: Desk) -> None:
        shutil.rmtree(desk.folder)
        assert os.strerror(errno.ENOENT) in self.changed(desk)

    def test_a_file_in_the_folder_s_place(self, desk: Desk) -> None:
        desk.journal.path.touch()
        self.changed(desk)

    @named(
        "value",
        {
            "a set": {1, 2},
            "bytes": b"x",
            "not a number": float("nan"),
            "infinite": float("inf"),
            "in itself": in_itself(),
            "too long": "x" * MOST,
        },
    )
    def test_a_value_that_could_not_be_read_again(self, value: Any, desk: Desk) -> None:
        desk.state["odd"] = value
        told = self.changed(desk, "odd")
        assert "cannot be written as JSON" in told or f"longer than {MOST} bytes" in told
        assert desk.entries == []

    @pytest.mark.parametrize("trouble", [DeviceLost("unplugged"), CommandRefused("no")])
    def test_a_device_that_does_not_tell(
        self, trouble: Exception, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def untold(self: Slot) -> Value:
            raise trouble

        monkeypatch.setattr(Slot, "read", untold)
        with pytest.raises(type(trouble)):
            desk.change("clock", 8)
        assert desk.state["clock"] == 7
        assert pending(desk.folder) == ()

    def test_what_an_item_cannot_keep(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.keeps = b"old.apk"
        desk.journal.remember(desk.slot("proxy"))
        monkeypatch.setattr(Path, "write_bytes", full)
        assert os.strerror(errno.ENOSPC) in self.changed(desk)


class TestUndo:
    """Newest first; what took is struck out, what did not is told."""

    def test_everything_is_as_before(self, desk: Desk) -> None:
        before = dict(desk.state)
        for name in ("clock", "stores", "proxy", "new", "clock"):
            desk.change(name, "changed")
        undo = desk.undo()
        assert undo.complete
        assert undo.undone == tuple(
            f"slot (name {name})" for name in ("new", "proxy", "stores", "clock")
        )
        assert desk.log == ["new", "proxy", "stores", "clock"]
        assert desk.state == {**before, "new": None}
        assert list(desk.folder.iterdir()) == []

    def test_without_a_journal_there_is_nothing_to_undo(self, desk: Desk) -> None:
        assert desk.undo() == Undo()
        assert desk.undo().complete

    def test_more_than_a_million_entries_would_keep_their_order(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.entries[0].rename(desk.journal.path / "999999.json")
        desk.new_journal()
        desk.change("proxy", "lab:1")
        assert (desk.journal.path / "1000000.json").exists()
        assert desk.undo().complete
        assert desk.log == ["proxy", "clock"]

    def test_it_is_struck_out_only_when_it_was_read_back(self, desk: Desk) -> None:
        for name in ("clock", "proxy", "stores"):
            desk.change(name, "changed")
        desk.deaf.add("proxy")
        undo = desk.undo()
        told = "was put back, but is changed instead of :0"
        assert undo.stuck == (Stuck("slot (name proxy)", told, desk.entries[0]),)
        assert not undo.complete
        assert [path.name for path in desk.entries] == ["000002.json"]
        assert desk.undo().stuck == undo.stuck
        desk.deaf.clear()
        assert desk.undo() == Undo(("slot (name proxy)",))
        assert list(desk.folder.iterdir()) == []

    @named(
        "trouble",
        {
            "refused": (CommandRefused("settings put: denied"), "settings put: denied"),
            "not a value": (ValueError("not a clock: 7"), "not a clock: 7"),
            "a defect": (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
            "a missing file": (FileNotFoundError("old.apk"), "FileNotFoundError: old.apk"),
        },
    )
    def test_one_that_fails_hides_no_other(
        self, trouble: tuple[Exception, str], desk: Desk
    ) -> None:
        for name in ("clock", "proxy", "stores"):
            desk.change(name, "changed")
        desk.troubles["proxy"], told = trouble
        undo = desk.undo()
        assert [(stuck.what, stuck.reason) for stuck in undo.stuck] == [("slot (name proxy)", told)]
        assert len(undo.undone) == 2
        assert (desk.state["clock"], desk.state["stores"]) == (7, ["a", {"b": None}])

    @pytest.mark.parametrize("words", ["unplugged", ""])
    def test_a_lost_device_keeps_its_journal(self, words: str, desk: Desk) -> None:
        for name in ("clock", "proxy", "stores"):
            desk.change(name, "changed")
        desk.troubles["proxy"] = DeviceLost(words)
        undo = desk.undo()
        assert undo.undone == ("slot (name stores)",)
        assert undo.lost == (words or "it does not answer any more")
        assert not undo.complete
        assert desk.log == ["stores", "proxy"]
        desk.troubles.clear()
        assert desk.undo().complete
        assert desk.state["clock"] == 7

    def test_what_was_changed_again_after_an_undo_is_remembered_anew(self, desk: Desk) -> None:
        desk.change("clock", 8)
        assert desk.journal.undo(desk.make).complete
        desk.state["clock"] = 20
        desk.change("clock", 21)
        assert desk.journal.undo(desk.make).complete
        assert desk.state["clock"] == 20

    def test_an_entry_that_cannot_be_removed(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.change("clock", 8)
        with monkeypatch.context() as patches:
            patches.setattr(Path, "unlink", full)
            undo = desk.undo()
        (stuck,) = undo.stuck
        why = f"is put back, but its entry cannot be removed: {os.strerror(errno.ENOSPC)}"
        assert stuck.reason == why
        assert desk.undo().complete

    def test_what_items_kept_is_there_until_the_end(self, desk: Desk) -> None:
        desk.keeps = b"old.apk"
        desk.change("clock", 8)
        desk.change("proxy", "lab:1")
        desk.deaf.add("clock")
        desk.keeps = None
        assert not desk.undo().complete
        assert (desk.journal.kept / "clock").read_bytes() == b"old.apk"
        desk.deaf.clear()
        assert desk.undo().complete
        assert not desk.journal.kept.exists()

    def test_other_files_are_in_nobody_s_way(self, desk: Desk) -> None:
        desk.change("clock", 8)
        for name in ("1.json", "000002.json.bak", "notes.txt", ".000009.json.new", "٠٠٠٠٠٣.json"):
            (desk.journal.path / name).write_text("?")
        assert desk.undo() == Undo(("slot (name clock)",))
        assert list(desk.folder.iterdir()) == []


def altered(**changes: object) -> bytes:
    said = {"format": FORMAT, "kind": "slot", "arguments": {"name": "clock"}, "value": 7, **changes}
    return json.dumps({key: value for key, value in said.items() if value != "gone"}).encode()


class TestCorruptEntries:
    """They are told, with what to do, and hide no other."""

    @named(
        "content",
        {
            "empty": (b"", "not JSON"),
            "torn": (altered()[:-5], "not JSON"),
            "binary": (bytes(range(256)), "not JSON"),
            "deep": (b"[" * 200_000, "not JSON"),
            "a number that is none": (b'{"value": NaN}', "NaN is not JSON"),
            "a list": (b"[]", "not a JSON object"),
            "too long": (b" " * (MOST + 1), f"longer than {MOST} bytes"),
            "no format": (altered(format="gone"), "its format is null, this version of the lab"),
            "another version": (
                altered(format="x/2"),
                f"x/2, this version of the lab reads {FORMAT}",
            ),
            "no kind": (altered(kind="gone"), "'kind' is missing"),
            "no value": (altered(value="gone"), "'value' is missing"),
            "kind": (altered(kind=7), "'kind' is not a text"),
            "arguments": (altered(arguments=[]), "'arguments' are not an object of texts"),
            "an argument": (altered(arguments={"a": 1}), "'arguments' are not an object of texts"),
            "more": (altered(more=1), "'more' is not known"),
        },
    )
    def test_not_an_entry(self, content: tuple[bytes, str], desk: Desk) -> None:
        for name in ("clock", "proxy", "stores"):
            desk.change(name, "changed")
        broken, why = desk.entries[1], content[1]
        broken.write_bytes(content[0])
        undo = desk.undo()
        assert undo.undone == ("slot (name stores)", "slot (name clock)")
        (stuck,) = undo.stuck
        assert (stuck.what, stuck.file) == ("entry 000002.json", broken)
        assert why in stuck.reason
        assert "put back by hand what it tells of, then delete it" in stuck.reason
        assert stuck.reason.isprintable()
        broken.unlink()
        assert desk.undo().complete
        assert list(desk.folder.iterdir()) == []

    @pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
    def test_not_a_file(self, kind: str, desk: Desk) -> None:
        desk.change("clock", 8)
        path = desk.journal.path / "000002.json"
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "link":
                path.symlink_to("nowhere")
        undo = desk.undo()
        assert undo.undone == ("slot (name clock)",)
        assert [stuck.file for stuck in undo.stuck] == [path]
        # Nor is a new run hindered.
        desk.new_journal().remember(desk.slot("proxy"))
        assert desk.entries[-1].name == "000003.json"

    def test_a_kind_that_nobody_knows(self, desk: Desk) -> None:
        desk.change("clock", 8)
        (desk.journal.path / "000002.json").write_bytes(altered(kind="\x1bteleporter"))
        undo = desk.undo()
        assert undo.undone == ("slot (name clock)",)
        (stuck,) = undo.stuck
        assert stuck.what == "�teleporter (name clock)"
        assert stuck.reason == "unknown kind '\\x1bteleporter'"

    def test_an_argument_that_is_missing(self, desk: Desk) -> None:
        desk.change("clock", 8)
        (desk.journal.path / "000002.json").write_bytes(altered(arguments={}))
        (stuck,) = desk.undo().stuck
        assert stuck.reason == "KeyError: 'name'"


class TestPending:
    """What every start says."""

    def test_nothing(self, desk: Desk) -> None:
        assert pending(desk.folder) == ()
        assert pending(desk.folder / "missing") == ()

    def test_what_was_begun_but_changed_nothing(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.entries[0].unlink()
        assert pending(desk.folder) == ()

    def test_all_devices(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.change("proxy", "lab:1")
        other = Journal(desk.folder, "B")
        other.begin(Header("B", "\x1bgalaxy", {}, "Galaxy", "run\n2", "then"))
        other.remember(desk.slot("clock"))
        (desk.folder / "README").write_text("not a journal")
        assert sorted(map(str, pending(desk.folder))) == [
            f"device pixel ({KEY}): 2 changes are not undone since run run-1 of 2026-01-02",
            "device �galaxy (B): 1 change is not undone since run run�2 of then",
        ]

    @named(
        "content",
        {
            "missing": (None, "not a file"),
            "empty": (b"", "not JSON"),
            "another version": (b'{"format": "x/2"}', "its format is x/2"),
            "no address": (
                header_bytes(HEADER).replace(b'"adb"', b'"x"').replace(b'"address"', b'"at"'),
                "'address' is missing",
            ),
            "address": (header_bytes(HEADER).replace(b'"pixel"', b"7"), "'device' is not a text"),
            "another device": (
                header_bytes(HEADER).replace(KEY.encode(), b"other"),
                "its key 'other' belongs to another folder",
            ),
        },
    )
    def test_a_header_that_cannot_be_read(
        self, content: tuple[bytes | None, str], desk: Desk
    ) -> None:
        desk.change("clock", 8)
        header = desk.journal.path / "header.json"
        header.unlink()
        if content[0] is not None:
            header.write_bytes(content[0])
        (found,) = pending(desk.folder)
        assert found.header is None
        assert str(found).startswith(f"1 change is not undone: {header} cannot be read: ")
        assert content[1] in str(found)
        # A run on that device knows how to reach it, and undoes it; its header is written anew.
        desk.new_journal("run-3").remember(desk.slot("proxy"))
        (found,) = pending(desk.folder)
        assert found.header is not None
        assert desk.undo().complete

    def test_a_journal_that_may_not_be_read_hides_no_other(self) -> None:
        with open_folder() as folder:
            desk = Desk(folder)
            desk.change("clock", 8)
            closed = folder / "a-closed-one"
            closed.mkdir()
            closed.chmod(0)
            for path in (desk.journal.path, *desk.journal.path.iterdir()):
                path.chmod(0o755)
            with no_rights():
                one, other = pending(folder)
        assert other.header is None
        assert str(other).startswith(f"{closed}: the journal cannot be read: ")
        assert one.changes == 1

    def test_journals_that_may_not_be_read(self) -> None:
        with open_folder() as folder:
            folder.chmod(0)
            with no_rights(), pytest.raises(JournalError, match="the journals cannot be read"):
                pending(folder)
            folder.chmod(0o755)

    def test_a_folder_in_another_s_name(self, desk: Desk) -> None:
        desk.change("clock", 8)
        desk.journal.path.rename(desk.folder / file_name_of("B"))
        (found,) = pending(desk.folder)
        assert "belongs to another folder" in str(found)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip
texts = st.text(st.characters(codec=None, exclude_categories=()))


class TestFiles:
    """What is written is read again."""

    @settings(deadline=None)
    @given(texts, st.dictionaries(texts, texts), values)
    def test_entries(self, kind: str, arguments: dict[str, str], value: Value) -> None:
        entry = Entry(kind, arguments, value)
        assert read_entry(entry_bytes(entry)) == entry
        assert str(entry).isprintable()

    @settings(deadline=None)
    @given(texts, texts, st.dictionaries(texts, values))
    def test_headers(self, key: str, device: str, address: dict[str, Value]) -> None:
        header = Header(key, device, address, "model", "run", "then")
        assert read_header(header_bytes(header)) == header

    @settings(deadline=None)
    @given(st.binary())
    def test_bytes_that_are_none(self, content: bytes) -> None:
        for read in (read_entry, read_header):
            with pytest.raises(Unreadable):
                read(content)

    def test_a_person_can_read_it(self) -> None:
        content = entry_bytes(Entry("clock", {"of": "phone"}, 7)).decode()
        assert content.splitlines()[1:3] == [f'  "format": "{FORMAT}",', '  "kind": "clock",']


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def watch_the_disk(patches: pytest.MonkeyPatch, full_after: int | None = None) -> list[str]:
    """Return the steps that count when the power fails, as they are taken from now on. After so
    many of them the disk is full."""
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def step(text: str) -> None:
        if full_after is not None and len(steps) >= full_after:
            full()
        steps.append(text)

    def synced(file: int) -> None:
        step(f"sync {Path(os.readlink(f'/proc/self/fd/{file}')).name}")
        sync(file)

    def renamed(self: Path, target: Path) -> Path:
        step(f"rename {self.name} {target.name}")
        return rename(self, target)

    patches.setattr(os, "fsync", synced)
    patches.setattr(Path, "replace", renamed)
    return steps
