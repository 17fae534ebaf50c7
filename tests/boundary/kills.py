"""Kills runs on standing phones at random moments, restores, and looks whether each phone is as it
was. Exits with 1 where one is not.

    python -m tests.boundary.kills [ROUNDS [PART OF A KIND'S NAME]]
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.boundary import standing_iphone as iphones
from tests.boundary.standing import devices_file, differences, standing_phone
from tests.killing import Nursery, moments_of

ROUNDS = 50


class Standing(Protocol):
    """A phone that nobody's run has started."""

    def entry(self, device_id: str = ..., **more: object) -> dict[str, object]: ...

    def seen(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class Kind:
    """A kind of phone, and cases that between them change everything that a run can change."""

    name: str
    chosen: str
    share: float
    """How many of the rounds are its own."""
    phone: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)
    stand: Callable[..., AbstractContextManager[Standing]] = standing_phone
    differ: Callable[..., dict[str, tuple[object, object]]] = differences


IPHONE_CASES = "(B4-device_trusted_ca- or user_store_ca) and tls1.3"
KINDS = (
    Kind("rooted", "(B4-device_trusted_ca- or user_store_ca or clock_behind) and tls1.3", 0.8),
    Kind(
        "as sold",
        "user_store_ca and tls1.3",
        0.2,
        {"root": "none", "sdk": "tests.phone.stand_ins:DebugBuild"},
        {"app": {"trusts_user_store": True}},
    ),
    Kind(
        "iPhone, supervised",
        IPHONE_CASES,
        0.6,
        stand=iphones.standing_iphone,
        differ=iphones.differences,
    ),
    Kind(
        "iPhone as sold",
        IPHONE_CASES,
        0.4,
        {"supervised": False},
        stand=iphones.standing_iphone,
        differ=iphones.differences,
    ),
)


def main(arguments: list[str]) -> int:
    rounds = int(arguments[0]) if arguments else ROUNDS
    part = arguments[1] if len(arguments) > 1 else ""
    moments = moments_of("kills")
    wrong: list[str] = []
    killed = 0
    with Nursery("tests.boundary.attempts") as nursery:
        for kind in (kind for kind in KINDS if part in kind.name):
            found, ended = _killed(kind, max(1, round(rounds * kind.share)), moments, nursery)
            wrong += found
            killed += ended
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{killed} runs killed; {len(wrong)} things wrong\n")
    return 1 if wrong or not killed else 0


def _killed(
    kind: Kind, rounds: int, moments: random.Random, nursery: Nursery
) -> tuple[list[str], int]:
    """Return what was wrong after ``rounds`` on a phone of this kind, and how many were killed."""
    wrong: list[str] = []
    killed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TRUSTPIN_LAB_STATE"] = str(folder / "state")
        with kind.stand(folder, **kind.phone) as phone:
            devices = devices_file(folder, phone.entry(**kind.entry))
            place: dict[str, Any] = {"devices": str(devices), "state": str(folder / "state")}
            told: dict[str, Any] = {**place, "reports": str(folder / "reports")}
            before = phone.seen()
            whole = nursery.run("attack", **told, chosen=kind.chosen)
            if whole.code != 0:
                return [f"{kind.name}: the undisturbed run ended with exit code {whole.code}"], 0
            for number in range(rounds):
                after = moments.uniform(0.05, whole.seconds)
                end = nursery.run("attack", after=after, **told, chosen=kind.chosen)
                killed += end.killed
                changed = len(kind.differ(before, phone.seen()))
                restored = nursery.run("restore", **place)
                left = kind.differ(before, phone.seen())
                told_of = f"{kind.name}, round {number}: killed after {after:.2f} s, {changed} "
                told_of += "things changed"
                sys.stdout.write(
                    f"{told_of}, {len(left)} after restore ({restored.seconds:.2f} s)\n"
                )
                sys.stdout.flush()
                wrong += [
                    f"{told_of}: {what}: {was!r} is now {now!r}"
                    for what, (was, now) in left.items()
                ]
                if restored.code != 0:
                    wrong.append(f"{told_of}: restore ended with exit code {restored.code}")
    return wrong, killed


if __name__ == "__main__":
    started = time.monotonic()
    code = main(sys.argv[1:])
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    sys.exit(code)
