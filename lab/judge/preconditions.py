"""Rules without which no verdict could be believed. What is missing here is INCONCLUSIVE."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import describe, own, passed, unsure
from lab.model.attack import Attempt, Control
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, ErrorKind
from lab.model.profile import Profile
from lab.model.trial import ANOMALY, Phase, Trial
from lab.model.verdict import Reason, Witness
from lab.model.wire import LEAKED, ConnectionRecord, WireClass

OFF_TOPIC = frozenset({ErrorKind.NETWORK, ErrorKind.HTTP, ErrorKind.UNKNOWN})
"""Errors that say nothing about what the client thought of the certificate."""


def baseline_worked(trial: Trial) -> Iterator[Reason]:
    """A benign request just before the attack went through, as the app and the wire say."""
    yield _benign(trial.baseline, "before the attack", "so a refusal of the attack proves nothing")


def profile_fits(trial: Trial) -> Iterator[Reason]:
    """The app names no error that SDK versions of this profile do not have."""
    profile = Profile.named(trial.profile)
    phases = (trial.baseline, trial.attack, trial.recovery)
    codes = {p.outcome.code for p in phases if p.outcome.code in DOCUMENTED_ERRORS}
    for code in sorted(filter(None, codes - profile.errors)):
        yield unsure(
            Witness.APP,
            f"The app named {code}, an error that SDK {profile.name} does not have: what is "
            "expected here is not what its SDK is documented to do. Check the device's profile.",
        )


def recovery_worked(trial: Trial) -> Iterator[Reason]:
    """A benign request right after the attack went through."""
    yield _benign(
        trial.recovery, "after the attack", "so the app or the route may have broken meanwhile"
    )


def _benign(phase: Phase, when: str, consequence: str) -> Reason:
    expected = phase.expectation
    wire = expected.wire if expected is not None else frozenset({WireClass.INTERCEPTED})
    connections = own(phase, phase.host)
    if not phase.armed:
        return unsure(Witness.LAB, f"The benign certificate was not in force {when}.")
    if phase.outcome.answer is not Answer.ACCEPTED:
        said = phase.outcome.message or phase.outcome.answer
        return unsure(
            Witness.APP,
            f"The benign request {when} did not work ({said}), {consequence}.",
        )
    if not any(c.wire_class in wire for c in connections):
        return unsure(
            Witness.WIRE,
            f"The app says that the benign request {when} worked, but the lab saw "
            f"{_listed(connections)}: its traffic takes another way than the lab's route.",
        )
    return passed(Witness.APP, f"The benign request {when} worked over the same route.")


def attack_was_armed(trial: Trial) -> Iterator[Reason]:
    """The adversary held the attack ready from before the attempt until after it."""
    if not trial.attack.armed:
        yield unsure(Witness.LAB, "The attack was not in force for the whole of the attempt.")


def control_has_teeth(trial: Trial) -> Iterator[Reason]:
    """An unpinned client on the same device and route falls for the very same attack."""
    if trial.control_kind is Control.NONE:
        return
    if trial.control_kind is Control.ANOMALY:
        # Whether it was there is among the facts; here, that somebody looked.
        if not any(fact.name == ANOMALY for fact in trial.facts):
            yield unsure(Witness.LAB, "Nobody looked whether the anomaly of the attack was served.")
        return
    if trial.control is None:
        yield unsure(Witness.CONTROL, "The unpinned control client was not run.")
        return
    connections = own(trial.control, trial.control.host)
    caught = [c for c in connections if c.wire_class in LEAKED]
    if not caught:
        yield unsure(
            Witness.CONTROL,
            f"The {trial.control_kind} control client was not caught either (the lab saw "
            f"{_listed(connections)}): the attack has no teeth on this device and route.",
        )
    elif trial.served_chain and all(c.served_chain != trial.served_chain for c in caught):
        yield unsure(
            Witness.CONTROL,
            "The control client was caught with another certificate chain than the attack's.",
        )
    else:
        yield passed(
            Witness.CONTROL,
            f"The {trial.control_kind} control client on the same device and route was caught.",
        )


def attempt_was_seen(trial: Trial) -> Iterator[Reason]:
    """Silence is not a pass: a try of the app must have been witnessed in the window."""
    expected = trial.expectation
    connections = own(trial.attack, trial.host)
    looked_up = any(question.name == trial.host for question in trial.attack.lookups)
    if expected.attempt is Attempt.OPTIONAL:
        return
    if expected.attempt is Attempt.LOOKED_UP:
        if not (looked_up or connections):
            yield unsure(Witness.WIRE, f"The app did not even look up {trial.host}.")
        return
    if not connections:
        hint = ", though its name was looked up" if looked_up else ""
        yield unsure(
            Witness.WIRE,
            f"No connection to {trial.host} was seen during the attack{hint}: silence is no pass.",
        )
    elif WireClass.TCP_ONLY not in expected.wire and all(
        c.wire_class is WireClass.TCP_ONLY for c in connections
    ):
        yield unsure(
            Witness.WIRE,
            f"All that was seen of the app's attempt was {_listed(connections)}: "
            "it never got to see the certificate.",
        )


def right_chain_was_served(trial: Trial) -> Iterator[Reason]:
    """What went over the wire is what the attack says."""
    odd = [
        c
        for c in own(trial.attack, trial.host)
        if c.served_chain and c.served_chain != trial.served_chain and c.port == trial.port
    ]
    if odd:
        yield unsure(Witness.LAB, "The adversary served another chain than the attack's.")


def handshake_was_the_clients_to_end(trial: Trial) -> Iterator[Reason]:
    """A handshake that the adversary's own server broke off is no decision of the client's, but
    where the attack is that very failure."""
    expected = trial.expectation
    if expected.answer is not Answer.REFUSED or ErrorKind.TLS in expected.kinds:
        return
    tried = [c for c in own(trial.attack, trial.host) if c.wire_class is not WireClass.TCP_ONLY]
    broken = [c for c in tried if c.alert is not None and not c.alert.sent_by_client]
    if tried and len(broken) == len(tried):
        yield unsure(
            Witness.WIRE,
            f"The client did not get to decide: {_listed(tuple(broken))}. It and the lab have no "
            "version, suite or kind of key in common.",
        )


def same_client_throughout(trial: Trial) -> Iterator[Reason]:
    """One ClientHello fingerprint before and during the attack (catalogue A6)."""
    before = _fingerprints(own(trial.baseline, trial.baseline.host))
    during = _fingerprints(own(trial.attack, trial.host))
    if before and during - before:
        yield unsure(
            Witness.WIRE,
            "The attempt under attack came from another TLS client than the benign one: "
            "something else on the device made it.",
        )


def app_answered(trial: Trial) -> Iterator[Reason]:
    """The app said how the attacked request ended, and its words do not contradict the wire."""
    outcome = trial.attack.outcome
    expected = trial.expectation
    connections = own(trial.attack, trial.host)
    if outcome.answer is Answer.SILENT:
        yield unsure(
            Witness.APP, f"The app did not say how the request ended: {outcome.message or 'silent'}"
        )
    elif outcome.answer is Answer.ACCEPTED:
        if not any(c.wire_class in LEAKED | {WireClass.RELAYED} for c in connections):
            yield unsure(
                Witness.APP,
                f"The app says that the request succeeded, but the lab saw {_listed(connections)}: "
                "its traffic takes another way than the lab's route.",
            )
    elif (
        expected.answer is Answer.REFUSED
        and not expected.is_right_reason(outcome)
        and outcome.kinds <= OFF_TOPIC
    ):
        yield unsure(
            Witness.APP,
            f"The app failed for a reason that has nothing to do with the attack: "
            f"{outcome.message or 'unknown'}",
        )


def facts_were_measured(trial: Trial) -> Iterator[Reason]:
    """What the scenario set out to measure was measured."""
    for fact in trial.facts:
        if fact.holds is None:
            yield unsure(Witness.LAB, fact.text)


def _fingerprints(connections: tuple[ConnectionRecord, ...]) -> set[str]:
    return {c.fingerprint for c in connections if c.fingerprint is not None}


def _listed(connections: tuple[ConnectionRecord, ...]) -> str:
    return "; ".join(dict.fromkeys(describe(c) for c in connections)) or "nothing"
