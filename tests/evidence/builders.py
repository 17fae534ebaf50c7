"""Results and runs to write about."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from PIL import Image

from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunInfo
from lab.judge.engine import judge
from lab.model.device import DeviceFacts
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from tests.judge import builders

PHONE = DeviceFacts("phone", "Android", "Pixel", "15", "cloud.example", "1.0", "TrustPin 4.1")

EXPLAIN = """Served: a chain.

Correct client: refuses.

Why it goes wrong: because of <b>this</b>
reason.

On the wire: nothing."""


def passed(**changes: Any) -> ScenarioResult:
    """A result that is right in every respect, with ``changes`` made to it."""
    return judged(builders.trial(), **changes)


def judged(trial: Trial, /, **changes: Any) -> ScenarioResult:
    """The result of ``trial`` as the judge sees it."""
    reasons = judge(trial)
    result = ScenarioResult(
        node="scenarios/test_pins.py::test_b4[phone]",
        case="B4",
        title="Device-trusted rogue CA",
        variant="tls1.3",
        adversary="compromised_ca",
        device="phone",
        verdict=reasons.verdict,
        reasons=reasons,
        trial=trial,
        served="a leaf with the attacker's key",
        correct="refuses it",
        explain=EXPLAIN,
        seconds=0.25,
    )
    return replace(result, **changes)


def failed(**changes: Any) -> ScenarioResult:
    """A result of an app that was intercepted."""
    spilt = builders.attack_phase(connections=(builders.intercepted(),))
    return judged(builders.trial(attack=spilt), **changes)


def inconclusive(**changes: Any) -> ScenarioResult:
    """A result without an attempt on the wire."""
    silent = builders.attack_phase(connections=())
    return judged(builders.trial(attack=silent), **changes)


def skipped(text: str = "The clock cannot be set.", **changes: Any) -> ScenarioResult:
    """A result of a scenario that was not exercised."""
    reason = Reason(Verdict.NOT_APPLICABLE, Witness.LAB, text)
    usual: dict[str, Any] = {
        "verdict": Verdict.NOT_APPLICABLE,
        "reasons": Judgement(Verdict.NOT_APPLICABLE, (reason,)),
        "trial": None,
    }
    return passed(**(usual | changes))


def lab_error(**changes: Any) -> ScenarioResult:
    """A result of a scenario in which the lab itself broke."""
    reason = Reason(Verdict.INCONCLUSIVE, Witness.LAB, "The proxy did not start.")
    usual: dict[str, Any] = {
        "verdict": Verdict.INCONCLUSIVE,
        "reasons": Judgement(Verdict.INCONCLUSIVE, (reason,)),
        "trial": None,
    }
    return passed(**(usual | changes))


def info(**changes: Any) -> RunInfo:
    """What is known about a complete run."""
    known = RunInfo(
        run_id="20250101T000000Z-abcdef",
        started_at=1000.0,
        ended_at=1012.5,
        lab="1.0",
        python="3.11.9",
        mitmproxy="11.0.2",
        openssl="OpenSSL 3.4.0",
        platform="Linux x86_64",
        devices=(PHONE,),
        command=("pytest", "-m", "mitm"),
        complete=True,
    )
    return replace(known, **changes)


def png(width: int = 40, height: int = 80, colour: str = "red", *, noise: bool = False) -> bytes:
    """A screenshot; with ``noise`` one that hardly compresses."""
    if noise:
        image = Image.effect_noise((width, height), 90).convert("RGB")
    else:
        image = Image.new("RGB", (width, height), colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
