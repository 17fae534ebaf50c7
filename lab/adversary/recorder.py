"""What is kept of each connection, and the waiting for it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.adversary.classify import Course, Http2Watch
from lab.model.wire import Alert, ConnectionRecord, Lookup, WireClass

KEPT_ARMINGS = 12
"""Armings of one device whose records are kept: a trial has five."""

KEPT_STRANGERS = 32
"""Connections of one arming that are kept although nothing tells their host: enough to show
what happened, few enough that garbage cannot fill the memory."""

MAX_REQUEST = 400
"""Characters of a request line with its header names that are kept."""


@dataclass(slots=True)
class Track:
    """A connection while it lives. Owned by the adversary's loop."""

    id: int
    device: str
    arming: int
    peer: str
    foreign: bool
    opened_at: float
    course: Course = field(default_factory=Course)
    host: str | None = None
    port: int | None = None
    sni: str | None = None
    alpn_offered: tuple[str, ...] = ()
    alpn: str | None = None
    tls_version: str | None = None
    alert: Alert | None = None
    served_chain: tuple[str, ...] = ()
    request: str | None = None
    relayed_up: int = 0
    relayed_down: int = 0
    fingerprint: str | None = None
    closed_at: float | None = None
    note: str | None = None

    def established(self, version: str, alpn: str | None) -> None:
        """The handshake with the adversary was finished."""
        self.course.established = True
        self.tls_version = version
        self.alpn = alpn
        if alpn == "h2":
            self.course.http2 = Http2Watch()

    def cleartext(self, size: int) -> None:
        """So many application bytes came without TLS, in all."""
        self.course.clear = True
        self.course.client_bytes = max(self.course.client_bytes, size)

    def record(self) -> ConnectionRecord:
        """Return what is known as of now."""
        return ConnectionRecord(
            id=self.id,
            device=self.device,
            arming=self.arming,
            peer=self.peer,
            host=self.host or self.sni,
            port=self.port,
            wire_class=self.course.wire_class,
            sni=self.sni,
            alpn_offered=self.alpn_offered,
            alpn=self.alpn,
            tls_version=self.tls_version,
            alert=self.alert,
            served_chain=self.served_chain,
            client_bytes=self.course.client_bytes,
            request=self.request,
            relayed_bytes=(self.relayed_up, self.relayed_down),
            fingerprint=self.fingerprint,
            foreign=self.foreign,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            note=self.note,
        )


class Recorder:
    """Keeps the connections of the recent armings of every device."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._tracks: dict[tuple[str, int], list[Track]] = {}
        self._lookups: dict[tuple[str, int], list[Lookup]] = {}
        self._order: dict[str, deque[int]] = {}
        self.counters: Counter[str] = Counter()

    def begin(self, device: str, arming: int) -> None:
        """Make room for the records of a new arming; the oldest go."""
        with self._changed:
            order = self._order.setdefault(device, deque())
            order.append(arming)
            self._tracks[device, arming] = []
            self._lookups[device, arming] = []
            while len(order) > KEPT_ARMINGS:
                oldest = order.popleft()
                self._tracks.pop((device, oldest), None)
                self._lookups.pop((device, oldest), None)

    def open(self, device: str, arming: int, peer: tuple[str, int], source: str | None) -> Track:
        """A connection was accepted."""
        track = Track(
            id=next(self._ids),
            device=device,
            arming=arming,
            peer=f"{peer[0]}:{peer[1]}",
            foreign=source is not None and peer[0] != source,
            opened_at=time.time(),
        )
        with self._changed:
            self.counters["opened"] += 1
            self._tracks.setdefault((device, arming), []).append(track)
        return track

    def close(self, track: Track) -> None:
        """A connection ended. What nobody could attribute is only kept as far as there is room."""
        with self._changed:
            track.closed_at = time.time()
            self.counters[track.course.wire_class] += 1
            kept = self._tracks.get((track.device, track.arming), [])
            if track.foreign or track.record().host is None:
                self.counters["foreign" if track.foreign else "unattributed"] += 1
                strangers = [t for t in kept if t.foreign or t.record().host is None]
                if len(strangers) > KEPT_STRANGERS:
                    kept.remove(track)
            self._changed.notify_all()

    def lookup(self, lookup: Lookup) -> None:
        """The resolver was asked."""
        with self._changed:
            kept = self._lookups.setdefault((lookup.device, lookup.arming), [])
            if len(kept) < KEPT_STRANGERS * 4:
                kept.append(lookup)
            self._changed.notify_all()

    def touched(self) -> None:
        """Something about a living connection changed: wake those who wait for it."""
        with self._changed:
            self._changed.notify_all()

    def lookups(self, device: str, arming: int) -> tuple[Lookup, ...]:
        """Return what the resolver was asked under ``arming``."""
        with self._changed:
            return tuple(self._lookups.get((device, arming), ()))

    def settle(self, device: str, arming: int, cap: float) -> tuple[ConnectionRecord, ...]:
        """Wait until every own connection of ``arming`` has ended, at most ``cap`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._living(device, arming), cap)
            return tuple(t.record() for t in self._tracks.get((device, arming), ()))

    def wait_for(
        self, device: str, arming: int, wanted: Callable[[ConnectionRecord], bool], cap: float
    ) -> bool:
        """Wait until a connection of ``arming`` is as ``wanted``; tell whether one came."""

        def there() -> bool:
            return any(wanted(t.record()) for t in self._tracks.get((device, arming), ()))

        with self._changed:
            return self._changed.wait_for(there, cap)

    def _living(self, device: str, arming: int) -> bool:
        return any(
            t.closed_at is None and not t.foreign and _can_still_tell(t)
            for t in self._tracks.get((device, arming), ())
        )


def _can_still_tell(track: Track) -> bool:
    """A stranger's idle connection must not hold up a verdict."""
    return track.host is not None or track.course.wire_class is not WireClass.TCP_ONLY
