from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.backend import Backend
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.backend.peers import Curl


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki(("acme.test",))


@pytest.fixture(scope="session")
def root(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM file of the root that honest clients trust."""
    path = tmp_path_factory.mktemp("trust") / "root.pem"
    path.write_bytes(pki.public_root.certificate.public_bytes(Encoding.PEM))
    return path


async def _others() -> set[str]:
    return {str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@pytest.fixture
def loop(caplog: pytest.LogCaptureFixture) -> Iterator[LabLoop]:
    """A loop on which nothing may be left behind, and nothing may have been complained about."""
    with LabLoop() as loop:
        yield loop
        assert loop.run(_others()) == set()
    complaints = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert complaints == []


@pytest.fixture
def backend(loop: LabLoop, pki: LabPki, tmp_path: Path) -> Iterator[Backend]:
    with Backend(loop, pki, tmp_path / "backend") as backend:
        yield backend


@pytest.fixture
def curl(root: Path, tmp_path: Path) -> Curl:
    return Curl(root, tmp_path)
