"""``pytest --gate``: the devices are curl, which holds, and one that never gets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.gate.requirements import Inputs
from lab.model.verdict import Verdict
from lab.pytest_plugin.gating import Gate
from tests.evidence.builders import failed, passed
from tests.evidence.bundles import make
from tests.gate.builders import NOW
from tests.gate.builders import policy as made_policy
from tests.pytest_plugin.conftest import CURL, PROGRAM, ROOT, Lab

ONE = ("--device=curl", "-k", "B1-untrusted_ca-tls1.3 and rogue_ca", "--retries=0")
MISSING = "- {attacks: [all], verdict: MISSING, until: 9999-12-31, reason: one will do}\n"
NAMED = {"slug": "untrusted_ca", "case": "B1", "adversary": "rogue_ca"}


def policy(lab: Lab, text: str) -> str:
    (lab.folder / "policy.yaml").write_text(text, encoding="utf-8")
    return "--gate=policy.yaml"


def test_a_mistake_in_the_policy_is_told_before_anything_is_run(lab: Lab) -> None:
    result = lab.run_here(*ONE, policy(lab, "rules:\n- attacks: [B99]\n  devices: [curl]\n"))
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*policy.yaml:2: rules[[]0].attacks[[]0]: no attack*'B99'*"])
    assert not lab.run_folders


def test_a_build_that_cannot_be_read(lab: Lab) -> None:
    text = "rules:\n- attacks: [B1]\n  devices: [curl]\n"
    result = lab.run_here(*ONE, policy(lab, text), "--gate-app=nowhere.apk")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nowhere.apk: No such file*; give the file of a build"])


@pytest.mark.whole
def test_a_closed_gate_is_exit_code_7(lab: Lab) -> None:
    result = lab.run(*ONE, policy(lab, "rules:\n- attacks: [untrusted_ca]\n  devices: [curl]\n"))
    assert result.ret == 7
    result.stdout.fnmatch_lines(
        ["1. Not run: 3 scenarios on curl (B1 untrusted_ca).", "The gate is CLOSED for 1 reason: *"]
    )


@pytest.mark.whole
def test_what_the_policy_names_is_let_through(lab: Lab) -> None:
    unreachable = PROGRAM.partition("devices:\n")[2].format(argv=CURL, control=CURL)
    lab.devices((ROOT / "devices.yaml").read_text() + unreachable)
    text = f"""
rules: [{{attacks: [untrusted_ca], devices: [curl, program]}}]
waivers:
{MISSING}
- attacks: [B1]
  devices: [program]
  verdict: INCONCLUSIVE
  until: 9999-12-31
  reason: no route
"""
    result = lab.run(*ONE, "--device=program", policy(lab, text))
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*1 INCONCLUSIVE*",
            "*1 scenario let through*(INCONCLUSIVE): no route",
            "The gate is OPEN: 1 of 8 required scenarios passed, 7 waived.",
        ]
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Verdict, Path]:
    """A bundle in which an attack passed, and one in which it failed."""
    root = tmp_path_factory.mktemp("bundles")
    told = {Verdict.PASS: passed(**NAMED), Verdict.FAIL: failed(**NAMED)}
    return {v: make(root / str(v), told=[passed(), result]) for v, result in told.items()}


@pytest.mark.parametrize(
    ("verdict", "status", "alone", "becomes"),
    [
        (Verdict.PASS, 0, True, 0),
        (Verdict.PASS, 6, True, 0),
        (Verdict.PASS, 1, True, 0),
        (Verdict.PASS, 1, False, 1),
        (Verdict.PASS, 2, True, 2),
        (Verdict.FAIL, 0, True, 7),
        (Verdict.FAIL, 6, True, 7),
        (Verdict.FAIL, 1, True, 1),
        (Verdict.FAIL, 3, True, 3),
    ],
)
def test_exit_codes(
    verdict: Verdict,
    status: int,
    alone: bool,
    becomes: int,
    folders: dict[Verdict, Path],
    tmp_path: Path,
) -> None:
    text = "rules: [{attacks: [untrusted_ca], devices: [phone]}]\nwaivers:\n" + MISSING
    gate = Gate(made_policy(tmp_path, text), Inputs(NOW))
    assert gate.exit_status(folders[verdict], status, verdicts_only=alone) == becomes


def test_a_bundle_that_could_not_be_written_closes_the_gate(tmp_path: Path) -> None:
    gate = Gate(made_policy(tmp_path, "rules: [{attacks: [all], devices: [a]}]"), Inputs(NOW))
    assert gate.exit_status(tmp_path / "nowhere", 0, verdicts_only=True) == 7
    assert "there is no bundle that it could decide about" in gate.told(100, color=False)
    folder = make(tmp_path)
    (folder / "app-log.txt").write_text("changed")
    assert gate.exit_status(folder, 6, verdicts_only=True) == 7
    assert "does not verify: app-log.txt: changed" in gate.told(100, color=False)
