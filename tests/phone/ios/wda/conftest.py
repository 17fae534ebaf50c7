from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phone.ios.rigs import TEST_APP, IosRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IosRig]:
    """A phone that many requests are made to."""
    with IosRig(tmp_path_factory.mktemp("phone")) as made:
        made.screen.launch(TEST_APP)
        yield made


@pytest.fixture(scope="module")
def session(hostile: IosRig) -> str:
    """The id of a session with it."""
    _, answer = hostile.send("POST", "/session", {"capabilities": {}})
    return str(answer["sessionId"])
