from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.evidence.signing import Seal
from tests.evidence.bundles import forge, make

RUNNER = CliRunner()


def run(*arguments: object) -> Result:
    return RUNNER.invoke(app, ["verify", *map(str, arguments)])


def pem(path: Path, seal: Seal) -> Path:
    path.write_bytes(seal.public_pem)
    return path


def test_a_good_bundle(tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal)
    told = run(folder, "--key", pem(tmp_path / "key.pem", seal))
    assert told.exit_code == 0, told.output
    assert "3 scenarios judged again" in told.output
    assert f"Signed with key {seal.key_id}." in told.output
    assert "is it the signer's?" in run(folder).output


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "app-log.txt").write_text("nothing\n")
    told = run(folder)
    assert told.exit_code == 1
    assert "app-log.txt: changed" in told.output
    assert "DOES NOT VERIFY" in told.output


def test_a_forged_verdict_is_told_though_it_was_signed(tmp_path: Path) -> None:
    folder = make(tmp_path)
    forge(folder, Seal.fresh(), lambda r: r["result"]["reasons"].update(verdict="PASS"), number=2)
    told = run(folder)
    assert told.exit_code == 1
    assert "judged again it is FAIL, not PASS" in told.output


def test_another_signer_is_told(tmp_path: Path) -> None:
    told = run(make(tmp_path), "--key", pem(tmp_path / "key.pem", Seal.fresh()))
    assert told.exit_code == 1
    assert "signed with another key" in told.output


def test_an_incomplete_run(tmp_path: Path) -> None:
    told = run(make(tmp_path, selected=9))
    assert told.exit_code == 3
    assert "INCOMPLETE" in told.output


@pytest.mark.parametrize("mistake", ["no folder", "no bundle", "no key", "not a key", "no roots"])
def test_mistakes(tmp_path: Path, mistake: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.pem").write_text("-----BEGIN PUBLIC KEY-----\n")
    arguments: dict[str, list[object]] = {
        "no folder": [tmp_path / "nowhere"],
        "no bundle": [tmp_path / "empty"],
        "no key": [tmp_path / "empty", "--key", tmp_path / "nowhere.pem"],
        "not a key": [tmp_path / "empty", "--key", tmp_path / "odd.pem"],
        "no roots": [tmp_path / "empty", "--timestamp-ca", tmp_path / "odd.pem"],
    }
    told = run(*arguments[mistake])
    assert told.exit_code == 2
    assert told.output.startswith("trustpin-lab: ")
    assert told.output.count("\n") == 1
