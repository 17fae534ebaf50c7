"""Fixtures: phones that are plugged in, and what a paired computer opens on them."""

from __future__ import annotations

import gc
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.patience import eventually
from tests.phone.ios.cable import UDID, Cable, plugged_in
from tests.phone.ios.peer import Message, Peer, open_service, open_session, read_record

PlugIn = Callable[..., Cable]
OpenService = Callable[[str], Peer]


@pytest.fixture(scope="session")
def paired_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a phone and a computer keep that are paired; keys take a while to make."""
    home = tmp_path_factory.mktemp("paired")
    with plugged_in(home) as cable:
        read_record(cable.usbmuxd.port, UDID)
    # A phone's files are closed once nobody knows it any more, and change until then.
    gc.collect()
    return home


@pytest.fixture
def plug_in(tmp_path: Path, paired_home: Path) -> Iterator[PlugIn]:
    """Plugs phones in; checks that no thread of theirs is left when they are unplugged."""
    before = threads()
    shutil.copytree(paired_home, tmp_path, dirs_exist_ok=True)
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(plugged_in(tmp_path, **options))
    assert eventually(lambda: threads() <= before), threads() - before


@pytest.fixture
def cable(plug_in: PlugIn) -> Cable:
    """A phone that is paired with this computer."""
    return plug_in()


@pytest.fixture
def record(cable: Cable) -> Message:
    """This computer's pair record."""
    return read_record(cable.usbmuxd.port, UDID)


@pytest.fixture
def session(cable: Cable, record: Message, tmp_path: Path) -> Iterator[Peer]:
    """A connection to lockdownd with a session."""
    with open_session(cable.usbmuxd.port, record, tmp_path) as peer:
        yield peer


@pytest.fixture
def service(cable: Cable, record: Message, tmp_path: Path) -> Iterator[OpenService]:
    """Opens connections to device services."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(
            open_service(cable.usbmuxd.port, record, tmp_path, name)
        )


def threads() -> set[threading.Thread]:
    """Return the threads of usbmuxd and of what it leads to."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("usbmux")}
