from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.loop import LabLoop
from lab.network.kernel.check import check
from lab.network.kernel.namespace import Namespace
from lab.network.kernel.wifi import KernelWifi, Place
from tests.network.needed import or_skip


@pytest.fixture(scope="session", autouse=True)
def _needs_namespaces() -> None:
    with or_skip():
        check()


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace("alone") as made:
        yield made


@pytest.fixture(scope="module")
def wifi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelWifi]:
    with LabLoop() as loop, KernelWifi(loop, tmp_path_factory.mktemp("air")) as wifi:
        yield wifi


@pytest.fixture
def place(wifi: KernelWifi) -> Iterator[Place]:
    """A device's place, with nobody serving at its doors."""
    with wifi.admitted("phone") as place:
        yield place
        for door in (place.rogue, place.home):
            door.listener.close()
            door.listener6.close()
            door.resolver.close()
