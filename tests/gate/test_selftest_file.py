from __future__ import annotations

import dataclasses
import json

import pytest

from lab.evidence.record import to_json
from lab.gate.selftest_file import shortcomings
from lab.selftest.findings import Effect
from lab.selftest.report import make_report
from lab.selftest.run import Outcome, Wish
from tests.gate.selftests import selftest
from tests.selftest.builders import attack, found, mutant, survived, tried


def test_one_that_vouches() -> None:
    assert list(shortcomings(selftest(), "1.0")) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "it is no selftest.json: "),
        (b"[" * 100_000, "it is no selftest.json: "),
        (b'{"format": "trustpin-lab-results/1"}', "it is no selftest.json: "),
        (selftest(lab="0.9"), "it is of version 0.9 of the lab, the run of 1.0"),
        (selftest(complete=False), "it was ended early"),
        (selftest(only_mutants=["TrustsAll"]), "it was confined to some mutants or attacks"),
        (selftest(only_attacks=["untrusted_ca"]), "it was confined to some mutants or attacks"),
        (selftest(findings={"mutants": []}), "it tried no mutant"),
        (
            selftest(
                findings={"mutants": [{"name": f"M{n}", "standing": "open"} for n in range(7)]}
            ),
            "not every mutant died: M0, M1, M2, M3, M4 and 2 more",
        ),
        (
            selftest(findings={"attacks": [{"slug": "a", "standing": "bad"}]}),
            "not every attack killed one: a",
        ),
        (
            selftest(findings={"reference": [{"attack": "a", "effect": "killed"}]}),
            "the reference client did not pass: a",
        ),
        (selftest(standing="open"), "it says of itself that it is open"),
    ],
)
def test_what_does_not_vouch(content: bytes, words: str) -> None:
    (text,) = shortcomings(content, "1.0")
    assert text.startswith(words)


@pytest.mark.parametrize("effect", [Effect.KILLED, Effect.SURVIVED])
def test_what_the_selftest_writes_is_read(effect: Effect) -> None:
    findings = found([mutant("M", "a")], [attack("a")], [tried("M", "a", effect), *survived("a")])
    outcome = Outcome(findings, complete=True, seconds=1.0)
    report = dataclasses.replace(make_report(Wish(), outcome, "run", 1000.0), lab="1.0")
    content = json.dumps(to_json(report)).encode()
    assert (not list(shortcomings(content, "1.0"))) == (effect is Effect.KILLED)
