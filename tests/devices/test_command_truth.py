"""The verdict on curl and wget agrees with what they say themselves. A sample; ``make truth``
compares every case."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.devices.settings import load
from lab.judge import judge
from lab.model.verdict import Verdict
from lab.trial.bench import Bench
from lab.trial.case import Case
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from tests.devices.conftest import with_examples
from tests.devices.truth import PROGRAMS, End, applicable, compared, disagreement, due, seated
from tests.killing import moments_of

SAMPLE = 8
"""Cases of each program."""

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("truth")) as running:
        yield running


def case_of(slug: str) -> Case:
    return next(case for case in applicable() if case.entry.slug == slug)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_verdict_agrees_with_the_programs_own_exit(
    bench: Bench, program: str, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    # Those that wait for a time limit are compared by `make truth`.
    pool = [case for case in applicable() if case.entry.slug != "black_hole"]
    moments_of(f"truth of {program}").shuffle(pool)
    results = []
    with seated(bench, program, tmp_path / program, PROGRAMS.index(program)) as seat:
        for case in (case_of("device_trusted_ca"), case_of("good_chain"), *pool):
            result = compared(seat, program, case)
            if result is not None:
                results.append(result)
            if len(results) == SAMPLE:
                break
    assert len(results) == SAMPLE
    assert [told for result in results if (told := disagreement(result))] == []
    # The comparison itself can tell: a program that said the opposite would be noticed.
    refused = results[0]
    assert due(program, refused.case, [End(0, "")]) is Verdict.FAIL
    assert disagreement(replace(refused, ends=(End(0, ""),)))
    accepted = replace(results[1], ends=(End(60, "certificate problem"), *results[1].ends))
    assert disagreement(replace(accepted, program="curl"))


@pytest.mark.parametrize("program", ["openssl", "requests"])
def test_a_program_without_pins_fails_where_only_pins_help(
    bench: Bench, program: str, tmp_path: Path
) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text(with_examples())
    settings = load(file).device(program)
    with bench.device(settings, 2 + len(program)) as device:
        if device.facts.app_version.startswith("unknown"):
            pytest.skip(f"there is no {program} here")
        seat = Seat(bench, device, lambda png: None)
        told = {
            slug: judge(conduct(seat, case_of(slug)))
            for slug in ("device_trusted_ca", "untrusted_ca")
        }
    assert told["device_trusted_ca"].verdict is Verdict.FAIL, told
    assert told["untrusted_ca"].verdict is Verdict.PASS, told
