"""Whatever bytes a phone sends, there is an answer or one of two errors."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.android.link import CommandRefused, Ran
from lab.devices.android.processes import Processes, read_processes
from lab.devices.android.root import Root, RootShell
from lab.devices.android.shell_link import AdbShellLink
from lab.devices.android.stores import StoreFile, as_value, names_of, read_listing
from lab.devices.android.wifi import WifiItem
from lab.devices.phone_models import RootMode
from lab.model.device import DeviceLost
from tests.devices.android.fake_adbd import BANNER, MAX_DATA, VERSION, message
from tests.devices.android.scripted import ScriptedLink, answering


class Tape:
    """A ``Pipe`` that plays bytes, and then hangs up."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def open(self, cap: float) -> None:
        self._at = 0

    def read(self, most: int, cap: float) -> bytes:
        chunk = self._content[self._at : self._at + min(most, 7)]
        self._at += len(chunk)
        return chunk

    def write(self, content: bytes, cap: float) -> None:
        return

    def close(self) -> None:
        return


SMALL = st.one_of(st.integers(0, 3), st.integers(0, 0xFFFFFFFF))
SYNC = st.builds(
    lambda word, size, rest: word + struct.pack("<I", size) + rest,
    st.sampled_from([b"DATA", b"DONE", b"FAIL", b"OKAY", b"DENT", b"STAT", b"LIST", b"NOPE"]),
    SMALL,
    st.binary(max_size=40),
)
MESSAGE = st.builds(
    message,
    st.sampled_from([b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"SYNC"]),
    SMALL,
    SMALL,
    st.one_of(st.binary(max_size=60), SYNC),
)
BYTES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda greeting, messages, rest: greeting + b"".join(messages) + rest,
        st.sampled_from([b"", message(b"CNXN", VERSION, MAX_DATA, BANNER)]),
        st.lists(MESSAGE, max_size=12),
        st.binary(max_size=30),
    ),
)


ACTS: tuple[Callable[[AdbShellLink], object], ...] = (
    lambda link: link.run("true", cap=2),
    lambda link: link.pull("/x", limit=1000),
    lambda link: link.push(b"content", "/x"),
)


@settings(max_examples=300, deadline=None)
@given(BYTES)
def test_any_bytes_are_an_answer_or_a_clear_error(content: bytes) -> None:
    for act in ACTS:
        link = AdbShellLink("tape", Tape(content), lambda: (), connect_cap=2, transfer_cap=2)
        try:
            act(link)
        except (DeviceLost, CommandRefused) as error:
            told = str(error)
        else:
            told = ""
        assert told.isprintable()
        assert len(told) < 600
        link.close()


@given(st.text(max_size=400))
def test_any_list_of_processes_is_one_or_refused(told: str) -> None:
    for text in (told, f"PID PPID NAME\n1 0 init\n7 1 zygote64\n{told}"):
        shell = RootShell(ScriptedLink(answering({}, other=text)), Root(RootMode.ADBD))
        with suppress(CommandRefused):
            found = read_processes(shell)
            assert found.zygotes <= found.of_apps


@given(st.dictionaries(st.integers(2, 40), st.integers(0, 40), max_size=40))
def test_descendants_of_zygote_are_of_apps_and_no_others(parents: dict[int, int]) -> None:
    rows = [(7, 1, "zygote64"), *((pid, up, "x") for pid, up in parents.items() if pid != 7)]
    table = "PID PPID NAME\n" + "".join(f"{a} {b} {c}\n" for a, b, c in rows)
    shell = RootShell(ScriptedLink(lambda _: table), Root(RootMode.ADBD))
    found: Processes = read_processes(shell)
    of = {pid: up for pid, up, _ in rows}

    def descends(pid: int) -> bool:
        seen = set()
        while pid != 7 and pid in of and pid not in seen:
            seen.add(pid)
            pid = of[pid]
        return pid == 7

    assert found.of_apps == {pid for pid, _, _ in rows if descends(pid)}


NAME = st.from_regex(r"[0-9a-f]{8}\.[0-9]{1,2}", fullmatch=True)


@given(st.dictionaries(NAME, st.text("0123456789abcdef", min_size=64, max_size=64)))
def test_what_is_listed_is_read(files: dict[str, str]) -> None:
    told = "there\n" + "".join(f"{digest}  {name}\n" for name, digest in files.items())
    assert read_listing(Ran(told, 0)) == files
    assert names_of(as_value(files)) == set(files)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_wifi_is_one_or_refused(status: str, saved: str) -> None:
    link = ScriptedLink(
        lambda command: f"Wifi is enabled\n{status}" if command.endswith("status") else saved
    )
    with suppress(CommandRefused):
        item = WifiItem(link)
        value = item.read()
        assert item.same(value, value)


def test_a_file_of_a_store_has_the_hash_of_its_content() -> None:
    assert StoreFile("a.0", "").sha256.startswith("e3b0c442")
