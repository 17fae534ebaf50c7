"""Writes the JSON Schemas by which editors check and complete devices.yaml and app pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lab.devices.models import DevicesFile
from lab.devices.page_models import PageFile

DOCS = Path(__file__).parents[2] / "docs"
MODELS: Mapping[str, type[BaseModel]] = {
    "devices.schema.json": DevicesFile,
    "app-page.schema.json": PageFile,
}
"""What each file of docs/ describes."""


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``model`` describes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
    }


def written(model: type[BaseModel]) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema(model), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] = ()) -> None:
    """Write the schemas to the folder named first, else to docs/."""
    folder = Path(argv[0]) if argv else DOCS
    for name, model in MODELS.items():
        (folder / name).write_text(written(model), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
