from __future__ import annotations

from dataclasses import replace

from lab.evidence.mapping import by_slug
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.evidence.summary import Summary, summarise
from lab.model.attack import Subject, accept
from lab.model.outcome import Answer, AppOutcome
from lab.model.verdict import Verdict
from tests.evidence.builders import PHONE, failed, inconclusive, info, judged, passed, skipped
from tests.judge import builders


def of(*results: ScenarioResult, **changes: object) -> Summary:
    return summarise(RunReport(info(**changes), results))


def locked_out() -> ScenarioResult:
    """A genuine connection that was refused."""
    attack = builders.attack_phase(outcome=builders.refused(), connections=(builders.connection(),))
    return judged(builders.trial(expectation=accept(), attack=attack, reports=()))


def genuine() -> ScenarioResult:
    attack = builders.attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED), connections=(builders.intercepted(),)
    )
    return judged(builders.trial(expectation=accept(), attack=attack, reports=()))


def test_a_run_without_a_fault_says_yes_and_how_far() -> None:
    told = of(passed(), genuine())
    assert told.answer == "Yes, as far as pinning was tried here."
    assert told.because == (
        "Every attack was refused, without a byte of application data lost, and every genuine "
        "connection kept working.",
    )


def test_a_leak_is_said_in_words_that_everybody_understands() -> None:
    told = of(failed(), failed(device="other"), passed())
    assert told.answer == "No."
    assert told.because == (
        "Who holds the network can read and change what the app sends: that happened in 2 attacks "
        "on other and phone, against api.acme.test.",
    )


def test_users_locked_out_and_owners_misled_are_told_apart_from_leaks() -> None:
    late = judged(builders.trial(reports=()))
    told = of(locked_out(), late)
    assert told.answer == "No."
    assert "users may be locked out" in told.because[0]
    assert told.because[1] == (
        "1 attack on phone lost no data, but was not refused for the right reason or not reported "
        "as promised."
    )


def test_what_is_open_is_never_a_yes() -> None:
    assert of(passed(), inconclusive()).answer == "Not known."
    assert of(passed(), complete=False).answer == "Not known."
    assert of(genuine()).answer == "Not known: no attack was carried out."
    assert of(skipped()).answer == "Not known: nothing was tested."
    assert of().answer == "Not known: nothing was tested."
    assert "1 scenario came to no verdict" in of(failed(), inconclusive()).because[-1]


def test_a_lab_that_missed_a_wrong_client_believes_nothing() -> None:
    missed = passed(verdict=Verdict.FAIL, subject=Subject.CARELESS)
    told = of(passed(), missed, failed())
    assert told.answer == "Not known: the lab failed its own test."
    assert told.because[0].startswith("1 client that must be caught was not")
    assert told.because[1].startswith("Who holds the network")


def test_it_says_what_was_tried_on_what_and_for_how_long() -> None:
    told = of(
        passed(variant="tls1.2", slug="device_trusted_ca"), genuine(), skipped(), passed(attempts=2)
    )
    whole = len(by_slug())
    assert told.tried == (
        "2 attacks and 1 genuine connection in 12 s, on phone, against api.acme.test, by a "
        "compromised CA, over TLS 1.2 and TLS 1.3.",
        "1 scenario could not be tried on these devices.",
        f"{whole - 1} of the catalogue's {whole} attacks were not selected.",
        "1 scenario had to be repeated.",
    )


def test_many_names_are_counted() -> None:
    told = of(*(passed(device=f"d{n}") for n in range(9)))
    assert "on 9 devices" in told.tried[0]


def test_each_device_has_a_line_also_without_facts_or_results() -> None:
    idle = replace(PHONE, id="idle")
    told = of(passed(), failed(device="stray"), devices=(PHONE, idle))
    assert [(line.id, line.facts is not None, line.verdict) for line in told.devices] == [
        ("phone", True, Verdict.PASS),
        ("idle", True, Verdict.INCONCLUSIVE),
        ("stray", False, Verdict.FAIL),
    ]
    assert told.hosts == ("api.acme.test",)
