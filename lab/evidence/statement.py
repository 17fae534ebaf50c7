"""The attestation: an in-toto Statement whose subject is the app, with a test-result predicate.

in-toto attestation framework: Statement v1, predicate test-result v0.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from lab.evidence.canonical import Digest, canonical, digest_of
from lab.evidence.context import Context
from lab.evidence.record import to_json
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"

STANDS_FOR = "what the device says of itself"
"""The subject of a device whose app's build nobody could tell."""


class Told(Protocol):
    """What is stated of a scenario."""

    @property
    def node(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def verdict(self) -> Verdict: ...


def statement(
    results: Iterable[Told],
    context: Context,
    facts: Iterable[DeviceFacts],
    configuration: Mapping[str, Digest],
    *,
    complete: bool,
) -> dict[str, Any]:
    """Return the statement on ``results``. ``configuration`` is what it rests on: the manifest
    above all. A scenario that was not applicable is in none of its lists."""
    told = tuple(results)
    return {
        "_type": STATEMENT,
        "subject": subjects({r.device for r in told}, context, facts)
        or [{"name": name, "digest": {"sha256": d.sha256}} for name, d in configuration.items()],
        "predicateType": PREDICATE,
        "predicate": {
            "result": _result([r.verdict for r in told], complete=complete),
            "configuration": [
                {"name": name, "digest": {"sha256": digest.sha256}}
                for name, digest in configuration.items()
            ],
            "passedTests": _named(told, Verdict.PASS),
            "warnedTests": _named(told, Verdict.INCONCLUSIVE),
            "failedTests": _named(told, Verdict.FAIL),
        },
    }


def subjects(
    devices: Iterable[str], context: Context, facts: Iterable[DeviceFacts]
) -> list[dict[str, Any]]:
    """Return one subject for each device: the digest of the app's build, or of what stands for
    it; which of them is said in ``annotations``."""
    known = {told.id: told for told in facts}
    found = []
    for device in sorted(devices):
        told, build = known.get(device), context.builds.get(device)
        installed = None if told is None else told.details.get("app_sha256")
        if installed is not None and told is not None:
            name, sha256, what = told.app, installed, "app package"
        elif build is not None:
            name, sha256, what = build.name, build.sha256, build.what
        else:
            said = canonical(to_json(told if told is not None else {"device": device}))
            name, sha256, what = device, digest_of(said).sha256, STANDS_FOR
        found.append(
            {
                "name": name,
                "digest": {"sha256": sha256},
                "annotations": {"device": device, "digest_of": what},
            }
        )
    return found


def _result(verdicts: list[Verdict], *, complete: bool) -> str:
    if Verdict.FAIL in verdicts:
        return "FAILED"
    return (
        "PASSED"
        if complete
        and set(verdicts) <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
        and (Verdict.PASS in verdicts)
        else "WARNED"
    )


def _named(results: Iterable[Told], verdict: Verdict) -> list[str]:
    return [result.node for result in results if result.verdict is verdict]
