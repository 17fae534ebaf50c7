"""Importing a library without what it would import only because it happens to be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let these modules be missing for a while, except those that are loaded already."""
    missing = [name for name in names if name not in sys.modules]
    # What is None there cannot be imported (The import system, The module cache).
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
