"""What the rogue Wi-Fi of a trial was made of, and whether the device's packets crossed it."""

from __future__ import annotations

from dataclasses import replace

from lab.model.attack import Attempt, Expectation, RouteKind
from lab.model.trial import Fact, Trial
from lab.trial.seat import Seat

WIFI = "wifi"
"""Name of the fact."""

SIMULATED = (
    "The rogue Wi-Fi was simulated: a resolver and a SOCKS gateway, which the device asked itself."
)


def with_capture(seat: Seat, route: RouteKind, since: int, trial: Trial) -> Trial:
    """Keep what the rogue Wi-Fi saw under arming ``since`` and later ones, and say where."""
    if route is not RouteKind.WIFI or seat.keep_capture is None:
        return trial
    content = seat.bench.engine.capture(seat.device.id, since)
    if content is None:
        return trial
    name = seat.keep_capture(content)
    return replace(trial, facts=(*trial.facts, Fact("capture", True, f"Its packets: {name}.")))


def wifi_facts(
    seat: Seat, route: RouteKind, number: int, expected: Expectation
) -> tuple[Fact, ...]:
    """Return what is to be said of the rogue Wi-Fi under arming ``number``; nothing for other
    routes, and for phones that join networks of their own."""
    if route is not RouteKind.WIFI or seat.device.facts.platform == "android":
        return ()
    packets = seat.bench.engine.crossed(seat.device.id, number)
    if packets is None:
        return (Fact(WIFI, True, SIMULATED),)
    text = f"The rogue Wi-Fi was a network of the kernel's; {packets} packets of the device "
    if packets or expected.attempt is Attempt.OPTIONAL:
        return (Fact(WIFI, True, f"{text}crossed it during the attack."),)
    return (Fact(WIFI, None, f"{text}crossed it: the attack was not in their way."),)
