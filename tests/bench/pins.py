"""What the pin check costs inside the reference client."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.catalogue import hosts
from lab.model.pins import Mode
from lab.phone.sdk.verifier import PinVerifier
from lab.pki.hierarchy import LabPki
from tests.bench.figures import Figure, spread, timed


def measure() -> list[Figure]:
    """Return the time of a verdict from the cache, and of one with a certificate to parse."""
    pki, now = LabPki((hosts.DOMAIN,)), datetime.now(UTC)
    configuration = hosts.standard(pki, now)
    chain = pki.genuine(hosts.HOST).chain_der
    known = PinVerifier(configuration, Mode.STRICT)
    known.judge(hosts.HOST, chain, now.timestamp())
    cached = [timed(lambda: known.judge(hosts.HOST, chain, now.timestamp())) for _ in range(2000)]
    fresh = []
    for _ in range(500):
        verifier = PinVerifier(configuration, Mode.STRICT)
        fresh.append(timed(lambda v=verifier: v.judge(hosts.HOST, chain, now.timestamp())))  # type: ignore[misc]
    middle = sorted(cached)[len(cached) // 2], sorted(fresh)[len(fresh) // 2]
    return [
        Figure("pin check, cached", spread(cached), "<= 0.1 ms", middle[0] <= 1e-4),
        Figure("pin check with a parse", spread(fresh), "<= 1 ms", middle[1] <= 1e-3),
    ]
