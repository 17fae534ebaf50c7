"""Kills a process that writes bundles at 30 random moments: ``python -m tests.evidence.kills``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.evidence.test_journal import kill_and_check

ROUNDS = 30

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        kill_and_check(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
