from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.gate.rendering import FORMS
from tests.evidence.builders import info
from tests.evidence.bundles import make
from tests.gate.builders import all_pass

RUNNER = CliRunner()


def run(*arguments: object) -> Result:
    return RUNNER.invoke(app, ["report", *map(str, arguments)])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that is only read."""
    return make(tmp_path_factory.mktemp("good"))


def test_every_form_of_a_run(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = run(good, "--output", out)
    assert told.exit_code == 0, told.output
    assert {path.name for path in out.iterdir()} == {form.file for form in FORMS} | {"derived.txt"}
    for form in FORMS:
        assert str(out / form.file) in told.output
    results = json.loads((out / "results.json").read_bytes())
    assert results["results"] == json.loads((good / "results.json").read_bytes())["results"]
    assert RUNNER.invoke(app, ["verify", str(good)]).exit_code == 0


def test_two_devices_in_one_report(tmp_path: Path) -> None:
    first = make(tmp_path / "a", told=all_pass("B1"))
    second = make(tmp_path / "b", told=all_pass("B1", "tablet"))
    out = tmp_path / "out"
    told = run(first, second, "--format", "json, html", "--output", out)
    assert told.exit_code == 0, told.output
    results = json.loads((out / "results.json").read_bytes())
    assert {result["device"] for result in results["results"]} == {"phone", "tablet"}
    page = (out / "index.html").read_text()
    assert "tablet" in page
    notes = (out / "derived.txt").read_text().splitlines()
    assert notes == results["info"]["notes"]
    assert notes[0].startswith("This report is derived and proves nothing by itself")


def test_what_does_not_agree_is_named(tmp_path: Path) -> None:
    first = make(tmp_path / "a", told=all_pass("A5"))
    second = make(tmp_path / "b", told=all_pass("A5")[:1])
    told = run(first, second, "--format=markdown", "--output", tmp_path / "out")
    assert told.exit_code == 1
    assert (
        f"Conflict: A5 unregistered_host on phone, Compromised CA, TLS 1.2 is in {first} and"
        in (told.stderr)
    )
    assert (tmp_path / "out" / "summary.md").exists()


def test_a_forged_bundle_is_refused_unless_asked_for(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "app-log.txt").write_text("nothing\n")
    out = tmp_path / "out"
    assert run(folder, "--output", out).exit_code == 3
    assert not out.exists()
    told = run(folder, "--output", out, "--unverified", "--format=json")
    assert told.exit_code == 0
    assert (
        "DOES NOT VERIFY: nothing that it says is to be believed."
        in (out / "derived.txt").read_text()
    )


def test_an_incomplete_run_stays_incomplete(tmp_path: Path) -> None:
    run(make(tmp_path, selected=9), "--output", tmp_path / "out", "--format=json")
    told = json.loads((tmp_path / "out" / "results.json").read_bytes())["info"]
    assert (told["complete"], info().complete) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere is no folder"),
        (["run", "--output", "run/report"], "--output: run/report is in the bundle"),
        (["run", "--format", "htm"], "--format: 'htm' is none; did you mean 'html'?"),
        (["run", "--format", " , "], "--format: name a form; known are: html, json, junit,"),
        (["run", "--output", "file"], "reports cannot be written to file: File exists"),
    ],
)
def test_mistakes(
    arguments: list[str], words: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").symlink_to(good)
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert told.exit_code == 2
    assert told.output.startswith(f"trustpin-lab: {words}")
