from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.catalogue import entries
from lab.catalogue.left_out import LEFT_OUT
from lab.catalogue.page import FILE, main, page
from lab.catalogue.profile_table import ROWS, Row, profile_table
from lab.catalogue.registry import CHAPTERS
from lab.evidence.matrix import natural
from lab.model.profile import PROFILES


def test_the_page_in_docs_is_what_the_attacks_say() -> None:
    assert FILE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_attack_is_on_the_page() -> None:
    text = page()
    for entry in entries():
        assert f"- **Name**: `{entry.slug}`" in text
        assert entry.served[1:] in text


def test_every_chapter_can_be_gone_to() -> None:
    lines = page().splitlines()
    headings = {line.removeprefix("## ") for line in lines if line.startswith("## ")}
    anchors = {re.sub(r"[^a-z0-9_ -]", "", h.lower()).replace(" ", "-") for h in headings}
    links = [link for line in lines for link in re.findall(r"\]\(#(.*?)\)", line)]
    assert len(links) == len(CHAPTERS) + 1
    assert len(set(links)) == len(links), "two chapters have the same heading"
    assert set(links) <= anchors


def test_what_a_fail_means_is_told_of_every_concern() -> None:
    table = page().partition("## What a FAIL means")[2].partition("##")[0]
    for concern in {entry.concern for entry in entries()}:
        assert f"\n| {concern} | " in table


def test_what_is_left_out_has_its_reason() -> None:
    table = page().partition("## Left out, and why\n")[2].strip().splitlines()[2:]
    told = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in table]
    assert told == [(each.id, each.what, each.why) for each in LEFT_OUT]


def test_what_is_left_out_stands_in_the_order_of_the_rows() -> None:
    ids = [each.id for each in LEFT_OUT]
    assert ids == sorted(ids, key=natural)


def test_what_depends_on_the_sdk_is_told_of_each_version() -> None:
    text = page()
    replayed = text.partition("`older_configuration_replayed`")[2].partition("###")[0]
    assert "  - SDK 4.0 and 4.1: not applicable: the documents mention no protection" in replayed
    assert "  - SDK 6: refused, with an error of the kind" in replayed
    down = text.partition("`service_down_cold_genuine`")[2].partition("###")[0]
    assert "  - SDK 4.0: `ErrorFetchingPinningInfo` at the setup; or" in down
    usual = text.partition("`device_trusted_ca`")[2].partition("###")[0]
    assert "SDK" not in usual


def test_the_table_of_profiles_has_a_column_for_each() -> None:
    head, rule, *rows = profile_table().splitlines()
    assert head.split(" | ")[2:] == ["SDK 4.0", "SDK 4.1", "SDK 6 |"]
    assert {line.count(" | ") for line in (head, *rows)} == {1 + len(PROFILES)}
    assert rule.count("---") == 2 + len(PROFILES)
    assert profile_table() in page()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_is_about_something_in_which_versions_differ(row: Row) -> None:
    assert len({row[2](profile) for profile in PROFILES}) > 1


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()
