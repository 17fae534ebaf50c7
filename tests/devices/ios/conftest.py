from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.pki.hierarchy import LabPki
from tests.devices.ios.rig import Rig, iphone


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A supervised iPhone; what a test changes on it the test takes back."""
    with iphone(tmp_path_factory.mktemp("desk")) as rig:
        yield rig
