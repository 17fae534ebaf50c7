"""Pages about results, as text and parsed."""

from __future__ import annotations

from typing import Any

import lxml.html

from lab.evidence.html import render
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from tests.evidence.builders import info


def page(*results: ScenarioResult, read: Any = lambda _: None, **changes: Any) -> str:
    return render(RunReport(info(**changes), results), read)


def parsed(*results: ScenarioResult, **changes: Any) -> Any:
    return lxml.html.fromstring(page(*results, **changes))
