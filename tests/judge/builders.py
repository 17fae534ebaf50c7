"""Witness records for judge tests: a flawless trial, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.model.attack import Control, accept, refuse
from lab.model.failure_report import FailureReport
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import Phase, PhaseName, ReportPromise, Trial
from lab.model.wire import Alert, ConnectionRecord, WireClass

HOST = "api.acme.test"
COLLECTOR = "reports.acme.test"
ATTACK_CHAIN = ("aa" * 32, "bb" * 32)
GOOD_CHAIN = ("cc" * 32, "dd" * 32)
PINS = ("spki_sha256=AAAA", "spki_sha256=BBBB")


def connection(
    wire_class: WireClass = WireClass.ESTABLISHED_ZERO_APPDATA, **changes: Any
) -> ConnectionRecord:
    record = ConnectionRecord(
        id=1,
        device="phone",
        arming=1,
        peer="127.77.0.1:50000",
        host=HOST,
        port=443,
        wire_class=wire_class,
        sni=HOST,
        served_chain=ATTACK_CHAIN,
        fingerprint="f1",
    )
    return replace(record, **changes)


def intercepted(**changes: Any) -> ConnectionRecord:
    usual: dict[str, Any] = {"client_bytes": 42, "request": "GET / HTTP/1.1"}
    return connection(WireClass.INTERCEPTED, **(usual | changes))


def benign(name: PhaseName, **changes: Any) -> Phase:
    phase = Phase(
        name,
        HOST,
        AppOutcome(Answer.ACCEPTED),
        (intercepted(served_chain=GOOD_CHAIN),),
        expectation=accept(),
    )
    return replace(phase, **changes)


def refused(*kinds: ErrorKind, **changes: Any) -> AppOutcome:
    outcome = AppOutcome(
        Answer.REFUSED, frozenset(kinds or (ErrorKind.PIN,)), "PinsMismatch", "no pin matches"
    )
    return replace(outcome, **changes)


def report(**changes: Any) -> FailureReport:
    made = FailureReport(
        id="r1",
        host=HOST,
        port=443,
        at=1000.5,
        received_at=1001.0,
        error="PinsMismatch",
        served_chain=ATTACK_CHAIN,
        known_pins=PINS,
    )
    return replace(made, **changes)


def attack_phase(**changes: Any) -> Phase:
    phase = Phase(PhaseName.ATTACK, HOST, refused(), (connection(),))
    return replace(phase, **changes)


def control_phase(**changes: Any) -> Phase:
    phase = Phase(PhaseName.CONTROL, HOST, AppOutcome(Answer.ACCEPTED), (intercepted(),))
    return replace(phase, **changes)


def trial(**changes: Any) -> Trial:
    """Return a trial of B4 that is right in every respect, with ``changes`` made to it."""
    flawless = Trial(
        case="B4",
        device="phone",
        host=HOST,
        port=443,
        expectation=refuse(ErrorKind.PIN),
        baseline=benign(PhaseName.BASELINE),
        attack=attack_phase(),
        recovery=benign(PhaseName.RECOVERY),
        control=control_phase(),
        control_kind=Control.UNPINNED,
        served_chain=ATTACK_CHAIN,
        promise=ReportPromise(frozenset({ErrorKind.PIN}), COLLECTOR),
        reports=(report(),),
        known_pins=PINS,
        started_at=1000.0,
        ended_at=1001.0,
        private_hosts=frozenset({COLLECTOR, "config.acme.test"}),
    )
    return replace(flawless, **changes)


def alert(code: int, name: str, *, client: bool = True) -> Alert:
    return Alert(code, name, sent_by_client=client)
