"""What is kept of each connection, and the waiting for it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.adversary.track import QUIET, Track
from lab.model.wire import ConnectionRecord, Lookup

KEPT_ARMINGS = 12
"""Armings of one device whose records are kept: a trial has five."""

KEPT_STRANGERS = 32
"""Ended connections of one arming that are kept although they are foreign, out of scope or did
not say what they want: enough to show what happened, few enough that garbage cannot fill the
memory. So many look-ups of names out of scope are kept, too."""

KEPT_ALIKE = 128
"""Ended connections of one arming to one host and of one class that are kept, and look-ups of
one declared name."""

KEPT_NAMES = 256
"""Names that are counted each by itself."""

OTHERS = "out of scope: others"

FRESH = 0.25
"""Seconds for which a connection that has said nothing yet may hold up a verdict."""


@dataclass(slots=True)
class _Shelf:
    """What is kept of one arming."""

    tracks: dict[int, Track] = field(default_factory=dict)
    lookups: list[Lookup] = field(default_factory=list)
    held: Counter[object] = field(default_factory=Counter)

    def has_room(self, kind: object, limit: int) -> bool:
        """Take note of one more of ``kind``; tell whether it is to be kept."""
        if self.held[kind] >= limit:
            return False
        self.held[kind] += 1
        return True


class Recorder:
    """Keeps the connections of the recent armings of every device."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._shelves: dict[tuple[str, int], _Shelf] = {}
        self._order: dict[str, deque[int]] = {}
        self._counters: Counter[str] = Counter()

    def begin(self, device: str, arming: int) -> None:
        """Make room for the records of a new arming; the oldest go."""
        with self._changed:
            order = self._order.setdefault(device, deque())
            order.append(arming)
            self._shelves[device, arming] = _Shelf()
            while len(order) > KEPT_ARMINGS:
                self._shelves.pop((device, order.popleft()), None)

    def forget(self, device: str) -> None:
        """Let go of everything that is kept of a device."""
        with self._changed:
            for arming in self._order.pop(device, ()):
                self._shelves.pop((device, arming), None)

    def open(self, device: str, arming: int, peer: tuple[str, int], source: str | None) -> Track:
        """A connection was accepted."""
        track = Track(
            id=next(self._ids),
            device=device,
            arming=arming,
            peer=f"{peer[0]}:{peer[1]}",
            foreign=source is not None and peer[0] != source,
            opened_at=time.time(),
            changed=self.touched,
        )
        with self._changed:
            self._counters["opened"] += 1
            if (shelf := self._shelves.get((device, arming))) is not None:
                shelf.tracks[track.id] = track
        return track

    def close(self, track: Track, *, in_scope: bool) -> None:
        """A connection ended. It is kept as far as there is room for its kind."""
        host, wire_class = track.target, track.course.wire_class
        with self._changed:
            track.closed_at = track.closed_at or time.time()
            self._counters[wire_class] += 1
            if track.foreign:
                self._counters["foreign"] += 1
            elif host is None:
                self._counters["unattributed"] += 1
            shelf = self._shelves.get((track.device, track.arming))
            if shelf is not None:
                if track.foreign or not in_scope:
                    kept = shelf.has_room(track.foreign, KEPT_STRANGERS)
                else:
                    kept = shelf.has_room((host, wire_class), KEPT_ALIKE)
                if not kept:
                    del shelf.tracks[track.id]
                    self._counters["not kept"] += 1
            self._changed.notify_all()

    def lookup(self, lookup: Lookup, *, in_scope: bool) -> None:
        """The resolver was asked. It is kept as far as there is room for its kind."""
        with self._changed:
            shelf = self._shelves.get((lookup.device, lookup.arming))
            if shelf is not None:
                kind = ("lookup", lookup.name if in_scope else None)
                if shelf.has_room(kind, KEPT_ALIKE if in_scope else KEPT_STRANGERS):
                    shelf.lookups.append(lookup)
            self._changed.notify_all()

    def count(self, what: str) -> None:
        """Count something that happened."""
        with self._changed:
            self._counters[what] += 1

    def out_of_scope(self, host: str | None) -> None:
        """Count a connection to a host that is not declared, by name where there is room."""
        what = f"out of scope: {host}"
        with self._changed:
            known = what in self._counters or len(self._counters) < KEPT_NAMES
            self._counters[what if known else OTHERS] += 1

    def counters(self) -> dict[str, int]:
        """Return how many of everything there were."""
        with self._changed:
            return dict(self._counters)

    def touched(self) -> None:
        """Something about a living connection changed: wake those who wait for it."""
        with self._changed:
            self._changed.notify_all()

    def lookups(self, device: str, arming: int) -> tuple[Lookup, ...]:
        """Return what the resolver was asked under ``arming``."""
        with self._changed:
            shelf = self._shelves.get((device, arming))
            return () if shelf is None else tuple(shelf.lookups)

    def settle(self, device: str, arming: int, cap: float) -> tuple[ConnectionRecord, ...]:
        """Wait until every own connection of ``arming`` has ended, at most ``cap`` seconds.

        Connections that have said nothing are waited for until they are ``FRESH`` no longer.
        """
        end = time.monotonic() + cap
        with self._changed:
            while True:
                now = time.monotonic()
                patience = max(map(_patience(now), self._tracks(device, arming)), default=0.0)
                if min(patience, end - now) <= 0:
                    return tuple(t.record() for t in self._tracks(device, arming))
                self._changed.wait(min(patience, end - now))

    def wait_for(
        self, device: str, arming: int, wanted: Callable[[ConnectionRecord], bool], cap: float
    ) -> bool:
        """Wait until a connection of ``arming`` is as ``wanted``; tell whether one came."""

        def there() -> bool:
            return any(wanted(t.record()) for t in self._tracks(device, arming))

        with self._changed:
            return self._changed.wait_for(there, cap)

    def secrets(self, device: str, since: int) -> tuple[bytes, ...]:
        """Return what decrypts the connections under arming ``since`` and later ones: lines of a
        TLS key log."""
        with self._changed:
            numbers = [number for number in self._order.get(device, ()) if number >= since]
            tracks = [track for number in numbers for track in self._tracks(device, number)]
            return tuple(line for track in tracks for line in track.secrets)

    def _tracks(self, device: str, arming: int) -> tuple[Track, ...]:
        shelf = self._shelves.get((device, arming))
        return () if shelf is None else tuple(shelf.tracks.values())


def _patience(now: float) -> Callable[[Track], float]:
    """Return for how many seconds after ``now`` a track may hold up a verdict."""

    def of(track: Track) -> float:
        if track.foreign or track.idle or track.closed_at is not None:
            return 0.0
        if track.told_at is not None:
            return track.told_at + QUIET - now
        # A stranger's idle connection must not hold up a verdict, what the app just opened must.
        return float("inf") if track.told else track.born + FRESH - now

    return of
