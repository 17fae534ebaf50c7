"""The kill matrix in JSON, in HTML and on the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from lxml import html

from lab.evidence.record import to_json
from lab.evidence.writer import ReportsUnwritable
from lab.model.verdict import Verdict
from lab.selftest import folder, page, table
from lab.selftest.findings import Effect
from lab.selftest.report import schema_text, selftest_schema
from tests.selftest.builders import attack, found, mutant, survived, tried
from tests.selftest.reports import example, report

PUBLISHED = Path(__file__).parents[2] / "docs" / "selftest.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(selftest_schema())


def test_the_published_schema_is_that_of_the_code() -> None:
    hint = "regenerate it: python -m lab.selftest.report"
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), hint


def test_a_report_is_valid_and_one_of_another_shape_is_not() -> None:
    data = to_json(example())
    VALIDATOR.validate(data)
    data["findings"]["mutants"][0]["standing"] = "fine"
    assert not VALIDATOR.is_valid(data)


def test_every_definition_is_explained() -> None:
    made = selftest_schema()["$defs"]
    assert not [name for name, definition in made.items() if not definition.get("description")]
    assert "killed: The judge said" in made["Effect"]["description"]


def test_the_page_has_a_dot_for_every_pair_and_says_what_is_wrong() -> None:
    tree = html.fromstring(page.render(example()))
    titles = {dot.findtext("title") for dot in tree.iter("circle")}
    assert titles == {
        "Dead under one: killed",
        "Lives under one: killed for another reason",
        "Lives under two: survived",
        "Unsure under three: inconclusive",
        "Dead under idle: survived",
    }
    due = [dot for dot in tree.iter("circle") if "due" in dot.get("class", "")]
    assert len(due) == 4
    section = tree.find(".//section[@aria-labelledby='problems']")
    assert section is not None
    told = "".join(str(text) for text in section.itertext())
    for words in (
        "Lives under two",
        "Lives under one",
        "X1 idle",
        "Unsure under three",
        "it leaked",
    ):
        assert words in told, words
    assert tree.findtext(".//p[@class='stamp']") == "FAILED"


def test_the_page_is_self_contained_and_harmless() -> None:
    text = page.render(example())
    assert "<b>evil</b>" not in text
    assert "\\x1b[31m" in text
    assert not re.search(r"(src|href)=\"(?!#)|@import|url\(", text)
    assert "<script" not in text


def test_the_best_case_of_a_pair_is_shown() -> None:
    results = [tried("M", "a", Effect.SURVIVED), tried("M", "a"), tried("M", "a", Effect.UNDECIDED)]
    made = report(found([mutant("M", "a")], [attack("a")], [*results, *survived("a")]))
    assert [dot.title for dot in page.draw(made).dots] == ["M under a: killed"]


def test_the_drawing_has_room_for_all() -> None:
    made = page.draw(example())
    assert len({x for x, _ in made.columns}) == 3
    assert len({y for y, _ in made.rows}) == 4
    assert all(page.LEFT < dot.x < made.width for dot in made.dots)
    assert all(page.TOP < dot.y < made.height for dot in made.dots)


def test_the_terminal_lists_mutants_attacks_and_problems() -> None:
    text = table.render(example(), 120, color=False, page="reports/x/index.html")
    assert re.search(r"^Dead +the flaw of Dead +one$", text, re.M)
    assert re.search(r"^Lives +the flaw of Lives +nothing$", text, re.M)
    assert re.search(r"^X1 +idle +The attack idle +FAILED$", text, re.M)
    assert "FAILED  Lives under two" in text
    assert "killed for another reason (FAIL by to_the_host is due): because" in text
    assert "INCONCLUSIVE  Unsure under three" in text
    assert "\x1b" not in text
    assert "1 of 3 mutants died, 1 of 4 attacks killed" in text
    assert "the reference client survived 3 of 4 cases: 9 tries in 12 s." in text
    assert text.endswith("Report: reports/x/index.html")
    assert text.index("FAILED  Lives under two") < text.index("INCONCLUSIVE  Unsure")


def test_colours_are_used_where_asked_for() -> None:
    assert "\x1b[1;31mLives" in table.render(example(), 120, color=True)


def test_an_early_end_is_said() -> None:
    made = report(example().findings, complete=False)
    assert "ended early." in table.render(made, 100, color=False)
    assert "The self-test was ended early" in page.render(made)


def test_what_is_due_names_the_outcome() -> None:
    gone = mutant("Gone", "a", rules=["app_answered"], outcome=Verdict.INCONCLUSIVE)
    results = [tried("Gone", "a", Effect.OTHER_REASON), *survived("a")]
    text = table.render(report(found([gone], [attack("a")], results)), 120, color=False)
    assert "(INCONCLUSIVE by app_answered is due)" in text


def test_the_folder_holds_json_and_page(tmp_path: Path) -> None:
    path = folder.made_folder(tmp_path, "20261130T120000Z-abcdef")
    written = folder.write(path, example())
    assert written == tmp_path / "selftest-20261130T120000Z-abcdef" / "index.html"
    VALIDATOR.validate(json.loads((path / "selftest.json").read_text()))
    assert "Kill matrix" in written.read_text()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportsUnwritable, match=r"cannot be written to .*file"):
        folder.made_folder(tmp_path / "file", "x")
