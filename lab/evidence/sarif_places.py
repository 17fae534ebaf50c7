"""Where a scenario took place, in SARIF's terms: the device, its app, the host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from lab.evidence.plain import plain_line
from lab.evidence.record import ScenarioResult
from lab.model.device import DeviceFacts

SOURCES = "%SRCROOT%"
"""Stands for the folder that scenarios are in, by the name that dashboards know."""


class Places:
    """The logical locations of a run (section 3.33), each told once."""

    def __init__(self, facts: Iterable[DeviceFacts]) -> None:
        self._apps = {known.id: known.app for known in facts}
        self.told: list[dict[str, Any]] = []
        """In the order in which results refer to them."""
        self._index: dict[str, int] = {}

    def of(self, result: ScenarioResult) -> dict[str, Any]:
        """Return the location of ``result``. The physical one is the scenario's own file, because
        dashboards show nothing that has none."""
        levels = [
            ("device", result.device),
            ("app", self._apps.get(result.device, "")),
            ("host", "" if result.trial is None else result.trial.host),
        ]
        path = ""
        index: int | None = None
        for kind, name in levels:
            shown = plain_line(name)
            if shown:
                # A name may hold a slash: it must not look like two.
                path = "/".join(filter(None, (path, quote(shown, safe=" :@"))))
                index = self._at(path, shown, kind, index)
        file = plain_line(result.node).partition("::")[0]
        return {
            "physicalLocation": {
                "artifactLocation": {"uri": quote(file) or "scenarios", "uriBaseId": SOURCES},
                "region": {"startLine": 1},
            },
            "logicalLocations": []
            if index is None
            else [{"index": index, "fullyQualifiedName": path}],
        }

    def _at(self, path: str, name: str, kind: str, parent: int | None) -> int:
        if path not in self._index:
            self._index[path] = len(self.told)
            above = {} if parent is None else {"parentIndex": parent}
            self.told.append({"name": name, "fullyQualifiedName": path, "kind": kind, **above})
        return self._index[path]
