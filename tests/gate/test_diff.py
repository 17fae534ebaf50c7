from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lab.evidence.markdown import LONGEST_COMMENT, units
from lab.evidence.record import ScenarioResult, to_json
from lab.evidence.text import INVISIBLE
from lab.gate.diff import REGRESSIONS, Change, Changed, Difference, Run, change_of, difference
from lab.gate.diff_markdown import markdown
from lab.gate.diff_table import render
from lab.gate.selectors import scenario_of
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.gate.builders import all_pass, but, result, scenarios

FAIL, OPEN, NONE = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE
B = all_pass("B")
KNOWN = (*scenarios("B1"), *scenarios("B4"), *scenarios("A5", "tablet"))

results = st.lists(st.builds(result, st.sampled_from(KNOWN), st.sampled_from(Verdict)), max_size=12)


def run(told: Sequence[ScenarioResult], name: str = "old", lab: str = "1.0") -> Run:
    return Run(name, lab, complete=True, results=tuple(told))


def compared(old: Sequence[ScenarioResult], new: Sequence[ScenarioResult]) -> Difference:
    return difference(run(old), run(new, "new"))


def pairs(changed: Sequence[Changed]) -> list[tuple[Change, str]]:
    return [(each.change, each.scenario.slug) for each in changed]


def test_three_planted_regressions_come_first_and_alone() -> None:
    old = but(B, Verdict.PASS, FAIL, OPEN)
    new = list(but(B, Verdict.PASS, Verdict.PASS, Verdict.PASS))
    planted = {10: FAIL, 20: OPEN, 30: NONE}
    for index, verdict in planted.items():
        new[index] = result(scenario_of(B[index]), verdict)
    told = compared(old, [*new, *all_pass("A5")])
    assert pairs(told.regressions) == [
        (Change.FAILS, B[10].slug),
        (Change.UNPROVEN, B[20].slug),
        (Change.NOT_EXERCISED, B[30].slug),
    ]
    assert told.changed[:3] == told.regressions
    assert [each.change for each in told.changed[3:]] == [Change.FIXED] * 2 + [Change.NEW] * 2
    assert told.same == {"PASS": len(B) - 5}
    text = render(told, 120, color=False)
    first = text.partition("Fixed (2)")[0]
    assert re.findall(r"Regressions: [^(]*\((\d)\)", first) == ["1", "1", "1"]
    assert "passed before, fails now" in first
    assert text.splitlines()[-1] == "3 regressions from old to new."


@settings(max_examples=60, deadline=None)
@given(results, results)
@example([result(KNOWN[0])], [])
def test_every_scenario_is_told_once_and_regressions_first(
    old: list[ScenarioResult], new: list[ScenarioResult]
) -> None:
    told = compared(old, new)
    before, after = (Counter(map(scenario_of, each)) for each in (old, new))
    # Of a scenario that is there n times before and m times now, max(n, m) are told.
    assert sum((before | after).values()) == len(told.changed) + sum(told.same.values())
    assert Counter(e.scenario for e in told.changed if e.old) <= before
    assert Counter(e.scenario for e in told.changed if e.new) <= after
    worse = [each.change in REGRESSIONS for each in told.changed]
    assert worse == sorted(worse, reverse=True)
    assert [list(Change).index(e.change) for e in told.changed] == sorted(
        list(Change).index(e.change) for e in told.changed
    )
    for each in told.changed:
        verdicts = [None if one is None else one.verdict for one in (each.old, each.new)]
        assert each.change is change_of(*verdicts)


@settings(max_examples=25, deadline=None)
@given(results, results, st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(
    old: list[ScenarioResult], new: list[ScenarioResult], chance: object
) -> None:
    mixed = list(old)
    getattr(chance, "shuffle")(mixed)  # noqa: B009 - it is of no type that could be imported
    assert compared(mixed, new).changed == compared(old, new).changed
    assert compared(old, mixed).changed == ()


@pytest.mark.parametrize("old", [None, *Verdict])
@pytest.mark.parametrize("new", [None, *Verdict])
def test_what_was_better_before_is_a_regression(old: Verdict | None, new: Verdict | None) -> None:
    if old is None and new is None:
        return
    better = (old is Verdict.PASS and new is not Verdict.PASS) or new is None
    assert (change_of(old, new) in REGRESSIONS) == better


def test_a_device_that_was_renamed() -> None:
    old, new = run(all_pass("B1", "pixel")), run(all_pass("B1", "pixel-8"), "new")
    told = difference(old, new)
    assert Counter(e.change for e in told.changed) == {Change.DISAPPEARED: 4, Change.NEW: 4}
    assert told.notes == (
        "Not the same devices; only before: pixel; only now: pixel-8. Where one was only renamed: "
        "--match OLD=NEW.",
    )
    matched = difference(old, new, {"pixel": "pixel-8"})
    assert (matched.changed, matched.same, matched.notes) == ((), {"PASS": 4}, ())


def test_an_attack_that_was_retitled_or_moved_is_the_same_one() -> None:
    (first, *rest) = all_pass("B1")
    moved = replace(first, title="Another title", case="B9")
    told = compared([first, *rest], [moved, *rest])
    assert told.changed == ()
    assert told.notes == (
        "B9 untrusted_ca has another title: 'Device-trusted rogue CA' before, 'Another title' now.",
    )


def test_runs_that_are_not_alike_are_told() -> None:
    old = Run("old", "1.0", complete=False, results=B)
    new = Run("new", "", complete=True, results=B)
    different, unfinished = difference(old, new).notes
    assert different.startswith("The runs are of different versions of the lab (1.0 before, unkno")
    assert unfinished == "old is of a run that did not get to everything."


def test_several_results_of_a_scenario_are_compared_by_how_bad_they_are() -> None:
    scenario = KNOWN[0]
    bad, good = result(scenario, FAIL), result(scenario)
    assert compared([bad, good], [good, bad]).changed == ()
    assert pairs(compared([bad, good], [good, good]).changed) == [(Change.FIXED, scenario.slug)]


def test_as_json() -> None:
    told = to_json(compared(B[:2], but(B[:2], FAIL)))
    assert told["format"] == "trustpin-lab-diff/1"
    assert told["changed"][0]["change"] == "fails"
    assert told["changed"][0]["new"]["why"].startswith("The adversary read")


class _Cells(HTMLParser):
    """What stands in a page's table cells, and which elements there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self._inside = tag == "td"
        if self._inside:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


HARMLESS = {"h2", "h3", "p", "blockquote", "table", "thead", "tbody", "tr", "th", "td"}


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
@example("a|\n# b <script>alert(1)</script> ![x](http://a) @somebody `c` \x1b[31m")
@example("<script>alert(1)</script> ![x](http://a) `c`")
@example("left | right")
def test_hostile_words_stay_words(text: str) -> None:
    judgement = Judgement(FAIL, (Reason(FAIL, Witness.APP, text),))
    hostile = replace(result(KNOWN[0], FAIL), reasons=judgement, title=text, device="a|b")
    good = replace(result(KNOWN[0]), device="a|b")
    told = compared([good], [hostile])
    page = _Cells(MarkdownIt("commonmark").enable("table").render(markdown(told)))
    assert page.tags <= HARMLESS
    assert len(page.cells) == 5
    assert page.cells[1].startswith("a|b, ")
    if text == "left | right":
        assert page.cells[4] == "now: left | right"
    assert not INVISIBLE.search(render(told, 100, color=False).replace("\n", ""))


def test_markdown_fits_a_comment() -> None:
    every = [s for n in range(9) for s in scenarios("B", f"d{n}")]
    long = Judgement(FAIL, (Reason(FAIL, Witness.APP, "<" * 3000),))
    bad = [replace(result(s, FAIL), reasons=long, title="&" * 3000) for s in every]
    half = len(every) // 2
    told = compared([*map(result, every[:half]), *bad[half:]], [*bad[:half]])
    text = markdown(told)
    assert units(text) < LONGEST_COMMENT
    assert text.startswith(f"## {len(every)} regressions\n")
    left_out = [int(number) for number in re.findall(r"and (\d+) more\.", text)]
    assert sum(left_out) + text.count("\n| B") == len(every)
    assert len(left_out) == 2


def test_a_short_difference_is_told_whole() -> None:
    text = markdown(compared(B, but(B, FAIL, OPEN)))
    assert "more." not in text
    assert "| B1 Device-trusted rogue CA | phone, Rogue CA, TLS 1.2 | PASS | FAIL | now: " in text
