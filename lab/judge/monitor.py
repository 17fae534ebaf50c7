"""What the phone's own network monitor tells, held against what the wire saw."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import own, passed, unsure
from lab.model.monitored import MonitoredConnection
from lab.model.trial import Trial
from lab.model.verdict import Reason, Witness

Told = tuple[MonitoredConnection, ...]


def monitor_agrees(trial: Trial) -> Iterator[Reason]:
    """The app's connections were the route's, and those of the wire were the app's. A phone
    without a monitor has nothing to say here, for or against."""
    told = trial.attack.outcome.monitored
    if told is None:
        return
    past = [connection for connection in told if not connection.on_route]
    if past:
        yield unsure(
            Witness.WIRE,
            "The phone's own network monitor says that the app also went past the lab's route "
            f"during the attack, to {_listed(past)}: whether that was for {trial.host} nobody saw.",
        )
    seen = own(trial.attack, trial.host)
    on_route = [connection for connection in told if connection.on_route]
    if on_route:
        same = {connection.local for connection in on_route} & {record.peer for record in seen}
        yield passed(
            Witness.WIRE,
            "The phone's own network monitor tells of connections of the app's on the lab's route: "
            f"{len(on_route)}, {len(same)} of them among those that were seen there.",
        )
    elif seen and _worked(trial.baseline.outcome.monitored):
        yield unsure(
            Witness.WIRE,
            "The phone's own network monitor, which told of the benign request's connection, knows "
            "of none of the app's on the lab's route during the attack: what was seen there was "
            "somebody else's on the device.",
        )


def _worked(told: Told | None) -> bool:
    return any(connection.on_route for connection in told or ())


def _listed(connections: list[MonitoredConnection]) -> str:
    found = (f"{c.remote} over {c.interface} ({c.protocol})" for c in connections)
    return "; ".join(dict.fromkeys(found))
