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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere is no folder"),
        (["empty"], "empty is no bundle: it has neither attestation.dsse.json nor seals.jsonl"),
        (["run", "--key", "nowhere.pem"], "nowhere.pem: No such file or directory"),
        (["run", "--key", "odd.pem"], "odd.pem: not a public key in PEM that can be used"),
        (["run", "--timestamp-ca", "odd.pem"], "odd.pem: no certificates in PEM"),
        (["run", "--timestamp-ca", "nowhere.pem"], "nowhere.pem: No such file or directory"),
    ],
    ids=["no folder", "no bundle", "no key", "not a key", "no roots", "no file of roots"],
)
def test_mistakes(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make(tmp_path).name == "run"
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.pem").write_text("-----BEGIN PUBLIC KEY-----\n")
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert (told.exit_code, told.output) == (2, f"trustpin-lab: {words}\n")
