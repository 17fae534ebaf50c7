"""To be somebody with no rights for a moment: root may read and write everything."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def no_rights() -> Iterator[None]:
    """Be nobody, where this process is root."""
    if os.getuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody may look into; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
