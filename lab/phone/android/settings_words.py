"""What Android's versions call the way through Settings to their certificates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """What an Android version calls the way to its certificates."""

    security: str
    more: str
    """The page between; empty where there is none."""
    install: str
    kinds: bool
    """Whether one says first what the certificate is for."""


def wording_of(release: int) -> Wording:
    """Return the words of an Android version."""
    if release >= 14:
        return Wording(
            "Security & privacy", "More security & privacy", "Install a certificate", True
        )
    if release == 13:
        return Wording(
            "Security & privacy", "More security settings", "Install a certificate", True
        )
    if release == 12:
        return Wording("Security", "Advanced settings", "Install a certificate", True)
    if release == 11:
        return Wording("Security", "", "Install a certificate", True)
    return Wording("Security", "", "Install from storage", False)
