"""What happened in one trial, in one order of time: every witness, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from lab.evidence.text import clipped, counted, one_line, short_digest
from lab.judge.reading import own
from lab.model.failure_report import FailureReport
from lab.model.monitored import MonitoredConnection
from lab.model.outcome import Answer, AppOutcome
from lab.model.trial import Phase, PhaseName, Trial
from lab.model.wire import LEAKED, Alert, ConnectionRecord, Lookup, WireClass

WIDTH = 100.0
"""Units of a bar's track, from the trial's first moment to its last."""
SHORTEST_BAR = 2.0
MOST_ROWS = 30
"""Rows of one kind in one phase. A page is for reading; results.json has everything."""
LONGEST_STEP = 200
"""Characters of one step."""

PHASES = {
    PhaseName.BASELINE: "Before: benign request",
    PhaseName.ATTACK: "Attack",
    PhaseName.CONTROL: "Control",
    PhaseName.RECOVERY: "After: benign request",
}

BENIGN = (PhaseName.BASELINE, PhaseName.RECOVERY)


class Source(StrEnum):
    """Who saw it."""

    DNS = "DNS"
    WIRE = "wire"
    APP = "app"
    REPORT = "report"


class Look(StrEnum):
    """What became of the application data."""

    READ = "read"
    KEPT = "kept"
    RELAYED = "relayed"
    STUB = "stub"
    """Too little happened for data to be lost."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row."""

    source: Source
    steps: tuple[str, ...]
    """What happened, one after the other."""
    came_to: str = ""
    """The last step: what decides."""
    at: float | None = None
    """Seconds since the trial's first moment; None where nobody took the time."""
    x: float = 0.0
    width: float = 0.0
    """Of the bar, in units of the track; no bar where ``at`` is None."""
    look: Look = Look.STUB
    leaked: bool = False
    """Application data got to the adversary where it must not."""
    aside: bool = False
    """Not of the device under test, or to another host than the one that is attacked."""
    log: tuple[str, ...] = ()
    """The app's lines and the phone's; none of a benign request that went as it should."""


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one phase."""

    name: str
    title: str
    events: tuple[Event, ...]
    left_out: int = 0
    """Rows beyond ``MOST_ROWS``."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows of one trial."""

    sections: tuple[Section, ...]
    span: float
    """Seconds from the first moment to the last; 0 where the records hold no times."""


@dataclass(frozen=True, slots=True)
class Track:
    """Where on the axis a moment stands."""

    start: float
    span: float

    def place(self, event: Event, opened: float, closed: float | None) -> Event:
        """Return ``event`` with its time and bar; as it is where there is no time."""
        if opened <= 0 or self.span <= 0:
            return event
        left, right = self._x(opened), self._x(closed) if closed is not None else WIDTH
        width = max(SHORTEST_BAR, right - left)
        left = min(left, WIDTH - width)
        at = max(0.0, opened - self.start)
        return replace(event, at=at, x=round(left, 1), width=round(width, 1))

    def _x(self, at: float) -> float:
        return WIDTH * min(1.0, max(0.0, (at - self.start) / self.span))


def make_timeline(trial: Trial, *, brief: bool = False) -> Timeline:
    """Return what happened in ``trial``. Where it is to be ``brief``, a benign request that went as
    it should is one row."""
    track = _track(trial)
    reports = sorted(trial.reports, key=lambda report: report.received_at)
    sections: list[Section] = []
    for phase, until in zip(trial.phases, _ends(trial.phases), strict=True):
        due = [r for r in reports if r.received_at < until]
        reports = reports[len(due) :]
        short = brief and phase.name in BENIGN and _is_well(phase)
        sections.append(_section(trial, phase, due, track, brief=short))
    return Timeline(tuple(sections), track.span)


def _ends(phases: tuple[Phase, ...]) -> Iterator[float]:
    """Yield for each phase when the next one begins; what has no time comes in the last one."""
    begins = [
        min((c.opened_at for c in p.connections if c.opened_at > 0), default=0) for p in phases
    ]
    for index in range(len(phases)):
        yield next((at for at in begins[index + 1 :] if at > 0), float("inf"))


def _track(trial: Trial) -> Track:
    seen = [c for phase in trial.phases for c in own(phase, phase.host)]
    moments = [at for c in seen for at in (c.opened_at, c.closed_at) if at]
    moments += [at for at in (trial.started_at, trial.ended_at) if at > 0]
    moments += [report.received_at for report in trial.reports if report.received_at > 0]
    if len(moments) < 2:
        return Track(0.0, 0.0)
    return Track(min(moments), max(moments) - min(moments))


def _is_well(phase: Phase) -> bool:
    return phase.armed and phase.outcome.answer is Answer.ACCEPTED and bool(own(phase, phase.host))


def _section(
    trial: Trial, phase: Phase, reports: Iterable[FailureReport], track: Track, *, brief: bool
) -> Section:
    title = PHASES[phase.name]
    if phase.name is PhaseName.CONTROL:
        title += f": {trial.control_kind} client"
    if phase.shared:
        title += " (the one that ended the scenario before)"
    if not phase.armed:
        title += ", not armed throughout"
    connections = own(phase, phase.host)[:1] if brief else phase.connections
    seen = [_connection(c, trial, phase, track) for c in connections[:MOST_ROWS]]
    seen += [_lookup(each, track) for each in phase.lookups[:MOST_ROWS] if not brief]
    told = [_report(report, trial, track) for report in list(reports)[:MOST_ROWS]]
    timed = sorted(seen + told, key=lambda event: -1.0 if event.at is None else event.at)
    hidden = max(0, len(connections) - MOST_ROWS) + max(0, len(phase.lookups) - MOST_ROWS)
    if brief:
        return Section(phase.name, title, tuple(timed))
    said = _said(phase.outcome)
    if phase.name in BENIGN and _is_well(phase):
        said = replace(said, log=())
    return Section(phase.name, title, (*timed, said), hidden)


def _lookup(lookup: Lookup, track: Track) -> Event:
    steps = (_step(f"{lookup.name} {lookup.kind}"),)
    return track.place(Event(Source.DNS, steps, _step(lookup.answer)), lookup.at, lookup.at)


def _connection(c: ConnectionRecord, trial: Trial, phase: Phase, track: Track) -> Event:
    meant = {phase.host, *(side.host for side in trial.beside if phase.name is PhaseName.ATTACK)}
    event = Event(
        source=Source.WIRE,
        steps=tuple(_step(step) for step in _steps(c, trial, benign=phase.name in BENIGN)),
        came_to=_step(_came_to(c)),
        look=look_of(c.wire_class),
        leaked=_leaked(c, trial, phase),
        aside=c.foreign or (c.host not in meant and meant.isdisjoint(c.authorities)),
    )
    return track.place(event, c.opened_at, c.closed_at)


def _leaked(c: ConnectionRecord, trial: Trial, phase: Phase) -> bool:
    if c.foreign or c.wire_class not in LEAKED or phase.name is PhaseName.CONTROL:
        return False
    if c.wire_class is WireClass.CLEARTEXT:
        return c.wire_class not in trial.expectation.wire
    return phase.name is PhaseName.ATTACK and trial.expectation.answer is Answer.REFUSED


def _steps(c: ConnectionRecord, trial: Trial, *, benign: bool) -> Iterator[str]:
    to = f" to {c.host or 'an unknown host'}:{c.port}" if c.port else f" to {c.host or 'nowhere'}"
    yield f"SYN{to}" + (" (from another device)" if c.foreign else "")
    if c.wire_class is WireClass.CLEARTEXT:
        return
    if c.sni or c.alpn_offered or c.fingerprint:
        offers = f", offers {', '.join(c.alpn_offered)}" if c.alpn_offered else ""
        early = ", announces early data" if c.early_data else ""
        yield f"ClientHello {c.sni or 'without a name'}{offers}{early}"
    if c.served_chain:
        whose = "the attack's" if c.served_chain == trial.served_chain else "another"
        which = "chain" if benign else f"{whose} chain"
        more = f" +{len(c.served_chain) - 1}" if len(c.served_chain) > 1 else ""
        yield f"{which} {short_digest(c.served_chain[0])}{more}"
    if c.resumed:
        yield "session resumed"
    if c.anomaly:
        yield f"anomaly: the adversary {c.anomaly}"
    if c.tls_version:
        agreed = c.tls_version.replace("TLSv", "TLS ").replace("tls", "TLS ")
        yield f"{agreed}{', ' + c.alpn if c.alpn else ''}"
    if c.misstep:
        yield f"the client {c.misstep}"


def _came_to(c: ConnectionRecord) -> str:
    if c.wire_class is WireClass.RELAYED:
        back, forth = c.relayed_bytes
        return f"passed through unopened, {back} bytes from and {forth} to the client"
    end = _alert(c.alert) if c.alert else f"ended: {c.note}" if c.note else ""
    if c.wire_class in LEAKED:
        request = f": {c.request}" if c.request else ""
        return f"{counted(c.client_bytes, 'byte')} read{request}"
    if c.wire_class is WireClass.HANDSHAKE_REJECTED:
        return end or "handshake broken off"
    if c.wire_class is WireClass.PREFACE_ONLY:
        return "HTTP/2 preface alone, no request"
    if c.wire_class is WireClass.TCP_ONLY:
        return end or "no ClientHello"
    return f"handshake finished, {end + ', ' if end else ''}0 bytes of application data"


def _alert(alert: Alert) -> str:
    side = "client" if alert.sent_by_client else "server"
    return f"alert {alert.name} ({alert.code}) from the {side}"


def _said(outcome: AppOutcome) -> Event:
    kinds = " or ".join(sorted(outcome.kinds)).replace("_", " ")
    steps = [str(outcome.answer)]
    if outcome.code:
        steps.append(outcome.code)
    if kinds:
        steps.append(f"kind: {kinds}")
    return Event(
        source=Source.APP,
        steps=tuple(_step(step) for step in steps),
        came_to=clipped(one_line(outcome.message), 2 * LONGEST_STEP),
        log=(*outcome.log, *outcome.system_log, *map(_monitored, outcome.monitored or ())),
    )


def _monitored(c: MonitoredConnection) -> str:
    where = "on the lab's route" if c.on_route else "PAST the lab's route"
    carried = f"{c.sent_bytes} bytes out, {c.received_bytes} in"
    way = f"{c.protocol} to {c.remote} over {c.interface}"
    return f"the phone's network monitor: {way}, {where}, {carried}"


def _report(report: FailureReport, trial: Trial, track: Track) -> Event:
    chain = "as served" if report.served_chain == trial.served_chain else "another one"
    pins = "as published" if set(report.known_pins) == set(trial.known_pins) else "other ones"
    steps = (
        f"received {report.error}",
        f"{report.host}:{report.port}",
        f"chain: {chain}",
        f"pins: {pins}",
    )
    event = Event(Source.REPORT, tuple(_step(step) for step in steps))
    return track.place(event, report.received_at, report.received_at)


def look_of(wire_class: WireClass) -> Look:
    """Return how a connection of this class is drawn."""
    if wire_class in LEAKED:
        return Look.READ
    if wire_class is WireClass.RELAYED:
        return Look.RELAYED
    return Look.STUB if wire_class is WireClass.TCP_ONLY else Look.KEPT


def _step(text: str) -> str:
    return clipped(one_line(text), LONGEST_STEP)
