from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import lab
from lab.evidence.canonical import digest_of
from lab.evidence.certificates import der_of
from lab.evidence.context import commit
from lab.evidence.evidence_schema import evidence_schema, schema_text
from lab.evidence.files import uninterrupted
from lab.evidence.layout import ATTESTATION, DERIVED, FLOWS, MANIFEST, MARKER, RECORDS
from lab.evidence.record import to_json
from lab.evidence.redaction import Concealer
from lab.evidence.signing import Seal, Verifier
from lab.evidence.verify import verify
from lab.evidence.writer import RunFolder
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, judged, passed
from tests.evidence.bundles import context, forge, make, results, sign_again
from tests.judge import builders
from tests.patience import CAP

DOCS = Path(__file__).parents[2] / "docs"


def records(folder: Path) -> list[Any]:
    return [json.loads(path.read_bytes()) for path in sorted((folder / RECORDS).iterdir())]


def texts(folder: Path, **named: Any) -> str:
    return "\n".join(map(str, verify(folder, **named).findings))


def test_a_bundle_verifies_wherever_it_is(tmp_path: Path) -> None:
    seal = Seal.fresh()
    made = make(tmp_path / "reports", seal)
    moved = tmp_path / "elsewhere"
    shutil.move(made, moved)
    told = verify(moved, Verifier(seal.public_pem))
    assert (told.good, told.complete) == (True, True)
    assert [str(finding) for finding in told.findings] == [
        "bundle: made by another version of the lab: what its catalogue says is not compared"
    ]
    assert told.judged == len(results()) - 1
    assert told.key_id == seal.key_id


def test_records_fit_the_published_schema(tmp_path: Path) -> None:
    assert (DOCS / "evidence.schema.json").read_text(encoding="utf-8") == schema_text(), (
        "regenerate it: python -m lab.evidence.evidence_schema"
    )
    validator = jsonschema.Draft202012Validator(evidence_schema())
    data = records(make(tmp_path))
    for record in data:
        validator.validate(record)
    assert not validator.is_valid(data[0] | {"verdict": "PASS"})


def test_a_record_says_what_was_tested_and_what_follows(tmp_path: Path) -> None:
    told = passed(slug="device_trusted_ca")
    (record,) = records(make(tmp_path, told=[told]))
    assert record["mapping"]["masvs"] == ["MASVS-NETWORK-2"]
    assert [(t["id"], t["relation"]) for t in record["mapping"]["mastg"]] == [
        ("MASTG-TEST-0244", "satisfies")
    ], "of a platform that is neither Android nor iOS, the network's test alone"
    assert record["mapping"]["maswe"]["beta_id"] == "MASWE-0047"
    assert record["evaluation"]["rule_ref"] == "MASTG-TEST-0244"
    assert record["evaluation"]["verdict"] == "PASS"
    assert {c["holds"] for c in record["evaluation"]["controls"]} == {True}
    assert record["subject"]["build_sha256"] == "ab" * 32
    assert record["unknown"]["subject.source"]


def test_the_subject_of_the_statement_is_the_app(tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal)
    envelope = (folder / ATTESTATION).read_bytes()
    payload = Verifier(seal.public_pem).payload(envelope, "application/vnd.in-toto+json")
    said = json.loads(payload)
    assert said["subject"] == [
        {
            "name": "client.py",
            "digest": {"sha256": "ab" * 32},
            "annotations": {"device": "phone", "digest_of": "source of the SDK"},
        }
    ]
    assert said["predicate"]["result"] == "FAILED"
    assert [len(said["predicate"][f"{k}Tests"]) for k in ("passed", "warned", "failed")] == [
        1,
        1,
        1,
    ]
    manifest = digest_of((folder / MANIFEST).read_bytes()).sha256
    assert said["predicate"]["configuration"][0]["digest"]["sha256"] == manifest


FORGERIES = {
    "a verdict": lambda record: (
        record["result"].update(verdict="PASS"),
        record["evaluation"].update(verdict="PASS"),
    ),
    "the judge's word": lambda record: record["result"]["reasons"].update(verdict="PASS"),
    "a reason": lambda record: record["result"]["reasons"]["reasons"][0].update(text="All well."),
    "what follows": lambda record: record["evaluation"].update(verdict="PASS"),
    "wrong on purpose": lambda record: record["result"].update(
        verdict="PASS", must_be_caught=True, slug="device_trusted_ca"
    ),
    "no trial": lambda record: record["result"].update(verdict="PASS", trial=None),
    "a field more": lambda record: record.update(remark="looked at by hand"),
    "the build": lambda record: record["subject"].update(build_sha256="cd" * 32),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_record_that_was_forged_and_signed_anew_is_caught(tmp_path: Path, what: str) -> None:
    folder = make(tmp_path)
    forge(folder, Seal.fresh(), FORGERIES[what], number=2)
    told = verify(folder)
    assert not told.good
    assert any(f.path.startswith("records/0002-") and f.breaks for f in told.findings), texts(
        folder
    )


def test_signing_anew_alone_changes_nothing_but_the_key(tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal)
    forge(folder, Seal.fresh(), lambda record: None)
    assert verify(folder).good, "or the test before would prove nothing"
    told = verify(folder, Verifier(seal.public_pem))
    assert [f.path for f in told.findings if f.breaks] == ["signer.pem", ATTESTATION]


@pytest.mark.parametrize("name", [*DERIVED, "results.json", "verdicts.jsonl"])
def test_summaries_must_follow_from_the_records(tmp_path: Path, name: str) -> None:
    folder = make(tmp_path, begun=context(lab=lab.__version__, lab_commit=commit()))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"api.acme.test", b"bad.acme.test") + b"\n")
    sign_again(folder, Seal.fresh())
    assert name in {f.path for f in verify(folder).findings}


def test_what_a_correct_client_does_is_the_catalogues_word(tmp_path: Path) -> None:
    unlike = passed(case="A1", slug="good_chain", title="Good chain")
    folder = make(tmp_path, told=[unlike], begun=context(lab=lab.__version__, lab_commit=commit()))
    assert "what a correct client does is not what the catalogue says" in texts(folder)


def test_an_unfinished_run_verifies_as_such(tmp_path: Path) -> None:
    folder = make(tmp_path, selected=9)
    told = verify(folder)
    assert (told.good, told.complete) == (True, False)
    (folder / MARKER).unlink()
    assert "INCOMPLETE: missing" in texts(folder)


def test_a_mark_that_was_left_behind_is_no_damage(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / MARKER).write_text("The run has not finished: what is here is what it got to.\n")
    told = verify(folder)
    assert (told.good, told.complete) == (True, False)
    assert [f.path for f in told.findings if f.path] == [MARKER]


def test_links_are_no_files_of_a_bundle(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (tmp_path / "outside").write_bytes((folder / "devices.yaml").read_bytes())
    (folder / "devices.yaml").unlink()
    (folder / "devices.yaml").symlink_to(tmp_path / "outside")
    assert "devices.yaml: not a file of its own" in texts(folder)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_anybody_can_check_it_with_openssl_and_jq(tmp_path: Path, kind: str) -> None:
    if not all(map(shutil.which, ("openssl", "jq", "sha256sum"))):
        pytest.skip("needs openssl, jq and sha256sum")
    seal = Seal.fresh() if kind == "ed25519" else Seal(ec.generate_private_key(ec.SECP256R1()))
    folder = make(tmp_path, seal)
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    steps = dict(re.findall(r"```sh (\w+)\n(.*?)```", page, re.DOTALL))
    assert list(steps) == ["hashes", "signature", "manifest"]

    def failing() -> list[str]:
        scratch = str(tmp_path / "scratch-")
        return [
            name
            for name, step in steps.items()
            if subprocess.run(
                ["bash", "-euo", "pipefail", "-c", step.replace("/tmp/", scratch)],
                cwd=folder,
                capture_output=True,
                timeout=CAP,
                check=False,
            ).returncode
        ]

    assert failing() == []
    (folder / "devices.yaml").write_text("devices: []\n")
    assert failing() == ["hashes"]
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes().replace(b"true", b"false"))
    assert failing() == ["hashes", "manifest"]
    (folder / "signer.pem").write_bytes(Seal.fresh().public_pem)
    assert "signature" in failing()


def test_flows_are_an_archive_without_values(tmp_path: Path) -> None:
    seen = builders.intercepted(request="POST /login HTTP/2.0 [cookie, content-type]")
    spilt = judged(builders.trial(attack=builders.attack_phase(connections=(seen,))))
    flows = json.loads((make(tmp_path, told=[spilt]) / FLOWS).read_bytes())
    entry = next(e for e in flows["log"]["entries"] if e["request"]["method"] == "POST")
    assert entry["request"]["url"] == "https://api.acme.test:443/login"
    assert entry["request"]["headers"] == [
        {"name": "cookie", "value": "[redacted]"},
        {"name": "content-type", "value": "[redacted]"},
    ]


CANARY = "c4n4ry-of-the-owner"


def test_nothing_secret_gets_into_a_bundle(tmp_path: Path) -> None:
    words = builders.refused(
        log=(f"Cookie: sid={CANARY}", f"password={CANARY}", f"said {CANARY} aloud"),
        message=f"https://user:{CANARY}@api.acme.test failed",
    )
    said = judged(builders.trial(attack=builders.attack_phase(outcome=words)), served=CANARY)
    junit = (
        f'<testsuites><testcase name="a"><failure>token: {CANARY}</failure></testcase></testsuites>'
    )
    folder = make(tmp_path, told=[said], concealer=Concealer([CANARY]), junit=junit)
    for path in folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    assert verify(folder).good
    redacted = json.loads((folder / MANIFEST).read_bytes())["redacted"]
    assert redacted["header"] >= 1
    assert redacted["named value"] >= 1
    assert redacted["user information"] >= 1
    assert redacted["other"] >= 1


def test_a_certificate_is_stored_once_under_its_digest(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "run") as folder:
        for _ in range(2):
            folder.certificate(b"any bytes at all")
    (stored,) = (folder.path / "certificates").iterdir()
    assert stored.stem == digest_of(b"any bytes at all").sha256
    assert der_of(stored.read_bytes()) == b"any bytes at all"
    assert der_of(stored.read_bytes() + b"\n") is None


def test_a_leak_that_was_seen_stays_a_fail(tmp_path: Path) -> None:
    assert failed().verdict is Verdict.FAIL
    (record,) = records(make(tmp_path, told=[failed()]))
    assert record["result"] == to_json(failed())


def test_results_without_a_record_are_no_damage_of_a_run_that_broke_off(tmp_path: Path) -> None:
    folder = make(tmp_path, selected=9)
    sign_again(folder, Seal.fresh())
    data = json.loads((folder / "results.json").read_bytes())
    data["results"].append(data["results"][0])
    (folder / "results.json").write_text(json.dumps(data))
    sign_again(folder, Seal.fresh())
    told = verify(folder)
    assert (told.good, told.complete) == (True, False), texts(folder)
    assert "results.json: some of its results have no record" in texts(folder)


def test_ctrl_c_comes_after_what_belongs_together(tmp_path: Path) -> None:
    done = []

    def write() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("written")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
