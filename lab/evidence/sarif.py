"""The verdicts as SARIF 2.1.0: all of them, or the failures alone.

A dashboard for code scanning shows each result of a file as something to mend, whatever its kind:
that is what the second file is for.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from lab.evidence.assessed import Assessed, Read, advice, assess, case_name, context_of
from lab.evidence.context import Checkout
from lab.evidence.layout import FAILURES, SARIF
from lab.evidence.plain import finite, plain, plain_line, zulu
from lab.evidence.record import ScenarioResult
from lab.evidence.redaction import GONE
from lab.evidence.run import RunInfo, RunReport
from lab.evidence.sarif_places import SOURCES, Places
from lab.evidence.sarif_rules import message, references, rules, taxonomies
from lab.evidence.words import why
from lab.model.verdict import Verdict

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
TOOL = "TrustPin MITM Lab"
CATEGORY = "trustpin-mitm-lab"
"""By which GitHub tells one tool's uploads from another's; an upload replaces the one before."""

KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "open",
    Verdict.NOT_APPLICABLE: "notApplicable",
}
"""Section 3.27.9. ``open``: there was not enough to decide by."""
BUNDLE = "BUNDLE"
"""Stands for the folder of the run, which whoever reads the file must know."""
LONGEST_MESSAGE = 2000
"""Characters."""
FINDING = "review"
"""Something that a reader must decide about; it speaks neither for nor against the client."""


def render(report: RunReport, read: Read) -> bytes:
    """Return the file with every scenario."""
    return _log(report, read, only=None)


def render_failures(report: RunReport, read: Read) -> bytes:
    """Return the file with what failed, for code scanning."""
    return _log(report, read, only=Verdict.FAIL)


def fingerprint(result: ScenarioResult, *about: str) -> str:
    """Return what stays the same from run to run: which case on which device, and ``about``
    what."""
    parts = (result.case, result.slug, result.adversary, result.device, result.variant, *about)
    return hashlib.sha256("\0".join(map(plain, parts)).encode()).hexdigest()


def _results(
    one: Assessed, index: dict[str, int], places: Places, *, findings: bool
) -> Iterator[dict[str, Any]]:
    result, name = one.result, case_name(one.result)
    shared = {"ruleId": name, "ruleIndex": index[name], "locations": [places.of(result)]}
    kind = KINDS[result.verdict]
    text = why(result) or result.verdict.value
    if result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        text = f"{text} {advice(result)}"
    yield {
        **shared,
        "kind": kind,
        "level": "error" if kind == "fail" else "none",
        "message": {"text": message(text, LONGEST_MESSAGE) or result.verdict.value},
        "partialFingerprints": _fingerprints(fingerprint(result)),
        **_attached(one),
        "properties": _properties(one),
    }
    told = [reason for reason in result.reasons.reasons if reason.finding] if findings else []
    for reason in told:
        yield {
            **shared,
            "kind": FINDING,
            "level": "none",
            "message": {"text": message(reason.text, LONGEST_MESSAGE) or FINDING},
            "partialFingerprints": _fingerprints(fingerprint(result, FINDING, reason.rule)),
            **_attached(one),
        }


def _fingerprints(told: str) -> dict[str, str]:
    # The second is the only one that GitHub goes by: else it would count lines of a file.
    return {"scenario/v1": told, "primaryLocationLineHash": f"{told[:16]}:1"}


def _attached(one: Assessed) -> dict[str, Any]:
    if one.evidence is None:
        return {}
    place = {"uri": one.evidence, "uriBaseId": BUNDLE}
    return {"attachments": [{"description": {"text": "Evidence"}, "artifactLocation": place}]}


def _properties(one: Assessed) -> dict[str, Any]:
    result = one.result
    return {
        "verdict": result.verdict.value,
        "judged": result.reasons.verdict.value,
        "adversary": plain_line(result.adversary),
        "device": plain_line(result.device),
        "variant": plain_line(result.variant),
        "subject": result.subject.value,
        "attempts": result.attempts,
        "seconds": round(finite(result.seconds), 3),
        "reasons": [
            {"verdict": r.verdict.value, "witness": r.witness.value, "text": plain_line(r.text)}
            for r in result.reasons.reasons
        ],
    }


def _invocation(report: RunReport, told: Iterable[Assessed]) -> dict[str, Any]:
    info = report.info
    times = {"startTimeUtc": zulu(info.started_at), "endTimeUtc": zulu(info.ended_at)}
    return {
        "executionSuccessful": info.complete,
        "commandLine": plain_line(shlex.join(info.command)),
        "arguments": [plain_line(argument) for argument in info.command[1:]],
        **{name: at for name, at in times.items() if at is not None},
        "toolExecutionNotifications": list(_notifications(info, told)),
        "properties": {
            "python": plain_line(info.python),
            "mitmproxy": plain_line(info.mitmproxy),
            "openssl": plain_line(info.openssl),
            "platform": plain_line(info.platform),
            "selected": info.selected,
        },
    }


def _notifications(info: RunInfo, told: Iterable[Assessed]) -> Iterator[dict[str, Any]]:
    """Yield what went wrong in the run itself: nothing inconclusive may be taken for a pass."""
    if not info.complete:
        text = f"The run is incomplete: {info.incomplete_because}"
        yield {"level": "error", "message": {"text": message(text)}}
    for one in told:
        if one.result.verdict is Verdict.INCONCLUSIVE:
            text = f"Inconclusive: {one.result.node}: {why(one.result)}"
            yield {"level": "warning", "message": {"text": message(text)}}


def _provenance(checkout: Checkout) -> dict[str, str]:
    told = {"revisionId": checkout.revision, "branch": checkout.branch}
    return {
        "repositoryUri": quote(plain_line(checkout.repository), safe=":/@?&=%#+~,;"),
        **{name: plain_line(text) for name, text in told.items() if text},
    }


def _log(report: RunReport, read: Read, *, only: Verdict | None) -> bytes:
    everything = assess(report, read)
    told = [one for one in everything if only in (None, one.result.verdict)]
    known = rules(told)
    index = {name: at for at, name in enumerate(known)}
    places = Places(report.info.devices)
    results = [made for one in told for made in _results(one, index, places, findings=only is None)]
    name = SARIF if only is None else FAILURES
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": TOOL,
                "version": plain_line(report.info.lab),
                "shortDescription": {"text": "Proves whether an app's certificate pinning holds."},
                "supportedTaxonomies": references(),
                "rules": list(known.values()),
            }
        },
        "originalUriBaseIds": {
            SOURCES: {"description": {"text": "The folder that the run was started in."}},
            BUNDLE: {"description": {"text": "The run's folder."}},
        },
        "taxonomies": taxonomies(),
        "automationDetails": {
            "id": f"{CATEGORY}/{plain_line(report.info.run_id)}",
            "description": {"text": f"{name} of a run"},
        },
        "invocations": [_invocation(report, everything)],
        "language": "en-US",
        "columnKind": "unicodeCodePoints",
        "redactionTokens": [GONE],
        "logicalLocations": places.told,
        "results": results,
    }
    context = context_of(read)
    if context is not None and context.checkout is not None:
        run["versionControlProvenance"] = [_provenance(context.checkout)]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    text = json.dumps(log, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"
