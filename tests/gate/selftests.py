"""Self-tests on record."""

from __future__ import annotations

import json
from typing import Any


def selftest(standing: str = "good", findings: Any = None, **changes: Any) -> bytes:
    """The content of a ``selftest.json``, as far as a gate looks at it."""
    found = {
        "mutants": [{"name": "TrustsAll", "standing": "good"}],
        "attacks": [
            {"slug": "untrusted_ca", "standing": "good"},
            {"slug": "user_store_ca", "standing": "not_applicable"},
        ],
        "reference": [],
    }
    known = {
        "format": "trustpin-lab-selftest/1",
        "lab": "1.0",
        "standing": standing,
        "complete": True,
        "only_mutants": [],
        "only_attacks": [],
        "findings": found | (findings or {}),
    }
    return json.dumps(known | changes).encode()
