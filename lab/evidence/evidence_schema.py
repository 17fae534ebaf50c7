"""The JSON Schema of an evidence record, made from the very classes that are written.

``python -m lab.evidence.evidence_schema`` writes it to ``docs/evidence.schema.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab.evidence import fields
from lab.evidence.context import Build, Checkout, Context
from lab.evidence.fields import EvidenceRecord
from lab.evidence.mapping import MasMapping, MastgTest, Relation, Weakness
from lab.evidence.schema import DOCUMENTED as DOCUMENTED_RESULTS
from lab.evidence.schema import schema_of

TARGET = Path("docs/evidence.schema.json")

DOCUMENTED: tuple[type, ...] = (
    *DOCUMENTED_RESULTS, Context, Build, Checkout, MasMapping, MastgTest, Relation, Weakness,
    fields.Artefact, fields.SubjectFields, fields.EnvironmentFields, fields.AttackerFields,
    fields.Prerequisites, fields.ConnectionFields, fields.Observation, fields.ControlFields,
    fields.Evaluation, fields.Times, fields.Integrity, fields.Review,
)  # fmt: skip


def evidence_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a document in ``records/``."""
    return schema_of(EvidenceRecord, DOCUMENTED, "Evidence record of the TrustPin MITM Lab")


def schema_text() -> str:
    """Return the content of ``docs/evidence.schema.json``."""
    return json.dumps(evidence_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(schema_text(), encoding="utf-8")
