"""The JSON Schema of results.json, made from the very classes that are written.

``python -m lab.evidence.schema`` writes it to ``docs/results.schema.json``.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunInfo, RunReport
from lab.model.attack import Attempt, Control, Expectation, ReportsDue, Step, Subject, Telling
from lab.model.device import DeviceFacts
from lab.model.failure_report import FailureReport, ReportWay
from lab.model.monitored import MonitoredConnection
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import (
    Fact,
    Measurement,
    Phase,
    PhaseName,
    ReportPromise,
    SideAttempt,
    Trial,
)
from lab.model.verdict import Judgement, Reason, Verdict, Witness
from lab.model.wire import Alert, ConnectionRecord, Crossing, Lookup, WireClass

DOCUMENTED: tuple[type, ...] = (
    RunReport, RunInfo, ScenarioResult, DeviceFacts, Judgement, Reason, Verdict, Witness, Trial,
    Phase, PhaseName, Fact, ReportPromise, Expectation, Attempt, Telling, Step, Control, Subject,
    AppOutcome, Answer, ErrorKind, ConnectionRecord, Alert, Lookup, WireClass, FailureReport,
    ReportWay, ReportsDue, SideAttempt, Measurement, Crossing, MonitoredConnection,
)  # fmt: skip

TARGET = Path("docs/results.schema.json")


class _AllFields(GenerateJsonSchema):
    """Says that every field is there: the writer leaves none out."""

    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return True

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of results.json."""
    return schema_of(RunReport, DOCUMENTED, "Results of a run of the TrustPin MITM Lab")


def schema_of(root: type, documented: tuple[type, ...], title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what ``to_json`` makes of a ``root``. The docstrings of
    the ``documented`` classes and of their members become its descriptions."""
    made = TypeAdapter(root).json_schema(mode="serialization", schema_generator=_AllFields)
    definitions = made.pop("$defs")
    _describe(made, root)
    for kind in documented:
        if kind.__name__ in definitions:
            _describe(definitions[kind.__name__], kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_without_titles(made),
        "$defs": {name: _without_titles(definitions[name]) for name in sorted(definitions)},
    }


def _describe(schema: dict[str, Any], kind: type) -> None:
    schema["description"] = inspect.cleandoc(kind.__doc__ or "")
    notes = member_docs(kind)
    if issubclass(kind, Enum):
        lines = [f"{m.value}: {notes[n]}" for n, m in kind.__members__.items() if n in notes]
        schema["description"] = "\n".join([schema["description"], *lines])
        return
    schema["additionalProperties"] = False
    for name, text in notes.items():
        schema["properties"][name]["description"] = text


def member_docs(kind: type) -> dict[str, str]:
    """Return the docstrings that stand below the members of a class, each on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for before, here in pairwise(body):
        target: ast.expr | None = None
        if isinstance(before, ast.AnnAssign):
            target = before.target
        elif isinstance(before, ast.Assign):
            target = before.targets[0]
        if (
            isinstance(target, ast.Name)
            and isinstance(here, ast.Expr)
            and isinstance(here.value, ast.Constant)
            and isinstance(here.value.value, str)
        ):
            found[target.id] = " ".join(here.value.value.split())
    return found


def _without_titles(schema: Any) -> Any:
    """Return ``schema`` without the titles that pydantic derives from field names."""
    if isinstance(schema, dict):
        # A field called title is an object here, not a string.
        return {
            key: _without_titles(inner)
            for key, inner in schema.items()
            if not (key == "title" and isinstance(inner, str))
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema


def schema_text() -> str:
    """Return the content of ``docs/results.schema.json``."""
    return json.dumps(results_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(schema_text(), encoding="utf-8")
