from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import eventually
from tests.phone.ios.remote.tunnelled import Dtx, Tunnelled, threads, tunnelled


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Tunnelled]:
    """A phone with a tunnel; checks that no thread of its is left."""
    before = threads()
    with tunnelled(tmp_path) as made:
        yield made
    assert eventually(lambda: threads() <= before), threads() - before


@pytest.fixture
def hub(phone: Tunnelled) -> Iterator[Dtx]:
    with phone.hub() as dtx:
        yield dtx
