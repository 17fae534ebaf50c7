"""Many virtual phones at once: no verdict crosses, memory stays flat."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil

from lab.devices.settings import VirtualSettings
from lab.judge import judge
from lab.model.attack import Adversary
from lab.model.verdict import Verdict
from lab.trial.bench import Bench
from lab.trial.case import cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from tests.bench.figures import Figure

AT_ONCE = 8
"""Scenarios that are under way at the same time."""
ROUNDS = 3


def measure(bench: Bench, count: int) -> list[Figure]:
    """Attack ``count`` phones in several rounds; every third one has a client without pins."""
    case = next(c for c in cases(Adversary.COMPROMISED_CA) if c.entry.slug == "device_trusted_ca")
    started = time.perf_counter()
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        seats: list[Seat] = []
        for index in range(count):
            sdk = "tests.mutants:IgnoresPins" if index % 3 == 2 else None
            settings = VirtualSettings(id=f"phone-{index}", platform="virtual", sdk=sdk)
            device = stack.enter_context(bench.device(settings, index))
            seats.append(Seat(bench, device, lambda png: None))
        up = time.perf_counter() - started
        crossed, memory, times = 0, [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            verdicts = list(pool.map(lambda seat: judge(conduct(seat, case)).verdict, seats))
            times.append(time.perf_counter() - began)
            wanted = [Verdict.FAIL if n % 3 == 2 else Verdict.PASS for n in range(count)]
            crossed += sum(a is not b for a, b in zip(verdicts, wanted, strict=True))
            memory.append(_resident())
    growth = (memory[-1] - memory[0]) / memory[0] * 100
    rates = ", ".join(f"{count / seconds:.1f}" for seconds in times)
    return [
        Figure(f"{count} virtual phones started", f"{up:.1f} s"),
        Figure("wrong verdicts among them", f"{crossed} of {count * ROUNDS}", "0", crossed == 0),
        Figure("verdicts per second, round by round", rates),
        Figure(
            "memory of lab and phones",
            f"{memory[0] >> 20} MiB after the first round, {growth:+.1f} % after the last",
            "flat",
            growth < 5,
        ),
    ]


def _resident() -> int:
    own = psutil.Process()
    return sum(p.memory_info().rss for p in (own, *own.children(recursive=True)))
