"""A thousand random changes to a bundle: each is found, and named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.evidence.verify import NoBundle, verify
from tests.evidence.builders import failed, passed
from tests.evidence.bundles import make
from tests.killing import moments_of

ROUNDS = 250
"""Of each kind."""
SIGNATURE = {"signer.pem", "attestation.dsse.json", "manifest.json"}


def flip(folder: Path, names: list[str], chance: random.Random) -> set[str]:
    path = folder / chance.choice([name for name in names if (folder / name).stat().st_size])
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return {path.relative_to(folder).as_posix()}


def delete(folder: Path, names: list[str], chance: random.Random) -> set[str]:
    name = chance.choice(names)
    (folder / name).unlink()
    return {name}


def add(folder: Path, names: list[str], chance: random.Random) -> set[str]:
    place = chance.choice(["", "records/", "certificates/", "screenshots/", "captures/"])
    path = folder / f"{place}{chance.randbytes(4).hex()}{chance.choice(['', '.json', '.pem'])}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(chance.choice([b"", (folder / chance.choice(names)).read_bytes()]))
    return {path.relative_to(folder).as_posix()}


def swap(folder: Path, names: list[str], chance: random.Random) -> set[str]:
    one, other = chance.sample(names, 2)
    contents = (folder / one).read_bytes(), (folder / other).read_bytes()
    if contents[0] == contents[1]:
        return set()
    (folder / other).write_bytes(contents[0])
    (folder / one).write_bytes(contents[1])
    return {one, other}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole"), told=[passed(), failed()])


@pytest.mark.parametrize("damage", [flip, delete, add, swap])
def test_every_change_is_found(
    whole: Path, tmp_path: Path, damage: Callable[[Path, list[str], random.Random], set[str]]
) -> None:
    chance = moments_of(f"damage {damage.__name__}")
    assert verify(whole).good
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    names = sorted(p.relative_to(whole).as_posix() for p in whole.rglob("*") if p.is_file())
    for _ in range(ROUNDS):
        changed = damage(folder, names, chance)
        named = _named(folder)
        # Where the signature itself is broken, nothing else can be told.
        assert named & changed or not changed, (changed, named)
        assert named >= changed or named & SIGNATURE
        for name in changed:
            if name in names:
                shutil.copyfile(whole / name, folder / name)
            else:
                (folder / name).unlink()
    assert verify(folder).good


def _named(folder: Path) -> set[str]:
    try:
        told = verify(folder)
    except NoBundle as error:
        # The key or the attestation is gone or no longer one: the message names it.
        return {name for name in ("signer.pem", "attestation.dsse.json") if name in str(error)}
    return {finding.path for finding in told.findings if finding.breaks}
