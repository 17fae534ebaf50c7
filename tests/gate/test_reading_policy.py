from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from lab.devices.document import read_document
from lab.devices.problems import SettingsError
from lab.devices.schema import DOCS, schema, written
from lab.gate.policy import Others, PolicyFile, State, Usual
from lab.gate.reading_policy import read_policy
from lab.gate.schema import TARGET, main

EXAMPLE = DOCS / "examples" / "policy.yaml"
RULE = "rules:\n- attacks: [core]\n  devices: [phone]\n"


def written_down(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_least_that_a_policy_says(tmp_path: Path) -> None:
    made = read_policy(written_down(tmp_path, RULE))
    assert made.not_applicable is Usual.REFUSED
    assert made.other_failures is Others.CLOSE
    assert made.evidence.complete
    assert made.waivers == ()


def test_the_example_is_one() -> None:
    made = read_policy(EXAMPLE)
    assert {waiver.verdict for waiver in made.waivers} >= {State.INCONCLUSIVE, State.FAIL}
    jsonschema.validate(read_document(EXAMPLE).content, schema(PolicyFile))


def test_the_schema_in_the_documentation_is_that_of_the_models(tmp_path: Path) -> None:
    text = TARGET.read_text(encoding="utf-8")
    assert text == written(PolicyFile), "run python -m lab.gate.schema"
    main([str(tmp_path / "there.json")])
    assert (tmp_path / "there.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "policy.yaml:1: the file is empty; add 'rules:' with at least one rule"),
        ("- a\n", "policy.yaml:1: must be a mapping (key: value), not ['a']"),
        ("rules: []\n", "policy.yaml:1: rules: is empty; give at least one item"),
        ("not_applicable: allowed\n", "policy.yaml:1: rules: is missing; add it. What must pass"),
        ("rules: [\n", "policy.yaml:2: not valid YAML"),
        (f"{RULE}rule: 1\n", "policy.yaml:4: rule: unknown key 'rule'; did you mean 'rules'?"),
        (
            "rules:\n- attacks: [B44]\n  devices: [a]\n",
            "policy.yaml:2: rules[0].attacks[0]: no attack of the catalogue is meant by 'B44'; "
            "did you mean 'B4'?",
        ),
        ("rules:\n- attacks: [zz*]\n  devices: [a]\n", "by 'zz*'; docs/catalogue.md has their"),
        ("rules:\n- attacks: [4]\n  devices: [a]\n", "attacks[0]: must be text, not 4; put it in"),
        ("rules:\n- attacks: []\n  devices: [a]\n", "rules[0].attacks: is empty"),
        ("rules:\n- attacks: [B4]\n", "policy.yaml:2: rules[0].devices: is missing; add it"),
        (
            "rules:\n- attacks: [B4]\n  devices: [{pol: a}]\n",
            "policy.yaml:3: rules[0].devices[0]: must be a device's id, a pattern such as",
        ),
        ("rules:\n- attacks: [B4]\n  devices: [a]\n  os: [15]\n", "os[0]: must be text, not 15"),
        (f"{RULE}not_applicable: no\n", "must be 'refused' or 'allowed', not 'no'"),
        (f"{RULE}other_failures: 1\n", "must be 'close' or 'tell', not 1"),
        (f"{RULE}evidence: {{complete: 1}}\n", "evidence.complete: must be true or false"),
        (f"{RULE}evidence: {{max_age_days: 0}}\n", "evidence.max_age_days: must be 1 or more"),
        (f"{RULE}evidence: {{minimum_passed: a}}\n", "minimum_passed: must be a whole number"),
        (f"{RULE}evidence: {{signers: [ab]}}\n", "signers[0]: must be a key's id of 64"),
        (f"{RULE}evidence: {{selftest: ''}}\n", "evidence.selftest: is empty; give a text"),
        (f"{RULE}evidence: {{app: []}}\n", "evidence.app: is empty"),
    ],
)
def test_mistakes(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_policy(written_down(tmp_path, text))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ("verdict: PASS, reason: a", "a PASS needs no waiver"),
        ("verdict: INCONCLUSIVE, reason: a", "add 'until' with a day"),
        ("verdict: MISSING, reason: a", "add 'until' with a day"),
        ("verdict: FAIL, reason: a, ticket: b", "add 'until' with a day"),
        ("verdict: FAIL, reason: a, until: 2027-01-01", "add 'ticket'"),
        ("verdict: FAIL, until: 2027-01-01, ticket: b", "waivers[0].reason: is missing"),
        ("verdict: FAIL, reason: ' ', until: 2027-01-01, ticket: b", "reason: is empty"),
        ("verdict: FAIL, reason: a, until: 2027-02-30, ticket: b", "must be a day such as"),
        ("verdict: failed, reason: a, until: 2027-02-03, ticket: b", "waivers[0].verdict: must be"),
    ],
)
def test_a_waiver_is_accounted_for(waiver: str, words: str, tmp_path: Path) -> None:
    text = f"{RULE}waivers:\n- {{attacks: [B4], {waiver}}}\n"
    with pytest.raises(SettingsError) as caught:
        read_policy(written_down(tmp_path, text))
    assert words in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file; create it"):
        read_policy(tmp_path / "policy.yaml")


def test_the_schema_takes_no_more_than_the_keys() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads('{"rules": [], "other": 1}'), schema(PolicyFile))
