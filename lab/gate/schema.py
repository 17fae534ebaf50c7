"""Writes the JSON Schema by which editors check and complete a policy.

``python -m lab.gate.schema`` writes it to ``docs/policy.schema.json``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lab.devices.schema import DOCS, written
from lab.gate.policy import PolicyFile

TARGET = DOCS / "policy.schema.json"


def main(argv: Sequence[str] = ()) -> None:
    """Write the schema to the file named first, else to docs/."""
    target = Path(argv[0]) if argv else TARGET
    target.write_text(written(PolicyFile), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
