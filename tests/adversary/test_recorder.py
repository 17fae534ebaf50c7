from __future__ import annotations

import threading
import time

import pytest

from lab.adversary.recorder import FRESH, KEPT_ALIKE, KEPT_STRANGERS, Recorder
from lab.adversary.track import Track
from lab.model.wire import Lookup, WireClass
from tests.patience import CAP, LONG, not_waiting

PEER = ("127.0.0.1", 40_000)


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder()
    recorder.begin("phone", 1)
    return recorder


def opened(recorder: Recorder, host: str | None = None, source: str | None = None) -> Track:
    track = recorder.open("phone", 1, PEER, source)
    track.host = host
    return track


def test_ids_tell_the_order(recorder: Recorder) -> None:
    assert [opened(recorder).id for _ in range(3)] == [1, 2, 3]
    assert [r.id for r in recorder.settle("phone", 1, 0)] == [1, 2, 3]


def test_only_what_is_the_devices_own_is_waited_for(recorder: Recorder) -> None:
    stranger = opened(recorder, "a.test", "127.0.0.9")
    assert stranger.foreign
    with not_waiting():
        assert len(recorder.settle("phone", 1, LONG)) == 1
    opened(recorder, "a.test", PEER[0])
    assert len(recorder.settle("phone", 1, 0.05)) == 2


def test_a_fresh_connection_is_waited_for_until_it_is_stale(recorder: Recorder) -> None:
    began = time.monotonic()
    opened(recorder)
    with not_waiting():
        recorder.settle("phone", 1, LONG)
    assert time.monotonic() - began >= FRESH


def test_a_stale_connection_is_not_waited_for(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = opened(recorder)
    track.born -= LONG
    monkeypatch.setattr("lab.adversary.recorder.FRESH", LONG)
    with not_waiting():
        recorder.settle("phone", 1, LONG)


def test_what_a_fresh_connection_becomes_is_waited_for(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what it wants only after the waiting has begun, and is stale by then."""
    monkeypatch.setattr("lab.adversary.recorder.FRESH", LONG)
    track = opened(recorder)

    def live() -> None:
        track.host = "a.test"
        track.born -= LONG
        track.changed()
        threading.Timer(0.05, lambda: recorder.close(track, in_scope=True)).start()

    threading.Timer(0.05, live).start()
    (record,) = recorder.settle("phone", 1, CAP)
    assert record.host == "a.test"
    assert record.closed_at is not None


def test_a_connection_that_is_opened_meanwhile_is_waited_for(recorder: Recorder) -> None:
    first = opened(recorder, "a.test")

    def retry() -> None:
        second = opened(recorder, "a.test")
        recorder.close(first, in_scope=True)
        threading.Timer(0.05, lambda: recorder.close(second, in_scope=True)).start()

    threading.Timer(0.05, retry).start()
    records = recorder.settle("phone", 1, CAP)
    assert [r.closed_at is not None for r in records] == [True, True]


def test_each_kind_has_room_of_its_own(recorder: Recorder) -> None:
    for n in range(KEPT_ALIKE + 50):
        recorder.close(opened(recorder, f"{n}.example"), in_scope=False)
        recorder.close(opened(recorder, "a.test"), in_scope=True)
        recorder.close(opened(recorder, "a.test", "127.0.0.9"), in_scope=True)
    leak = opened(recorder, "a.test")
    leak.cleartext()
    recorder.close(leak, in_scope=True)
    records = recorder.settle("phone", 1, 0)
    assert sum(r.foreign for r in records) == KEPT_STRANGERS
    assert sum(r.host != "a.test" for r in records) == KEPT_STRANGERS
    assert sum(r.host == "a.test" and not r.foreign for r in records) == KEPT_ALIKE + 1
    assert records[-1].wire_class is WireClass.CLEARTEXT
    assert [r.id for r in records] == sorted(r.id for r in records)
    counters = recorder.counters()
    assert counters["not kept"] == 50 + 2 * (KEPT_ALIKE + 50 - KEPT_STRANGERS)
    assert counters["opened"] == 3 * (KEPT_ALIKE + 50) + 1


def test_lookups_have_room_by_name(recorder: Recorder) -> None:
    for n in range(KEPT_ALIKE + 5):
        for name, in_scope in (("a.test", True), ("b.test", True), (f"{n}.example", False)):
            lookup = Lookup("phone", 1, name, "A", "NXDOMAIN", 0.0)
            recorder.lookup(lookup, in_scope=in_scope)
    names = [lookup.name for lookup in recorder.lookups("phone", 1)]
    assert names.count("a.test") == names.count("b.test") == KEPT_ALIKE
    assert len(names) == 2 * KEPT_ALIKE + KEPT_STRANGERS


def test_what_is_forgotten_may_still_end(recorder: Recorder) -> None:
    track = opened(recorder, "a.test")
    recorder.forget("phone")
    recorder.lookup(Lookup("phone", 1, "a.test", "A", "", 0.0), in_scope=True)
    recorder.close(track, in_scope=True)
    later = opened(recorder, "a.test")
    recorder.close(later, in_scope=True)
    assert recorder.settle("phone", 1, 0) == ()
    assert recorder.lookups("phone", 1) == ()
    assert not recorder.wait_for("phone", 1, lambda r: True, 0)
