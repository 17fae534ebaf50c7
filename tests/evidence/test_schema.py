from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab.evidence.record import to_json
from lab.evidence.run import RunReport
from lab.evidence.schema import member_docs, results_schema, schema_text
from lab.model.wire import ConnectionRecord, WireClass
from tests.evidence.builders import failed, inconclusive, info, lab_error, passed, skipped
from tests.patience import CAP

PUBLISHED = Path(__file__).parents[2] / "docs" / "results.schema.json"

VALIDATOR = jsonschema.Draft202012Validator(results_schema())


def report() -> Any:
    results = (passed(), failed(), inconclusive(), skipped(), lab_error())
    return to_json(RunReport(info(counts={"PASS": 1}), results))


def test_the_published_schema_is_that_of_the_code() -> None:
    hint = "regenerate it: python -m lab.evidence.schema"
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), hint


def test_the_module_writes_the_schema(tmp_path: Path) -> None:
    target = tmp_path / "schema.json"
    subprocess.run([sys.executable, "-m", "lab.evidence.schema", target], check=True, timeout=CAP)
    assert target.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(results_schema())


def test_real_reports_are_valid() -> None:
    VALIDATOR.validate(report())


def _broken(path: list[Any], value: object) -> Any:
    data = report()
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["results", 0, "verdict"], "OK"),
        (["results", 0, "extra"], 1),
        (["results", 0, "attempts"], None),
        (["results", 0, "trial", "attack", "connections", 0, "wire_class"], "fine"),
        (["info", "complete"], "yes"),
        (["format"], "trustpin-lab-results/0"),
    ],
    ids=lambda value: str(value[-1]) if isinstance(value, list) else "",
)
def test_reports_of_another_shape_are_not(path: list[Any], value: object) -> None:
    assert not VALIDATOR.is_valid(_broken(path, value))


def test_every_definition_is_explained() -> None:
    definitions = results_schema()["$defs"]
    unexplained = [name for name, made in definitions.items() if not made.get("description")]
    assert not unexplained
    assert len(definitions) > 15


def test_docstrings_of_members_get_into_the_schema() -> None:
    assert member_docs(ConnectionRecord)["opened_at"] == "Epoch seconds."
    assert "RFC 9113" in member_docs(WireClass)["PREFACE_ONLY"]
    made = results_schema()["$defs"]
    assert made["ConnectionRecord"]["properties"]["opened_at"]["description"] == "Epoch seconds."
    assert "preface_only: Only the HTTP/2 preface" in made["WireClass"]["description"]


def test_a_field_called_title_is_not_lost() -> None:
    assert results_schema()["$defs"]["ScenarioResult"]["properties"]["title"] == {"type": "string"}
