"""The client of a phone whose app is another one each time it starts.

A phone takes a second to start, its app a few milliseconds. So the self-test keeps one phone and
says before each start of the app which client is to be in it: in a file of the run's folder,
somewhere above the app's own.
"""

from __future__ import annotations

from pathlib import Path

from lab.phone.lifetime import load_class
from lab.phone.services import PhoneServices, Sdk

PATH = f"{__name__}:chosen"
"""What devices.yaml would name it by."""
FILE = "client"
"""Holds ``package.module:Class``."""


def choose(folder: Path, client: str) -> None:
    """Let apps that start below ``folder`` from now on be built on ``client``."""
    (folder / FILE).write_text(client, encoding="utf-8")


def chosen(phone: PhoneServices, storage: Path) -> Sdk:
    """Make the client that was chosen last. Raises LookupError where none was, and CannotStart
    for one that there is not."""
    for folder in storage.parents:
        if (folder / FILE).is_file():
            return load_class((folder / FILE).read_text(encoding="utf-8"))(phone, storage)
    raise LookupError(f"no client was chosen for {storage}")
