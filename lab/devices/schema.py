"""Writes docs/devices.schema.json, by which editors check and complete devices.yaml."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.devices.models import DevicesFile

FILE = Path(__file__).parents[2] / "docs" / "devices.schema.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of devices.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **DevicesFile.model_json_schema(),
    }


def written() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] = ()) -> None:
    """Write the schema to the file named first, else to its place in docs/."""
    target = Path(argv[0]) if argv else FILE
    target.write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
