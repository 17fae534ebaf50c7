"""One self-contained HTML page about a run: pure rendering, no file is touched."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from lab.evidence.assessed import Read, assess
from lab.evidence.evaluating import LIMITS
from lab.evidence.figures import milliseconds, spread, standing
from lab.evidence.fixes import repairs
from lab.evidence.latency import HEIGHT, LEFT, RIGHT, plots
from lab.evidence.layout import CERTIFICATES
from lab.evidence.mas_view import mastg_views, own_views
from lab.evidence.matrix import adversary_name, make_matrix, natural, tls_name
from lab.evidence.pictures import embed, room_beside
from lab.evidence.run import RunReport
from lab.evidence.stories import Story, in_order, make_stories, shots_of
from lab.evidence.summary import summarise
from lab.evidence.tally import LETTERS, details, headline, overall, tally
from lab.evidence.templating import environment, source
from lab.evidence.text import clipped, counted, duration, moment, one_line, sentence, short_digest
from lab.evidence.untried import untried
from lab.model.verdict import Verdict

MOST_LOG_LINES = 25
LONGEST_LINE = 400
MOST_ITEMS = 30
"""Of a kind in one verdict. A page is for reading; results.json has everything."""
MOST_LINKS = 60
"""Links to verdicts in one place."""
ROOM = 3_500_000
"""Bytes for all verdicts together: the page stays below five megabytes. What comes after that is
told in a line each."""
MOST_OPEN = 5
"""FAILs that are unfolded from the start."""

CLASSES = {
    Verdict.PASS: "p",
    Verdict.FAIL: "f",
    Verdict.INCONCLUSIVE: "i",
    Verdict.NOT_APPLICABLE: "n",
}

GROUPS = {
    Verdict.FAIL: "Failed",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.PASS: "Passed",
}

DIGEST = re.compile(r"[0-9a-f]{64}")


def render(report: RunReport, read: Read = lambda _: None) -> str:
    """Return the page. ``read`` gives the content of a screenshot, or of another file of the
    bundle, by its name, or None."""
    results = in_order(report.results)
    counts = tally(results)
    names = (name for r in results for _, name in shots_of(r))
    album = embed(names, read, room_beside(len(results)))
    told = assess(report, read)
    evidence = {id(one.result): one.evidence for one in told if one.evidence is not None}
    stories = make_stories(results, album, evidence)
    style = source(_environment(), "style.css.j2")
    script = source(_environment(), "script.js.j2")
    attacks = {story.attack.anchor: story.attack for story in stories}
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            info=report.info,
            overall=overall(counts, complete=report.info.complete),
            headline=headline(counts),
            details=details(counts),
            summary=summarise(report),
            counts=counts,
            total=len(results),
            repairs=repairs(results),
            matrix=make_matrix(report.results),
            anchors={id(story.result): story.anchor for story in stories},
            groups=_groups(stories),
            untried=untried(results),
            tests=mastg_views(report.info, told),
            own=own_views(told),
            plots=plots(results),
            attacks=sorted(attacks.values(), key=lambda attack: natural(attack.case)),
            limits=LIMITS,
            pictures=list({picture.id: picture for picture in album.values()}.values()),
            style=Markup(style),  # noqa: S704 - the lab's own file
            script=Markup(script),  # noqa: S704 - the lab's own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _groups(stories: Iterable[Story]) -> list[tuple[str, Verdict, list[str]]]:
    """Return the told verdicts by group, the worst first; what there is no room for in a line."""
    macros = _environment().get_template("verdict.html.j2").module
    told: dict[Verdict, list[str]] = {verdict: [] for verdict in GROUPS}
    left = ROOM
    for index, story in enumerate(stories):
        if story.result.verdict not in told:
            continue
        opened = index < MOST_OPEN and story.result.verdict is Verdict.FAIL
        text = macros.verdict(story, opened)  # type: ignore[attr-defined]
        size = len(text.encode("utf-8", "replace"))
        if size > left:
            text = macros.in_a_line(story)  # type: ignore[attr-defined]
        left -= min(size, left)
        told[story.result.verdict].append(text)
    return [(word, verdict, told[verdict]) for verdict, word in GROUPS.items()]


def _hash(source: str) -> str:
    """Return the CSP source expression of an inline block (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _certificate(digest: str) -> str:
    """Return where in the bundle a certificate is; nothing for what is no digest."""
    return f"{CERTIFICATES}/{digest}.pem" if DIGEST.fullmatch(digest) else ""


@cache
def _environment() -> Environment:
    made = environment("lab.evidence")
    made.filters.update(
        short=short_digest,
        duration=duration,
        moment=moment,
        line=lambda text: clipped(one_line(text), LONGEST_LINE),
        sentence=sentence,
        tls=tls_name,
        own_id=id,
        adversary=adversary_name,
        ms=milliseconds,
        spread=spread,
        standing=standing,
        certificate=_certificate,
        words=lambda value: str(value).replace("_", " "),
    )
    made.globals.update(
        cls=CLASSES,
        letter=LETTERS,
        counted=counted,
        most_log_lines=MOST_LOG_LINES,
        most_items=MOST_ITEMS,
        most_links=MOST_LINKS,
        plot={"left": LEFT, "right": RIGHT, "height": HEIGHT},
    )
    return made
