from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phone.android.webdriver.rigs import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as started:
        yield started
