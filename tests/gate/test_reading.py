from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.evidence.canonical import digest_of
from lab.evidence.layout import ATTESTATION, DEVICES, MARKER, RECORDS, RESULTS
from lab.evidence.record import RecordInvalid
from lab.evidence.signing import Seal
from lab.gate.reading import Checked, check, read_report, read_source
from lab.model.verdict import Verdict
from tests.evidence import bundles
from tests.evidence.builders import PHONE, failed, inconclusive, passed
from tests.evidence.bundles import context, make, sign_again


def checked(folder: Path) -> Checked:
    (found,) = check([folder])
    return found


def killed(root: Path) -> Path:
    """The bundle of a run that was killed before it was signed."""
    folder = make(root)
    (folder / ATTESTATION).unlink()
    (folder / MARKER).touch()
    return folder


def test_what_a_policy_looks_at(tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal, [passed(), failed()])
    source = read_source(checked(folder))
    assert [result.verdict for result in source.results] == [Verdict.PASS, Verdict.FAIL]
    assert (source.run_id, source.lab) == (context().run_id, context().lab)
    assert source.started_at == context().started_at
    assert source.key_id == seal.key_id
    assert source.complete
    (device,) = source.devices.values()
    assert device.id == "phone"
    assert device.platform == "virtual", "devices.yaml calls it that"
    assert device.systems == {PHONE.os}
    assert device.builds == {"ab" * 32}


def test_the_pool_is_the_one_of_devices_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "devices:\n- {id: phone, platform: android, pool: release}\n- 3\n- {id: [a]}\n"
    monkeypatch.setattr(bundles, "DEVICES", text)
    device = read_source(checked(make(tmp_path))).devices["phone"]
    assert (device.platform, device.pool) == ("android", "release")


@pytest.mark.parametrize("text", ["devices: 3\n", "[", "- a\n", "\xff"])
def test_a_devices_yaml_that_says_nothing(text: str, tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal)
    (folder / DEVICES).write_text(text, encoding="latin-1")
    sign_again(folder, seal)
    device = read_source(checked(folder)).devices["phone"]
    assert (device.platform, device.pool) == ("android", "")


def test_an_incomplete_run_says_why(tmp_path: Path) -> None:
    source = read_source(checked(make(tmp_path, selected=9)))
    assert not source.complete
    assert source.incomplete_because == "Only 4 of 9 scenarios came to a verdict."


def test_of_a_killed_run_only_what_was_signed_counts(tmp_path: Path) -> None:
    folder = killed(tmp_path)
    (first, *_) = sorted((folder / RECORDS).iterdir())
    (folder / RECORDS / "0005-B4-phone.json").write_bytes(first.read_bytes())
    found = checked(folder)
    assert not found.broken
    source = read_source(found)
    assert (len(source.results), source.complete) == (4, False)
    report = read_report(found)
    assert (len(report.results), report.info.complete) == (4, False)
    assert report.info.run_id == context().run_id


def test_a_forged_bundle_is_broken_and_can_be_read_all_the_same(tmp_path: Path) -> None:
    folder = make(tmp_path, told=[inconclusive()])
    results = folder / RESULTS
    results.write_text(results.read_text().replace('"INCONCLUSIVE"', '"PASS"'))
    found = checked(folder)
    assert [finding.path for finding in found.broken] == [RESULTS]
    assert read_report(found).results[0].verdict is Verdict.PASS


def test_results_that_cannot_be_read(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for content in ("{", json.dumps({"info": {}}), "[" * 100_000):
        (folder / RESULTS).write_text(content)
        with pytest.raises(RecordInvalid):
            read_report(checked(folder))


def test_a_folder_that_is_named_twice_is_checked_once(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert len(check([folder, folder / ".." / folder.name])) == 1


def test_the_self_test_is_that_of_the_bundle(tmp_path: Path) -> None:
    seal = Seal.fresh()
    folder = make(tmp_path, seal)
    assert read_source(checked(folder)).selftest is None
    (folder / "selftest.json").write_text("{}")
    sign_again(folder, seal)
    content = read_source(checked(folder)).selftest
    assert content is not None
    assert digest_of(content) == digest_of(b"{}")
