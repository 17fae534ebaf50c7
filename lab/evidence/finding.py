"""What is wrong with a bundle, item by item."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file of a bundle that its reader must know."""

    path: str
    """The file, by its path in the bundle; empty for the bundle as a whole."""
    text: str
    breaks: bool = True
    """The bundle does not verify. Where it is False, it is only not whole."""

    def __str__(self) -> str:
        return f"{self.path or 'bundle'}: {self.text}"
