"""A large bundle is looked at by several processes: they find what one finds, or nothing passes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lab
from lab.evidence import verify_crew, verify_follows
from lab.evidence.context import commit
from lab.evidence.layout import APP_LOG, SUMMARY
from lab.evidence.signing import Seal
from lab.evidence.verify import verify
from lab.evidence.verify_crew import NotChecked, crew
from lab.evidence.verify_records import judge_again
from tests.evidence.bundles import context, forge, make, results, sign_again


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even a small bundle be looked at by several processes, however few cores there are."""
    monkeypatch.setattr(verify_crew, "MUCH", 0)
    monkeypatch.setattr(verify_crew, "processors", lambda: 2)
    monkeypatch.setattr(verify_follows, "SHARE", 2)


def turned(data: Any) -> None:
    data["result"]["verdict"] = "PASS"


def untold(data: Any) -> None:
    data["unheard_of"] = 1


def no_record(data: Any) -> None:
    data["result"]["seconds"] = "long"


def beyond_all_calendars(data: Any) -> None:
    data["result"]["trial"]["started_at"] = 1e300


@pytest.mark.parametrize(
    ("number", "change"),
    [
        *((2, turned), (3, untold), (6, turned), (1, no_record), (8, untold)),
        (5, beyond_all_calendars),
    ],
)
def test_several_find_what_one_finds(
    tmp_path: Path, number: int, change: Callable[[Any], None], request: pytest.FixtureRequest
) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal, told=[*results(), *results()])
    assert verify(folder).good
    forge(folder, seal, change, number)
    alone = verify(folder)
    request.getfixturevalue("many")
    together = verify(folder)
    assert any("records/" in finding.path for finding in alone.findings)
    assert not alone.good
    assert together == alone


def test_what_is_not_a_record_is_found_too(tmp_path: Path, many: None) -> None:
    seal = Seal.fresh()
    ours = context(lab=lab.__version__, lab_commit=commit())
    folder = make(tmp_path, seal, told=[*results(), *results()], begun=ours)
    assert verify(folder).good
    (folder / APP_LOG).write_bytes(b"nothing happened\n")
    (folder / SUMMARY).write_bytes(b"All is well.\n")
    sign_again(folder, seal)
    assert {f.path for f in verify(folder).findings if f.breaks} == {APP_LOG, SUMMARY}


def test_it_is_told_how_far_they_are(tmp_path: Path, many: None) -> None:
    told: list[tuple[int, int]] = []
    verify(make(tmp_path), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)
    assert sorted(told) == told


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_one_that_was_killed_did_not_look_at_has_not_passed(many: None) -> None:
    with pytest.raises(NotChecked, match="ended from outside"), crew(1) as executor:
        executor.submit(die).result()


def test_an_error_of_one_is_everybodys(tmp_path: Path, many: None) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.json"), crew(1) as executor:
        executor.submit(judge_again, tmp_path, ["gone.json"], 1, None).result()


def test_a_small_bundle_is_looked_at_here() -> None:
    with crew(verify_crew.MUCH - 1) as executor:
        assert executor.submit(os.getpid).result() == os.getpid()


def test_a_large_one_is_not(many: None) -> None:
    with crew(1) as executor:
        assert executor.submit(os.getpid).result() != os.getpid()
