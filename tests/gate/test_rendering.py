from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.evidence.run import RunReport, report_from_json
from lab.gate.rendering import FORMS, NotHere, check_outside, chosen, reader
from tests.evidence.builders import info, passed
from tests.evidence.bundles import make


def test_forms_are_chosen_by_their_names() -> None:
    assert [form.name for form in chosen(["sarif", "html", "sarif"])] == ["sarif", "html"]
    assert chosen([]) == FORMS
    with pytest.raises(KeyError, match="pdf"):
        chosen(["html", "pdf"])


def test_every_form_has_a_file_of_its_own() -> None:
    assert len({form.file for form in FORMS}) == len({form.name for form in FORMS}) == len(FORMS)


def test_the_results_can_be_read_again() -> None:
    (form,) = chosen(["json"])
    report = RunReport(info(notes=("derived",)), (passed(),))
    assert report_from_json(json.loads(form.render(report, lambda _: None))) == report


def test_nothing_is_written_into_a_bundle(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for inside in (folder, folder / "report", folder / "a" / ".." / "b"):
        with pytest.raises(NotHere, match="would not verify any more"):
            check_outside(inside)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(NotHere):
        check_outside(tmp_path / "link" / "report")
    check_outside(tmp_path / "report")


def test_of_several_bundles_only_what_is_named_by_its_content_is_read(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    (picture,) = (two / "screenshots").iterdir()
    name = f"screenshots/{picture.name}"
    (one / name).unlink()
    assert reader([one, two])(name) == picture.read_bytes()
    assert reader([one])(name) is None
    assert reader([one, two])("context.json") is None
    assert reader([one])("context.json") == (one / "context.json").read_bytes()


def test_a_forged_name_does_not_lead_out_of_a_bundle(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (tmp_path / "secret").write_text("secret")
    (folder / "screenshots" / "link.png").symlink_to(tmp_path / "secret")
    read = reader([folder])
    for name in ("../secret", str(tmp_path / "secret"), "screenshots/link.png", "a\0b"):
        assert read(name) is None
