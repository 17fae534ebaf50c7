"""What the rules ask of the records: which connections count, and how to name them."""

from __future__ import annotations

from collections.abc import Iterator

from lab.model.attack import Expectation
from lab.model.outcome import Answer, ErrorKind
from lab.model.trial import Phase, Trial
from lab.model.verdict import Reason, Verdict, Witness
from lab.model.wire import LEAKED, ConnectionRecord, WireClass


def is_own(connection: ConnectionRecord, host: str) -> bool:
    """Tell whether this is a connection of the device's own to ``host``, or to another host on
    which it made requests for ``host``."""
    return not connection.foreign and (connection.host == host or host in connection.authorities)


def own(phase: Phase, host: str) -> tuple[ConnectionRecord, ...]:
    """Return the connections of this phase that are the device's own to ``host``."""
    return tuple(c for c in phase.connections if is_own(c, host))


def forbidden(expected: Expectation) -> frozenset[WireClass]:
    """Return the classes in which no connection may leak anything: all of them where it is to be
    refused, in clear always."""
    return LEAKED if expected.answer is Answer.REFUSED else LEAKED - expected.wire


def named(kinds: frozenset[ErrorKind]) -> str:
    """Return kinds of error in words."""
    return " or ".join(sorted(kinds)) or "nothing"


def everywhere(trial: Trial) -> Iterator[tuple[Phase, ConnectionRecord]]:
    """Yield every own connection of every phase, the control's included."""
    for phase in trial.phases:
        for connection in phase.connections:
            if not connection.foreign:
                yield phase, connection


def describe(connection: ConnectionRecord) -> str:
    """Say in a few words what became of a connection."""
    alert = connection.alert
    if connection.wire_class is WireClass.HANDSHAKE_REJECTED and alert is not None:
        side = "client" if alert.sent_by_client else "server"
        return f"handshake ended by the {side}'s alert {alert.name} ({alert.code})"
    if connection.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA and alert is not None:
        return f"handshake finished, then alert {alert.name} ({alert.code}), no application data"
    return {
        WireClass.NO_ATTEMPT: "nothing",
        WireClass.TCP_ONLY: "a connection without a ClientHello",
        WireClass.HANDSHAKE_REJECTED: "handshake broken off without an alert",
        WireClass.ESTABLISHED_ZERO_APPDATA: "handshake finished, then closed without a byte of "
        "application data",
        WireClass.PREFACE_ONLY: "HTTP/2 preface sent, then closed without a request",
        WireClass.INTERCEPTED: "application data in the adversary's hands",
        WireClass.CLEARTEXT: "application data in clear",
        WireClass.RELAYED: "passed through unopened",
    }[connection.wire_class]


def leaked(connection: ConnectionRecord) -> str:
    """Say what the adversary got to read."""
    where = "in clear" if connection.wire_class is WireClass.CLEARTEXT else "inside its TLS"
    what = f": {connection.request}" if connection.request else ""
    return f"{connection.client_bytes} bytes {where}{what}"


def passed(witness: Witness, text: str) -> Reason:
    """Return a reason that speaks for the client."""
    return Reason(Verdict.PASS, witness, text)


def failed(witness: Witness, text: str) -> Reason:
    """Return a reason that speaks against the client."""
    return Reason(Verdict.FAIL, witness, text)


def unsure(witness: Witness, text: str) -> Reason:
    """Return a reason why nothing can be concluded."""
    return Reason(Verdict.INCONCLUSIVE, witness, text)
