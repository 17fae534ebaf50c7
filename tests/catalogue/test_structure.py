"""What holds for every entry of the catalogue, whoever wrote it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from lab.catalogue import CatalogueEntry, entries
from lab.catalogue.left_out import LEFT_OUT
from lab.catalogue.registry import CHAPTERS, SECTIONS
from lab.model.attack import Control, Subject
from lab.model.outcome import Answer

SIZES = {"A": 6, "B": 12, "C": 20, "D": 9, "E": 6, "F": 13, "G": 15, "H": 8, "I": 6}
"""How many rows the reference has of each chapter."""
ROWS = [f"{chapter}{number}" for chapter, size in SIZES.items() for number in range(1, size + 1)]

MODULES = Path(__file__).parents[2] / "lab" / "catalogue"


def test_every_row_is_tried_or_left_out_with_a_reason() -> None:
    known = {entry.id for entry in entries()} | {row.id for row in LEFT_OUT}
    assert [row for row in ROWS if row not in known] == []


def test_nothing_is_tried_that_is_no_row() -> None:
    """But for the promises (P) of the founding document, which is another one."""
    assert {entry.id for entry in entries() if not entry.id.startswith("P")} <= set(ROWS)


def test_slugs_and_titles_are_unique() -> None:
    slugs = Counter(entry.slug for entry in entries())
    titles = Counter((entry.id, entry.title) for entry in entries())
    assert [slug for slug, count in slugs.items() if count > 1] == []
    assert [title for title, count in titles.items() if count > 1] == []


def test_every_section_says_something() -> None:
    assert [one.slug for one in entries() if tuple(one.sections) != SECTIONS] == []
    assert [one.slug for one in entries() if len(one.served.split()) < 4] == []
    texts = ((one.slug, text) for one in entries() for text in one.sections.values())
    assert [slug for slug, text in texts if not text.endswith((".", ")", "?"))] == []


def test_a_refusal_is_expected_for_a_reason() -> None:
    assert [one.slug for one in entries() if _is_refused(one) != _has_reasons(one)] == []


def _is_refused(one: CatalogueEntry) -> bool:
    return one.expectation().answer is Answer.REFUSED


def _has_reasons(one: CatalogueEntry) -> bool:
    expected = one.expectation()
    return bool(expected.kinds) or any(telling.codes for telling in expected.told)


def test_what_must_be_caught_is_no_app_and_needs_no_control() -> None:
    caught = [one for one in entries() if one.must_be_caught]
    assert caught
    assert [one.slug for one in caught if one.subject is Subject.APP] == []
    assert [one.slug for one in caught if one.control is not Control.NONE] == []


def test_every_module_with_entries_is_a_chapter() -> None:
    found = {path.stem for path in MODULES.glob("*.py") if "\n@entry(" in path.read_text("utf-8")}
    assert found <= set(CHAPTERS)


def test_nothing_of_what_is_told_names_a_machine_or_a_tool() -> None:
    odd = re.compile(r"/work/|/tmp/|/root/|TODO|FIXME|XXX")
    assert [one.slug for one in entries() if odd.search(one.explanation)] == []
