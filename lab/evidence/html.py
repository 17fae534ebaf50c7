"""One self-contained HTML page about a run: pure rendering, no file is touched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from lab.evidence.figures import milliseconds, spread, standing
from lab.evidence.matrix import adversary_name, make_matrix, natural, split_variant, tls_name
from lab.evidence.pictures import Picture, embed
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.evidence.tally import (
    LETTERS,
    WORST_FIRST,
    Sort,
    details,
    headline,
    overall,
    sort_of,
    tally,
)
from lab.evidence.templating import environment, source
from lab.evidence.text import (
    clipped,
    counted,
    duration,
    moment,
    one_line,
    sentence,
    short_digest,
)
from lab.evidence.timeline import Timeline, make_timeline
from lab.evidence.words import documentation, why
from lab.judge.reading import describe
from lab.judge.reporting import is_promised
from lab.model.trial import Trial
from lab.model.verdict import Reason, Verdict
from lab.model.wire import ConnectionRecord

MOST_LOG_LINES = 25
LONGEST_LINE = 400
MOST_CONNECTIONS = 30
"""Per phase. A page is for reading; results.json has everything."""

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

TOLD_ALREADY = frozenset({"Served", "Correct client"})


@dataclass(frozen=True, slots=True)
class Story:
    """One result with what the page needs of it worked out."""

    anchor: str
    result: ScenarioResult
    why: str
    sort: Sort
    version: str
    rest: str
    background: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, tuple[Reason, ...]], ...]
    timeline: Timeline | None
    report_due: bool
    shots: tuple[tuple[str, str, Picture | None], ...]
    """Phases, file name and, where it fits the page, the picture."""


def render(report: RunReport, read: Callable[[str], bytes | None] = lambda _: None) -> str:
    """Return the page. ``read`` gives the content of a screenshot by its name, or None."""
    results = sorted(
        report.results,
        key=lambda r: (WORST_FIRST.index(r.verdict), natural(r.case), r.adversary, r.device),
    )
    counts = tally(results)
    album = embed((name for r in results for _, name in shots_of(r)), read)
    stories = [_story(result, index, album) for index, result in enumerate(results)]
    anchors = {id(story.result): story.anchor for story in stories}
    style = source(_environment(), "style.css.j2")
    script = source(_environment(), "script.js.j2")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            info=report.info,
            overall=overall(counts, complete=report.info.complete),
            headline=headline(counts),
            details=details(counts),
            counts=counts,
            total=len(results),
            matrix=make_matrix(report.results),
            anchors=anchors,
            groups=[
                (word, [s for s in stories if s.result.verdict is verdict], verdict)
                for verdict, word in GROUPS.items()
            ],
            skipped=[s for s in stories if s.result.verdict is Verdict.NOT_APPLICABLE],
            pictures=list({picture.id: picture for picture in album.values()}.values()),
            style=Markup(style),  # noqa: S704 - the lab's own file
            script=Markup(script),  # noqa: S704 - the lab's own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def shots_of(result: ScenarioResult) -> tuple[tuple[str, str], ...]:
    """Return phase and file name of every screenshot of ``result``, each once."""
    told = [
        (phase.name.value, phase.outcome.screenshot)
        for phase in (result.trial.phases if result.trial is not None else ())
        if phase.outcome.screenshot
    ]
    return tuple(dict.fromkeys([*result.screenshots, *told]))


def _story(result: ScenarioResult, index: int, album: dict[str, Picture]) -> Story:
    version, rest = split_variant(result.variant)
    digest = hashlib.sha256(f"{result.node}\0{result.variant}".encode()).hexdigest()[:8]
    return Story(
        anchor=f"v{digest}-{index}",
        result=result,
        why=why(result),
        sort=sort_of(result),
        version=version,
        rest=rest,
        background=tuple(
            (name, text) for name, text in documentation(result.explain) if name not in TOLD_ALREADY
        ),
        reasons=_by_witness(result.reasons.reasons),
        timeline=make_timeline(result.trial) if result.trial is not None else None,
        report_due=result.trial is not None and is_promised(result.trial),
        shots=_shots(result, album),
    )


def _shots(
    result: ScenarioResult, album: dict[str, Picture]
) -> tuple[tuple[str, str, Picture | None], ...]:
    """Return each picture once, with all the phases that ended on it."""
    taken = shots_of(result)
    return tuple(
        (", ".join(phase for phase, of in taken if of == name), name, album.get(name))
        for name in dict.fromkeys(name for _, name in taken)
    )


def _by_witness(reasons: Iterable[Reason]) -> tuple[tuple[str, tuple[Reason, ...]], ...]:
    """Return reasons by witness; the witness with the most decisive reason comes first."""
    grouped: dict[str, list[Reason]] = {}
    for reason in reasons:
        grouped.setdefault(reason.witness.value, []).append(reason)
    return tuple((witness, tuple(told)) for witness, told in grouped.items())


def chain_name(connection: ConnectionRecord, trial: Trial) -> str:
    """Return whose chain a connection was served: the attack's, or another one."""
    if not connection.served_chain:
        return ""
    return "attack" if connection.served_chain == trial.served_chain else "other"


def _hash(source: str) -> str:
    """Return the CSP source expression of an inline block (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


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
        describe=describe,
        ms=milliseconds,
        spread=spread,
        standing=standing,
        words=lambda value: str(value).replace("_", " "),
    )
    made.globals.update(
        cls=CLASSES,
        letter=LETTERS,
        counted=counted,
        chain_name=chain_name,
        most_log_lines=MOST_LOG_LINES,
        most_connections=MOST_CONNECTIONS,
    )
    return made
