from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.devices.settings import Settings, load
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.devices.peers import Surrounds

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as running:
        yield running


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki(("acme.test",))


@pytest.fixture
def around(loop: LabLoop, tmp_path: Path) -> Iterator[Surrounds]:
    folder = tmp_path / "served"
    folder.mkdir()
    surrounds = Surrounds(loop, folder)
    yield surrounds
    surrounds.close()


@pytest.fixture
def yaml(tmp_path: Path) -> Callable[[str], Settings]:
    """Load a text as devices.yaml."""

    def loaded(text: str) -> Settings:
        file = tmp_path / "devices.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file)

    return loaded


def with_examples() -> str:
    """Return the shipped devices.yaml with its commented examples switched on."""
    text = (ROOT / "devices.yaml").read_text(encoding="utf-8")
    plain, found, examples = text.partition("  # Examples;")
    assert found
    lines = []
    for line in examples.splitlines():
        is_example = line.startswith(("  # - ", "  #   "))
        lines.append(f"  {line[4:]}" if is_example else line)
    return plain + found + "\n".join(lines) + "\n"
