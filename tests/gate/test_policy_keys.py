"""Every key of a policy closes the gate, where it alone makes the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lab.gate.deciding import decide
from lab.gate.decision import Kind
from lab.gate.policy import EvidenceSection, PolicyFile, RuleSection, WaiverSection
from lab.gate.source import Source
from lab.model.verdict import Verdict
from tests.gate.builders import (
    KEY,
    NOW,
    all_pass,
    but,
    inputs,
    policy,
    result,
    scenarios,
    source,
)
from tests.gate.selftests import selftest

RULE = "rules:\n- attacks: [B1]\n  devices: [phone]\n"
B1 = all_pass("B1")
FAIL, OPEN, NONE = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE


@dataclass(frozen=True)
class Closes:
    """A key of the policy, and evidence to which it alone makes the difference."""

    key: str
    text: str
    sources: Sequence[Source]
    kind: Kind
    words: str
    without: str = RULE
    """The policy without the key, by which the gate opens."""
    given: Callable[[], Any] = inputs


OLD = source(*B1, started_at=NOW.timestamp() - 8 * 86400)
EXTRA = result(scenarios("B2")[0], FAIL)
ENDED = "until: 2026-06-14, reason: known}"
BOTH = (*B1, *all_pass("B1", "tablet"))

CLOSING = [
    Closes(
        "rules.attacks",
        "rules:\n- {attacks: [B1, A5], devices: [phone]}\n",
        [source(*B1)],
        Kind.MISSING,
        "Not run: 2 scenarios on phone (A5 unregistered_host).",
    ),
    Closes(
        "rules.devices",
        "rules:\n- {attacks: [B1], devices: [phone, tablet]}\n",
        [source(*B1)],
        Kind.DEVICE,
        "Nothing of B1 passed on device tablet: there is no such device.",
    ),
    Closes(
        "rules.devices.platform",
        "rules:\n- {attacks: [B1], devices: [phone, {platform: ios}]}\n",
        [source(*B1)],
        Kind.DEVICE,
        "Nothing of B1 passed on any device of platform ios: there is no such device.",
    ),
    Closes(
        "rules.devices.pool",
        "rules:\n- {attacks: [B1], devices: [{pool: release}, {pool: beta}]}\n",
        [source(*B1)],
        Kind.DEVICE,
        "Nothing of B1 passed on any device in pool beta",
    ),
    Closes(
        "rules.os",
        f"{RULE}  os: ['Android 15*', 'Android 14*']\n",
        [source(*B1)],
        Kind.OS,
        "Nothing of B1 passed on a device with Android 14*; there is Android 15 (API level 35).",
    ),
    Closes(
        "not_applicable",
        f"{RULE}not_applicable: refused\n",
        [source(*but(B1, NONE))],
        Kind.NOT_APPLICABLE,
        "Not applicable: B1 untrusted_ca on phone, Rogue CA, TLS 1.2: The clock cannot be set.",
        f"{RULE}not_applicable: allowed\n",
    ),
    Closes(
        "other_failures",
        f"{RULE}other_failures: close\n",
        [source(*B1, EXTRA)],
        Kind.FAIL,
        f"FAIL: B2 {EXTRA.slug} on phone",
        f"{RULE}other_failures: tell\n",
    ),
    Closes(
        "waivers.until",
        f"{RULE}waivers: [{{attacks: [B1], verdict: INCONCLUSIVE, {ENDED}]\n",
        [source(*but(B1, OPEN))],
        Kind.INCONCLUSIVE,
        "Its waiver ended on 2026-06-14 (known).",
        f"{RULE}waivers: [{{attacks: [B1], verdict: INCONCLUSIVE, until: 2026-06-15, reason: a}}]",
    ),
    Closes(
        "waivers.devices",
        "rules: [{attacks: [B1], devices: [phone, tablet]}]\n"
        "waivers: [{attacks: [B1], devices: [tablet], verdict: NOT_APPLICABLE, reason: a}]",
        [source(*but(BOTH, NONE))],
        Kind.NOT_APPLICABLE,
        "Not applicable: B1 untrusted_ca on phone",
        "rules: [{attacks: [B1], devices: [phone, tablet]}]\n"
        "waivers: [{attacks: [B1], devices: [phone], verdict: NOT_APPLICABLE, reason: a}]",
    ),
    Closes(
        "waivers.attacks",
        f"{RULE}waivers: [{{attacks: [B2], verdict: NOT_APPLICABLE, reason: a}}]",
        [source(*but(B1, NONE))],
        Kind.NOT_APPLICABLE,
        "Not applicable: B1 untrusted_ca on phone",
        f"{RULE}waivers: [{{attacks: [B1], verdict: NOT_APPLICABLE, reason: a}}]",
    ),
    Closes(
        "waivers.verdict",
        f"{RULE}waivers: [{{attacks: [B1], verdict: NOT_APPLICABLE, reason: a}}]",
        [source(*but(B1, FAIL))],
        Kind.FAIL,
        "FAIL: B1 untrusted_ca on phone",
        f"{RULE}waivers: [{{attacks: [B1], verdict: FAIL, until: 2026-07-01, reason: a, "
        "ticket: T-1}]",
    ),
    Closes(
        "evidence.complete",
        f"{RULE}evidence: {{complete: true}}\n",
        [source(*B1, complete=False, incomplete_because="It was interrupted.")],
        Kind.INCOMPLETE,
        "reports/run is of a run that did not get to everything: It was interrupted.",
        f"{RULE}evidence: {{complete: false}}\n",
    ),
    Closes(
        "evidence.max_age_days",
        f"{RULE}evidence: {{max_age_days: 7}}\n",
        [OLD],
        Kind.AGE,
        "reports/run is of 2026-06-07 12:00:00 UTC, 8 days ago; 7 days are allowed.",
    ),
    Closes(
        "evidence.minimum_passed",
        f"{RULE}evidence: {{minimum_passed: 5}}\n",
        [source(*B1)],
        Kind.MINIMUM,
        "Only 4 scenarios passed; at least 5 must.",
    ),
    Closes(
        "evidence.signers",
        f"{RULE}evidence: {{signers: [{'1f' * 32}]}}\n",
        [source(*B1)],
        Kind.SIGNER,
        f"reports/run is signed with key {KEY}, not with one of the policy's.",
        f"{RULE}evidence: {{signers: [{'1f' * 32}, {KEY.upper()}]}}\n",
    ),
    Closes(
        "evidence.selftest",
        f"{RULE}evidence: {{selftest: bundle}}\n",
        [source(*B1)],
        Kind.SELFTEST,
        "The self-test in reports/run is missing.",
    ),
    Closes(
        "evidence.selftest: a file",
        f"{RULE}evidence: {{selftest: selftest.json}}\n",
        [source(*B1, selftest=selftest())],
        Kind.SELFTEST,
        "The self-test selftest.json is missing.",
    ),
    Closes(
        "evidence.selftest: another version",
        f"{RULE}evidence: {{selftest: bundle}}\n",
        [source(*B1, selftest=selftest(lab="0.9"))],
        Kind.SELFTEST,
        "does not vouch for reports/run: it is of version 0.9 of the lab, the run of 1.0.",
    ),
    Closes(
        "evidence.app",
        f"{RULE}evidence: {{app: [phone]}}\n",
        [source(*B1)],
        Kind.BUILD,
        "There is no build to compare the tested one with.",
    ),
    Closes(
        "evidence.app: of another device",
        f"{RULE}evidence: {{app: [phone]}}\n",
        [source(*B1)],
        Kind.BUILD,
        "On phone another build was tested (abababab…) than app.apk (cdcdcdcd…).",
        f"{RULE}evidence: {{app: [tablet]}}\n",
        given=lambda: inputs(apps={"app.apk": KEY}),
    ),
]


@pytest.mark.parametrize("case", CLOSING, ids=lambda case: case.key)
def test_each_key_closes_the_gate(case: Closes, tmp_path: Path) -> None:
    open_without = decide(policy(tmp_path, case.without), case.sources, case.given())
    assert open_without.open, open_without.gaps
    decision = decide(policy(tmp_path, case.text), case.sources, case.given())
    assert not decision.open
    assert case.kind in {gap.kind for gap in decision.gaps}
    assert any(case.words in gap.text for gap in decision.gaps), decision.gaps


def test_every_key_of_the_models_is_among_them() -> None:
    sections: dict[str, type[BaseModel]] = {
        "": PolicyFile,
        "rules.": RuleSection,
        "waivers.": WaiverSection,
        "evidence.": EvidenceSection,
    }
    keys = {f"{at}{name}" for at, model in sections.items() for name in model.model_fields}
    # These two are what a waiver is refused without; see test_reading_policy.
    keys -= {"rules", "waivers", "evidence", "waivers.reason", "waivers.ticket"}
    assert keys == {case.key.partition(":")[0] for case in CLOSING} & keys
