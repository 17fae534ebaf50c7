"""How long the pin check takes. Shown (``pytest -s``), not asserted: machines differ."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from lab.backend import API
from tests.phone.sdk.conftest import World

ROUNDS = 300


def median(call: Callable[[int], object]) -> float:
    """Return the median of ``ROUNDS`` calls, in milliseconds."""
    taken = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


def test_shows_the_time_of_a_pin_check(world: World) -> None:
    client = world.ready()
    world.phone.clock += 1
    key = world.pki.genuine(API).key
    leaves = [world.pki.intermediate.issue(API, key=key).chain_der for _ in range(ROUNDS)]
    parsed = median(lambda number: client.check(API, 443, leaves[number]))
    cached = median(lambda _: client.check(API, 443, leaves[-1]))
    print(f"\npin check: {cached:.4f} ms cached, {parsed:.4f} ms with a parse")  # noqa: T201
    assert len(world.events) == 2 * ROUNDS
    assert all(event.error is None for event in world.events)
