from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.model.verdict import Verdict
from tests.evidence.bundles import make
from tests.gate.builders import all_pass, but

RUNNER = CliRunner()
B1 = all_pass("B1")


def run(*arguments: object) -> Result:
    return RUNNER.invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It is only read, as is ``new``."""
    return make(tmp_path_factory.mktemp("old"), told=B1)


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("new"), told=but(B1, Verdict.FAIL))


def test_a_regression_is_exit_code_1(old: Path, new: Path) -> None:
    told = run(old, new)
    assert told.exit_code == 1
    assert told.output.startswith("Regressions: passed before, fails now (1)\n")
    assert told.output.endswith(f"1 regression from {old} to {new}.\n")
    assert run(new, old).exit_code == 0
    assert run(old, old).output.endswith(f"No regression from {old} to {old}.\n")


def test_as_json_and_as_markdown(old: Path, new: Path) -> None:
    told = run(old, new, "--json")
    assert told.exit_code == 1
    (changed,) = json.loads(told.stdout)["changed"]
    assert (changed["change"], changed["old"]["verdict"]) == ("fails", "PASS")
    text = run(old, new, "--markdown")
    assert text.exit_code == 1
    assert text.stdout.startswith("## 1 regression\n")
    both = run(old, new, "--markdown", "--json")
    assert (both.exit_code, both.output) == (
        2,
        "trustpin-lab: give one of --json and --markdown\n",
    )


def test_a_renamed_device_is_matched(old: Path, tmp_path: Path) -> None:
    renamed = make(tmp_path / "renamed", told=all_pass("B1", "pixel"))
    assert run(old, renamed).exit_code == 1
    assert run(old, renamed, "--match", "phone=pixel").exit_code == 0


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("phone", "--match: give OLD=NEW, not 'phone'"),
        ("phon=phone", "has no device 'phon'; did you mean 'phone'?"),
        ("phone=pixel", "has no device 'pixel'; known are: phone"),
    ],
)
def test_a_match_of_nothing(match: str, words: str, old: Path, new: Path) -> None:
    told = run(old, new, "--match", match)
    assert told.exit_code == 2
    assert words in told.output


def test_a_device_cannot_be_two(tmp_path: Path) -> None:
    old = make(tmp_path / "a", told=[*B1, *all_pass("B1", "tablet")])
    told = run(old, make(tmp_path / "b", told=B1), "--match", "tablet=phone")
    assert told.exit_code == 2
    assert "'tablet=phone': one of the two is already another device" in told.output


def test_what_does_not_verify_is_not_compared_unless_asked(old: Path, tmp_path: Path) -> None:
    new = make(tmp_path, told=but(B1, Verdict.FAIL))
    (new / "app-log.txt").write_text("nothing\n")
    told = run(old, new)
    assert (told.exit_code, told.stdout) == (3, "")
    asked = run(old, new, "--unverified")
    assert asked.exit_code == 1
    assert f"{new} DOES NOT VERIFY." in asked.stderr
    assert "1 regression" in asked.stdout
    (new / "results.json").write_text("{")
    unreadable = run(old, new, "--unverified")
    assert unreadable.exit_code == 2
    assert "no results that can be read" in unreadable.stderr
