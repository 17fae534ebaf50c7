"""The verdicts in the JUnit format, made from the results alone.

pytest writes the same format as tests see it (``junit.xml``); here an INCONCLUSIVE has a type of
its own, and whoever has a bundle can make the file again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lxml import etree

from lab.evidence.assessed import Assessed, Read, advice, assess, properties
from lab.evidence.plain import finite, plain, plain_line, zulu
from lab.evidence.run import RunReport
from lab.evidence.words import why
from lab.model.verdict import Verdict

LONGEST_STORY = 20_000
"""Characters."""
FAILURES = frozenset({Verdict.FAIL, Verdict.INCONCLUSIVE})


def render(report: RunReport, read: Read) -> bytes:
    """Return the file: one test suite a device, one test case a scenario."""
    told = assess(report, read)
    info = report.info
    root = etree.Element("testsuites", {"name": "TrustPin MITM Lab", **_counts(told)})
    for device in dict.fromkeys(one.result.device for one in told):
        mine = [one for one in told if one.result.device == device]
        suite = etree.SubElement(root, "testsuite", {"name": plain_line(device), **_counts(mine)})
        if (started := zulu(info.started_at)) is not None:
            suite.set("timestamp", started)
        about = {"run": info.run_id, "lab": info.lab, "complete": str(info.complete).lower()}
        about |= next(({"app": d.app, "os": d.os} for d in info.devices if d.id == device), {})
        _properties(suite, list(about.items()))
        for one in mine:
            _case(suite, one)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return text


def _counts(told: Sequence[Assessed]) -> dict[str, str]:
    verdicts = Counter(one.result.verdict for one in told)
    return {
        "tests": str(len(told)),
        "failures": str(sum(verdicts[verdict] for verdict in FAILURES)),
        "errors": "0",
        "skipped": str(verdicts[Verdict.NOT_APPLICABLE]),
        "time": f"{sum(finite(one.result.seconds) for one in told):.3f}",
    }


def _case(suite: etree._Element, one: Assessed) -> None:
    result = one.result
    file, _, name = plain_line(result.node).partition("::")
    case = etree.SubElement(
        suite,
        "testcase",
        classname=file.removesuffix(".py").replace("/", "."),
        name=name or file,
        time=f"{finite(result.seconds):.3f}",
    )
    told = list(properties(result, one.mapping))
    if one.evidence is not None:
        told.append(("evidence", one.evidence))
    _properties(case, told)
    if result.verdict is Verdict.NOT_APPLICABLE:
        etree.SubElement(case, "skipped", message=plain_line(why(result)))
    elif result.verdict in FAILURES:
        failure = etree.SubElement(
            case, "failure", type=result.verdict.value, message=plain_line(why(result))
        )
        failure.text = _story(one)


def _story(one: Assessed) -> str:
    result = one.result
    lines = [
        f"Served: {result.served}",
        f"Correct client: {result.correct}",
        *(f"{r.verdict.value} {r.witness.value}: {r.text}" for r in result.reasons.reasons),
        *(f"Tried before: {text}" for text in result.earlier),
        advice(result),
    ]
    return plain("\n".join(lines))[:LONGEST_STORY]


def _properties(parent: etree._Element, told: list[tuple[str, str]]) -> None:
    block = etree.SubElement(parent, "properties")
    for name, value in told:
        etree.SubElement(block, "property", name=name, value=plain_line(value))
