"""Runs whose every text is somebody's attempt on whoever reads the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from lab.evidence.assessed import Read
from lab.evidence.layout import CONTEXT
from lab.evidence.record import ScenarioResult, to_json
from lab.evidence.run import RunReport
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.evidence.builders import PHONE, failed, inconclusive, info, passed, skipped
from tests.evidence.bundles import context

TRICKS = (
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "=HYPERLINK(\"http://evil.test\")", "\t=1",
    "\x00", "\x08", "\x0b", "\x1b[31m", "\x7f", "\x9b2J", "\ud800", "\udfff", "\ufffe", "\uffff",
    "\u202e", "\u200b", "\u2028", "\r\n", "\n", "\n\n# heading", "\n- item", "|", "a|b", "\\",
    "\\|", "`", "```\n", "*", "**", "_", "~~", "<", ">", "&", "&lt;", "&#64;", "<script>alert(1)",
    "<img src=x onerror=alert(1)>", "</td>", "<!--", "-->", "]]>", "<![CDATA[", "\"", "'",
    "@octocat", "@org/team", "#1", "GH-1", "owner/repo#1", "[x](javascript:alert(1))",
    "[x](http://evil.test)", "![x](http://evil.test/i.png)", "[x]: http://evil.test",
    "https://evil.test", "www.evil.test", "a@evil.test", "mailto:a@evil.test", "ftp://evil.test",
    "xmpp:a@evil.test", "$x$", "{0}", "{{", "}}", "%SRCROOT%", "_x0041_", "_x000D_", "../..",
    "::", "/", "é", "😀", "x" * 3000, "&" * 900,
)  # fmt: skip
TEXT = st.lists(st.sampled_from(TRICKS) | st.text(max_size=8), max_size=4).map("".join)
NUMBERS = st.sampled_from([0.0, -1.0, 0.25, 1e12, 1e300, float("nan"), float("inf")])
TEXTS = ("node", "case", "title", "variant", "adversary", "served", "correct", "explain", "slug")


@st.composite
def results(draw: st.DrawFn) -> ScenarioResult:
    base = draw(st.sampled_from([passed(), failed(), inconclusive(), skipped()]))
    words: dict[str, Any] = {name: draw(TEXT) for name in draw(st.sets(st.sampled_from(TEXTS)))}
    reasons = Judgement(
        base.verdict,
        tuple(
            Reason(verdict, draw(st.sampled_from(Witness)), draw(TEXT), finding=draw(st.booleans()))
            for verdict in (base.verdict, draw(st.sampled_from(Verdict)))
        ),
    )
    device = draw(st.just("phone") | TEXT)
    return replace(base, reasons=reasons, device=device, seconds=draw(NUMBERS), **words)


@st.composite
def reports(draw: st.DrawFn) -> RunReport:
    facts = replace(PHONE, app=draw(TEXT), os=draw(TEXT), model=draw(TEXT))
    other = replace(PHONE, id=draw(TEXT))
    about = info(
        run_id=draw(TEXT),
        lab=draw(TEXT),
        started_at=draw(NUMBERS),
        ended_at=draw(st.none() | NUMBERS),
        command=("pytest", draw(TEXT)),
        complete=draw(st.booleans()),
        incomplete_because=draw(TEXT),
        platform=draw(TEXT),
        devices=(facts, other),
    )
    return RunReport(about, tuple(draw(st.lists(results(), max_size=4))))


def beside(**changes: Any) -> Read:
    """The files of a bundle, of which only the context is there."""
    files: Mapping[str, bytes] = {CONTEXT: json.dumps(to_json(context(**changes))).encode()}
    return files.get


def alone(_name: str) -> None:
    """No bundle."""
