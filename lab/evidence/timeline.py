"""Where on the time axis the attempts of one trial stand: the numbers of a drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.judge.reading import describe, own
from lab.model.trial import Phase, Trial
from lab.model.wire import LEAKED, ConnectionRecord, WireClass

LEFT, RIGHT = 92.0, 990.0
"""Units of the drawing between which time runs."""
LANE = 24.0
SHORTEST_BAR = 4.0
MOST_BARS = 40
"""Per lane."""
Place = Callable[[float], float]

TEXT_FITS_BEFORE = 560.0
"""A label starts right of its bar up to here, beyond it ends left of the bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One connection."""

    x: float
    width: float
    look: str
    """``read`` (solid), ``kept`` (hollow), ``relayed`` (half-filled) or ``stub`` (thin)."""
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One phase, or the failure reports."""

    name: str
    y: float
    bars: tuple[Bar, ...]
    points: tuple[float, ...] = ()
    label: str = ""
    label_x: float = LEFT
    label_ends: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing of one trial."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    height: float


def make_timeline(trial: Trial) -> Timeline | None:
    """Return the drawing of ``trial``, or None where the records hold no times."""
    shown = [(phase, own(phase, phase.host)) for phase in trial.phases]
    moments = [at for _, cs in shown for c in cs for at in (c.opened_at, c.closed_at) if at]
    moments += [at for at in (trial.started_at, trial.ended_at) if at > 0]
    moments += [r.received_at for r in trial.reports if r.received_at > 0]
    if len(moments) < 2 or max(moments) <= min(moments):
        return None
    start, span = min(moments), max(moments) - min(moments)

    def place(at: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, (at - start) / span)), 1)

    lanes = [
        _lane(phase, [_bar(c, place) for c in connections[:MOST_BARS]], index)
        for index, (phase, connections) in enumerate(shown)
    ]
    if trial.reports:
        points = tuple(place(r.received_at) for r in trial.reports[:MOST_BARS])
        lanes.append(
            _labelled("report", _y(len(lanes)), (), points, trial.reports[0].error, points[-1] + 8)
        )
    ticks = tuple(
        (round(LEFT + (RIGHT - LEFT) * part / 4, 1), f"{span * part / 4:.2f} s")
        for part in range(5)
    )
    return Timeline(tuple(lanes), ticks, _y(len(lanes)) + 6)


def _y(index: int) -> float:
    return 14 + LANE * index


def _bar(connection: ConnectionRecord, place: Place) -> Bar:
    left = place(connection.opened_at)
    right = place(connection.closed_at) if connection.closed_at is not None else RIGHT
    width = min(max(SHORTEST_BAR, right - left), RIGHT - LEFT)
    left = min(left, RIGHT - width)
    return Bar(round(left, 1), round(width, 1), look_of(connection.wire_class), _words(connection))


def _words(connection: ConnectionRecord) -> str:
    # In a benign phase it is the lab's own responder that reads: no word of an adversary here.
    if connection.wire_class is WireClass.INTERCEPTED:
        return "application data read"
    return describe(connection)


def look_of(wire_class: WireClass) -> str:
    """Return how a connection of this class is drawn."""
    if wire_class in LEAKED:
        return "read"
    if wire_class is WireClass.RELAYED:
        return "relayed"
    return "stub" if wire_class is WireClass.TCP_ONLY else "kept"


def _lane(phase: Phase, bars: list[Bar], index: int) -> Lane:
    classes = list(dict.fromkeys(bar.text for bar in bars)) or ["nothing seen"]
    more = f" (+{len(classes) - 1} more)" if len(classes) > 1 else ""
    label = f"{phase.outcome.answer} · {classes[0]}{more}"
    end = max((bar.x + bar.width for bar in bars), default=LEFT)
    return _labelled(phase.name, _y(index), tuple(bars), (), label, end + 8)


def _labelled(
    name: str, y: float, bars: tuple[Bar, ...], points: tuple[float, ...], label: str, x: float
) -> Lane:
    if x <= TEXT_FITS_BEFORE:
        return Lane(name, y, bars, points, label, x)
    first = min([bar.x for bar in bars] + list(points), default=LEFT)
    if first < TEXT_FITS_BEFORE:
        # A bar across the middle leaves room on neither side: write above its end.
        return Lane(name, y, bars, points, label, RIGHT, label_ends=True)
    return Lane(name, y, bars, points, label, first - 8, label_ends=True)
