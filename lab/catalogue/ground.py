"""What an attack is made from, and what making one means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lab.model.attack import Expectation
from lab.model.profile import Profile
from lab.model.serving import HostPlan, Serving
from lab.pki.hierarchy import LabPki


@dataclass(frozen=True)
class Ground:
    """What an attack is made from: the run's authorities and the host under attack."""

    pki: LabPki
    host: str
    now: datetime
    """True time, aware, UTC."""


Attack = Callable[[Ground], Serving | HostPlan | Mapping[str, HostPlan]]
"""Returns what happens to the host under attack or, where others are concerned too, to each."""

Expecting = Callable[[Profile], Expectation]
"""Returns what a correct client does whose SDK is of this profile."""
