"""``trustpin-lab selftest``, with the work done by nobody but where it says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.selftest import run
from lab.selftest.crew import WorkersLost
from lab.selftest.findings import Effect, Findings
from lab.selftest.run import Outcome
from tests.selftest.builders import attack, found, mutant, survived, tried

RUNNER = CliRunner()


def findings(effect: Effect) -> Findings:
    return found(
        [mutant("M", "a"), mutant("N", "a")],
        [attack("a")],
        [tried("M", "a", effect), tried("N", "a"), *survived("a")],
    )


@pytest.mark.parametrize(
    ("effect", "complete", "code"),
    [
        (Effect.KILLED, True, 0),
        (Effect.SURVIVED, True, 1),
        (Effect.OTHER_REASON, True, 1),
        (Effect.UNDECIDED, True, 6),
        (Effect.KILLED, False, 2),
    ],
)
def test_the_exit_code_says_what_was_found(
    effect: Effect, complete: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(findings(effect), 1.0, complete)
    monkeypatch.setattr(run, "carry_out", lambda *_, **__: outcome)
    result = RUNNER.invoke(app, ["selftest", "--reports", str(tmp_path)])
    assert result.exit_code == code, result.output
    (made,) = tmp_path.iterdir()
    assert made.name.startswith("selftest-")
    assert (made / "index.html").exists()
    written = json.loads((made / "selftest.json").read_text())
    assert written["complete"] is complete
    assert f"Report: {made / 'index.html'}" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mutant", "Nobody"], "there is no mutant called 'Nobody'"),
        (["--attack", "nothing"], "there is no attack on the app called 'nothing'"),
        # A control of the lab itself: its subject is not the app.
        (["--attack", "careless_client"], "there is no attack on the app called"),
    ],
)
def test_a_name_that_there_is_not_is_a_mistake(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    result = RUNNER.invoke(app, ["selftest", "--reports", str(tmp_path), *arguments])
    assert result.exit_code == 4
    assert said in result.output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = RUNNER.invoke(app, ["selftest", "--reports", str(tmp_path / "file")])
    assert result.exit_code == 4
    assert "reports cannot be written to" in result.output


def test_processes_that_die_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> Outcome:
        raise WorkersLost("a process ended")

    monkeypatch.setattr(run, "carry_out", lost)
    result = RUNNER.invoke(app, ["selftest", "--reports", str(tmp_path)])
    assert result.exit_code == 6
    assert "a process ended" in result.output


@pytest.mark.whole
def test_a_mutant_dies_by_what_it_names(tmp_path: Path) -> None:
    arguments = ["selftest", "-n", "0", "--reports", str(tmp_path), "--mutant", "PingsInClear"]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (made,) = tmp_path.iterdir()
    written = json.loads((made / "selftest.json").read_text())
    assert [m["name"] for m in written["findings"]["mutants"]] == ["PingsInClear"]
    assert {t["client"] for t in written["findings"]["tried"]} == {
        "PingsInClear",
        "ReferenceClient",
    }
    assert "1 of 1 mutant died" in result.output


def test_what_is_asked_follows_from_what_is_named() -> None:
    whole = run.scope_of(run.Wish())
    assert whole.cover
    assert whole.mutants == whole.all_mutants
    one = run.scope_of(run.Wish(mutants=frozenset({"PingsInClear"})))
    assert [entry.slug for entry in one.attacks] == ["cleartext_seen"]
    assert not one.cover
    by_attack = run.scope_of(run.Wish(attacks=frozenset({"cleartext_seen"})))
    assert by_attack.cover
    assert "PingsInClear" in [m.name for m in by_attack.mutants]
    assert {m.killed_by for m in by_attack.mutants} == {("cleartext_seen",)}
    pair = run.scope_of(
        run.Wish(mutants=frozenset({"PingsInClear"}), attacks=frozenset({"untrusted_ca"}))
    )
    assert [m.killed_by for m in pair.mutants] == [("untrusted_ca",)]
