"""A run in GitHub-flavoured Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from lab.evidence.assessed import Read, advice
from lab.evidence.evaluating import LIMITS
from lab.evidence.figures import findings
from lab.evidence.gfm import escaped
from lab.evidence.grouping import by_cause, place
from lab.evidence.matrix import ADVERSARIES, adversary_name
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.evidence.tally import WORDS, details, headline, overall, tally
from lab.evidence.text import counted
from lab.evidence.words import why
from lab.model.verdict import Verdict

LONGEST_COMMENT = 65_536
"""UTF-16 units that GitHub takes as one comment."""
SHARES = {"Failed": 28_000, "Inconclusive": 14_000, "Findings": 4_000, "Limits": 6_000}
"""UTF-16 units of a section's lines; what does not fit is counted. The rest of a comment is for
the headings and the counts, which are of bounded length."""

MOST_NAMES = 10
LONGEST_NAME = 100
"""Characters."""
SHOWN = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE)


def render(report: RunReport, _read: Read) -> bytes:
    """Return the file: the verdict, what failed and how to mend it, counts, limits."""
    text = "\n".join(_lines(report)) + "\n"
    return text.encode()


def _lines(report: RunReport) -> Iterator[str]:
    results, info = report.results, report.info
    counts = tally(results)
    yield f"## TrustPin MITM Lab: {overall(counts, complete=info.complete)}"
    yield ""
    yield f"**{headline(counts)}** {' '.join(details(counts))}".rstrip()
    if not info.complete:
        why_not = escaped(info.incomplete_because) or "it did not get to its end."
        yield ""
        yield f"**The run is incomplete:** {why_not}"
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    mended = [_failure(fix, same) for fix, same in by_cause(failed, advice)]
    yield from _section("Failed", mended, len(failed))
    unsure = [result for result in results if result.verdict is Verdict.INCONCLUSIVE]
    causes = [_question(cause, same) for cause, same in by_cause(unsure, why)]
    yield from _section("Inconclusive", causes, len(unsure))
    yield from _counts(results)
    outside = [f"- {escaped(text)}" for text in findings(results)]
    yield from _section("Findings", outside, len(outside))
    yield from _section("Limits", list(_limits(results)))
    yield ""
    devices = _named([device.id for device in info.devices])
    yield (
        f"<sub>Run {escaped(info.run_id, LONGEST_NAME)}, lab {escaped(info.lab, LONGEST_NAME)}"
        f"{', on ' + devices if devices else ''}. The evidence is in the run's bundle: "
        "<code>trustpin-lab verify</code> checks it.</sub>"
    )


def _section(name: str, lines: Sequence[str], count: int | None = None) -> Iterator[str]:
    """Yield a heading and as many of ``lines`` as fit its share."""
    if not lines:
        return
    yield ""
    yield f"### {name}" if count is None else f"### {name} ({count})"
    yield ""
    left = SHARES[name]
    for at, line in enumerate(lines):
        left -= units(line) + 1
        if left < 0:
            yield f"- … and {len(lines) - at} more in the report."
            return
        yield line


def units(text: str) -> int:
    """Return the length of ``text`` as GitHub counts it."""
    return len(text.encode("utf-16-le")) // 2


def _failure(fix: str, same: Sequence[ScenarioResult]) -> str:
    first = same[0]
    return (
        f"- **{escaped(fix, 400)}** {_those(same)}. "
        f"In {escaped(f'{first.case} ({place(first)})', 300)}: {escaped(why(first), 500)}"
    )


def _question(cause: str, same: Sequence[ScenarioResult]) -> str:
    return f"- **{escaped(cause, 500)}** {_those(same)}. {escaped(advice(same[0]), 400)}"


def _those(same: Sequence[ScenarioResult]) -> str:
    """Say which scenarios, in a few words."""
    devices = _named(list(dict.fromkeys(result.device for result in same)))
    cases = _named(list(dict.fromkeys(f"{result.case} {result.title}" for result in same)))
    return f"{counted(len(same), 'scenario')} on {devices}: {cases}"


def _counts(results: Iterable[ScenarioResult]) -> Iterator[str]:
    found = Counter((result.adversary, result.verdict) for result in results)
    others = sorted({adversary for adversary, _ in found} - ADVERSARIES.keys())
    rows = [*ADVERSARIES, *others[:MOST_NAMES]]
    yield ""
    yield "| Adversary | " + " | ".join(WORDS[verdict] for verdict in SHOWN) + " |"
    yield "| --- |" + " ---: |" * len(SHOWN)
    for adversary in rows:
        row = [found[adversary, verdict] for verdict in SHOWN]
        if any(row):
            name = escaped(adversary_name(adversary), LONGEST_NAME)
            yield f"| {name} | " + " | ".join(map(str, row)) + " |"
    if len(others) > MOST_NAMES:
        yield f"| and {len(others) - MOST_NAMES} more |" + " … |" * len(SHOWN)


def _limits(results: Iterable[ScenarioResult]) -> Iterator[str]:
    yield from (f"- {text}" for text in LIMITS)
    left_out = [r for r in results if r.verdict is Verdict.NOT_APPLICABLE]
    reasons = Counter((r.device, why(r)) for r in left_out)
    for (device, reason), number in sorted(reasons.items(), key=lambda told: (-told[1], told[0])):
        yield (
            f"- {counted(number, 'scenario')} not exercised on {escaped(device, LONGEST_NAME)}: "
            f"{escaped(reason, 300)}"
        )


def _named(names: Sequence[str]) -> str:
    shown = "; ".join(escaped(name, LONGEST_NAME) for name in names[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
