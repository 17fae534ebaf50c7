"""The summary for pull requests, rendered by GitHub's own cmark-gfm."""

from __future__ import annotations

from dataclasses import replace

import cmarkgfm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html

from lab.evidence import markdown
from lab.evidence.gfm import escaped
from lab.evidence.markdown import LONGEST_COMMENT, units
from lab.evidence.plain import plain_line
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.evidence.builders import failed, inconclusive, info, judged, lab_error, passed, skipped
from tests.evidence.hostile import TEXT, alone, reports
from tests.judge import builders

TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
OURS = TABLE | {"html", "body", "div", "h2", "h3", "p", "strong", "ul", "li", "sub", "code"}


def text_of(report: RunReport) -> str:
    return markdown.render(report, alone).decode()


def page(text: str) -> html.HtmlElement:
    options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    return html.fromstring(f"<div>{cmarkgfm.github_flavored_markdown_to_html(text, options)}</div>")


def many(number: int, words: str) -> RunReport:
    reason = Judgement(Verdict.FAIL, (Reason(Verdict.FAIL, Witness.WIRE, words),))
    told: list[ScenarioResult] = [
        failed(case=f"B{n}", title=words, device=f"{words}{n}", adversary=f"{n}{words}",
               reasons=replace(reason, reasons=(replace(reason.reasons[0], text=f"{n}{words}"),)))
        for n in range(number)
    ]  # fmt: skip
    told += [skipped(f"{n} {words}", device=f"{words}{n}") for n in range(number)]
    told += [inconclusive(case=f"C{n}", title=words) for n in range(number)]
    return RunReport(info(complete=False, incomplete_because=words * 50), tuple(told))


def test_the_verdict_and_the_failures_come_first() -> None:
    told = (passed(), skipped(), inconclusive(), failed(device="pixel"), lab_error())
    shown = page(text_of(RunReport(info(), told)))
    assert [h.text for h in shown.iter("h2", "h3")] == [
        "TrustPin MITM Lab: FAIL", "Failed (1)", "Inconclusive (2)", "Limits",
    ]  # fmt: skip
    (failure,) = shown.xpath("//h3[1]/following-sibling::ul[1]/li")
    text = failure.text_content()
    assert text.startswith("Send this request through the pinned client: ")
    assert "1 scenario on pixel: B4 Device-trusted rogue CA." in text
    assert text.endswith(
        "In B4 (Compromised CA, pixel, TLS 1.3): "
        "The adversary read 42 bytes inside its TLS: GET / HTTP/1.1."
    )


def test_what_one_change_mends_is_told_once_the_leaks_first() -> None:
    report = RunReport(
        info(),
        (
            judged(builders.trial(reports=()), case="I1"),
            judged(builders.trial(reports=()), case="I2"),
            failed(case="B4"),
            failed(case="B6", title="Another"),
        ),
    )
    first, second = page(text_of(report)).xpath("//h3[1]/following-sibling::ul[1]/li")
    assert "2 scenarios on phone: B4 Device-trusted rogue CA; B6 Another." in first.text_content()
    assert "2 scenarios on phone: I1 Device-trusted rogue CA; I2" in second.text_content()


def test_counts_are_by_adversary() -> None:
    told = (passed(), failed(), passed(adversary="rogue_wifi"), skipped(adversary="rogue_wifi"))
    shown = page(text_of(RunReport(info(), told)))
    rows = [[cell.text for cell in row] for row in shown.iter("tr")]
    assert rows == [
        ["Adversary", "PASS", "FAIL", "INCONCLUSIVE", "n/a"],
        ["Compromised CA", "1", "1", "0", "0"],
        ["Rogue Wi-Fi", "1", "0", "0", "1"],
    ]


def test_a_run_that_is_incomplete_says_why() -> None:
    report = RunReport(
        info(complete=False, incomplete_because="The phone | was lost."), (passed(),)
    )
    shown = page(text_of(report))
    assert shown.find("h2").text == "TrustPin MITM Lab: INCONCLUSIVE"
    assert "The run is incomplete: The phone | was lost." in shown.text_content()


def test_what_was_not_exercised_is_told_with_its_reason() -> None:
    told = (passed(), skipped(), skipped(), skipped("No IPv6."))
    said = page(text_of(RunReport(info(), told))).text_content()
    assert "2 scenarios not exercised on phone: The clock cannot be set." in said
    assert "1 scenario not exercised on phone: No IPv6." in said


def test_it_is_never_longer_than_a_comment() -> None:
    for words in ("&" * 700, "😀" * 700):
        text = text_of(many(80, words))
        assert units(text) < LONGEST_COMMENT
        assert "more in the report" in text
        assert page(text).find("h2").text == "TrustPin MITM Lab: FAIL"


@settings(max_examples=60)
@given(TEXT)
@example("**b** __b__ *i* _i_ ~~s~~ `c` $x$ ^1^")
@example("[a](b) ![a](b) <b>x</b> [^1] &lt;")
def test_text_from_outside_stays_text(text: str) -> None:
    shown = page(f"a {escaped(text)} z\n\n| a | b |\n| --- | --- |\n| a {escaped(text)} z | c |\n")
    assert {element.tag for element in shown.iter()} <= OURS
    cells = [cell.text_content() for cell in shown.iter("td")]
    assert len(cells) == 2, "it opens no cell of its own"
    expected = " ".join(f"a {plain_line(text, 600)} z".split())
    for found in (shown.find("p").text_content(), cells[0]):
        assert " ".join(found.replace("\u200b", "").split()) == expected


@settings(max_examples=60)
@given(TEXT, st.sampled_from(["@octocat", "#17", "https://evil.test", "www.evil.test", "GH-3"]))
def test_nobody_is_mentioned_and_nothing_is_linked(text: str, what: str) -> None:
    shown = page(f"a {escaped(f'{text} {what}')}")
    assert what not in shown.text_content(), "GitHub looks for these in finished text"
    assert not list(shown.iter("a", "img"))


@settings(max_examples=20, deadline=None)
@given(reports())
def test_whatever_devices_say_it_is_our_page(report: RunReport) -> None:
    text = text_of(report)
    assert units(text) < LONGEST_COMMENT
    shown = page(text)
    assert {element.tag for element in shown.iter()} <= OURS
    assert len(list(shown.iter("h2"))) == 1
    assert len(list(shown.iter("table"))) == 1
    assert "\x1b" not in text
