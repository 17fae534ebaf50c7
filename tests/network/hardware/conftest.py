from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.hardware.desk import Desk, a_desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with a_desk(tmp_path, monkeypatch) as desk:
        yield desk
