from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from tests.evidence.builders import failed, passed
from tests.evidence.bundles import context, make
from tests.gate.builders import all_pass
from tests.gate.selftests import selftest

RUNNER = CliRunner()
RULE = "rules:\n- attacks: [unregistered_host]\n  devices: [phone]\n"
BOTH = [
    passed(slug="unregistered_host", case="A5", variant=version) for version in ("tls1.2", "tls1.3")
]


def run(folder: Path, text: str, *arguments: object) -> Result:
    policy = folder / "policy.yaml"
    policy.write_text(text, encoding="utf-8")
    words = ["gate", "--policy", str(policy), *map(str, arguments)]
    return RUNNER.invoke(app, words, env={"COLUMNS": "300"})


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle in which all that the rule asks for passed. It is only read."""
    return make(tmp_path_factory.mktemp("good"), told=BOTH)


def test_it_opens(good: Path, tmp_path: Path) -> None:
    assert {result.slug for result in all_pass("A5")} == {"unregistered_host"}
    told = run(tmp_path, RULE, good)
    assert told.exit_code == 0, told.output
    assert told.output == "The gate is OPEN: 2 of 2 required scenarios passed.\n"


def test_it_stays_closed_and_says_why(tmp_path: Path) -> None:
    bad = failed(slug="unregistered_host", case="A5", variant="tls1.3")
    told = run(tmp_path, RULE, make(tmp_path, told=[BOTH[0], bad]))
    assert told.exit_code == 1
    first = told.output.splitlines()[0]
    assert first.startswith("1. FAIL: A5 unregistered_host on phone, Compromised CA, TLS 1.3: The")
    assert "The gate is CLOSED for 1 reason: 1 of 2 required scenarios passed." in told.output


def test_as_json(tmp_path: Path) -> None:
    told = run(tmp_path, RULE, make(tmp_path, told=BOTH[:1]), "--json")
    assert told.exit_code == 1
    decision = json.loads(told.stdout)
    assert (decision["open"], decision["format"]) == (False, "trustpin-lab-gate/1")
    (gap,) = decision["gaps"]
    assert gap["kind"] == "missing"
    assert gap["scenarios"][0] == {
        "device": "phone",
        "slug": "unregistered_host",
        "adversary": "compromised_ca",
        "variant": "tls1.3",
        "case": "A5",
    }


def test_evidence_that_does_not_verify_is_not_looked_at(good: Path, tmp_path: Path) -> None:
    forged = make(tmp_path, told=BOTH)
    (forged / "app-log.txt").write_text("nothing\n")
    told = run(tmp_path, RULE, good, forged, "--json")
    assert told.exit_code == 3
    assert f"{forged}: app-log.txt: changed" in told.stderr
    assert f"{forged} DOES NOT VERIFY." in told.stderr
    assert told.stdout == ""


def test_the_build_is_the_one_that_is_given(tmp_path: Path) -> None:
    build = tmp_path / "app.apk"
    build.write_bytes(b"the build")
    known = context().builds["phone"]
    digest = hashlib.sha256(b"the build").hexdigest()
    begun = context(builds={"phone": type(known)(digest, "app package", "app.apk")})
    folder = make(tmp_path, told=BOTH, begun=begun)
    text = RULE + "evidence: {app: [phone]}\n"
    assert run(tmp_path, text, folder, "--app", build).exit_code == 0
    build.write_bytes(b"another")
    told = run(tmp_path, text, folder, "--app", build)
    assert told.exit_code == 1
    assert "On phone another build was tested" in told.output


def test_a_self_test_in_a_file_lies_beside_the_policy(good: Path, tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_bytes(selftest(lab=context().lab))
    text = RULE + "evidence: {selftest: lab.json}\n"
    assert run(tmp_path, text, good).exit_code == 0
    (tmp_path / "lab.json").write_bytes(selftest(lab="2.0"))
    assert "is of version 2.0 of the lab" in run(tmp_path, text, good).output


def test_a_run_is_as_old_as_it_is(good: Path, tmp_path: Path) -> None:
    text = RULE + "evidence: {max_age_days: 1}\n"
    now = datetime.now(UTC).timestamp()
    fresh = make(tmp_path / "a", told=BOTH, begun=context(started_at=now))
    assert run(tmp_path, text, fresh).exit_code == 0
    assert run(tmp_path, text, good).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "trustpin-lab: nowhere is no folder\n"),
        (["."], "trustpin-lab: . is no bundle: it has neither"),
        (["run", "--app", "nowhere"], "nowhere: No such file or directory; give the file of a"),
        (["run", "--policy", "nowhere.yaml"], "nowhere.yaml: no such file; create it, or name"),
    ],
)
def test_mistakes(
    arguments: list[str], words: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").symlink_to(good)
    monkeypatch.chdir(tmp_path)
    told = run(tmp_path, RULE, *arguments)
    assert told.exit_code == 2
    assert told.output.startswith(words)


def test_a_mistake_in_the_policy(good: Path, tmp_path: Path) -> None:
    told = run(tmp_path, "rules: 3\n", good)
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == f"{tmp_path}/policy.yaml:1: rules: must be a list, not 3\n"
