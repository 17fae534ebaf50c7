"""Rules about application bytes that reached the adversary. Any such byte is a FAIL."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import everywhere, failed, forbidden, leaked, own, passed
from lab.model.outcome import Answer
from lab.model.trial import Trial
from lab.model.verdict import Reason, Witness
from lab.model.wire import LEAKED, ConnectionRecord, WireClass


def to_the_host(trial: Trial) -> Iterator[Reason]:
    """No application byte of a request that must fail, and none in clear, ever."""
    expected = trial.expectation
    connections = own(trial.attack, trial.host)
    ruled_out = forbidden(expected)
    spilt = [
        c
        for c in connections
        if c.wire_class in ruled_out or (c.wire_class in LEAKED and _is_elsewhere(trial, c))
    ]
    for connection in spilt:
        yield failed(Witness.WIRE, f"The adversary read {leaked(connection)}.")
    if connections and not spilt and expected.answer is Answer.REFUSED:
        yield passed(Witness.WIRE, "Not one byte of application data reached the adversary.")


def _is_elsewhere(trial: Trial, connection: ConnectionRecord) -> bool:
    """Tell whether the client was led to another port, where another certificate is served."""
    led_away = connection.host == trial.host and connection.port not in (None, trial.port)
    return led_away and connection.served_chain != trial.served_chain


def to_private_hosts(trial: Trial) -> Iterator[Reason]:
    """Nothing meant for the app's owner (reports, configuration requests) reaches the adversary."""
    for phase, connection in everywhere(trial):
        if connection.host in trial.private_hosts and connection.wire_class in LEAKED:
            what = "failure report" if connection.host == trial.promise.collector else "request"
            yield failed(
                Witness.WIRE,
                f"A {what} for {connection.host} was delivered to the adversary during the "
                f"{phase.name}: {leaked(connection)}.",
            )


def in_clear_meanwhile(trial: Trial) -> Iterator[Reason]:
    """The benign requests do not go out in clear either."""
    for phase in (trial.baseline, trial.recovery):
        for connection in own(phase, phase.host):
            if connection.wire_class is WireClass.CLEARTEXT:
                yield failed(
                    Witness.WIRE, f"During the {phase.name} the network read {leaked(connection)}."
                )
