"""What the rogue Wi-Fi of a trial was made of, and whether the device's packets crossed it."""

from __future__ import annotations

from dataclasses import replace

from lab.model.attack import Attempt, Expectation, RouteKind
from lab.model.device import WifiKind
from lab.model.trial import Fact, Trial
from lab.trial.seat import Seat

WIFI = "wifi"
"""Name of the fact."""

SIMULATED = (
    "The rogue Wi-Fi was simulated: a resolver and a SOCKS gateway, which the device asked itself."
)
HARDWARE = "The rogue Wi-Fi was an access point of this machine's, with a radio."


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
    routes, and for phones that join a network that is not of the lab's making."""
    if route is not RouteKind.WIFI:
        return ()
    if seat.device.facts.platform == "android":
        # Its connections, or its questions, must have been seen there for any verdict.
        ours = seat.bench.wifi is WifiKind.HARDWARE
        return (Fact(WIFI, True, HARDWARE),) if ours else ()
    packets = seat.bench.engine.crossed(seat.device.id, number)
    if packets is None:
        return (Fact(WIFI, True, SIMULATED),)
    text = f"The rogue Wi-Fi was a network of the kernel's; {packets} packets of the device "
    if packets or expected.attempt is Attempt.OPTIONAL:
        crossed = Fact(WIFI, True, f"{text}crossed it during the attack.")
        return (crossed, *_ways_around(seat, number))
    return (Fact(WIFI, None, f"{text}crossed it: the attack was not in their way."),)


def _ways_around(seat: Seat, number: int) -> tuple[Fact, ...]:
    """Say which ways around the network were tried, and that they were closed."""
    tried = seat.bench.engine.around(seat.device.id, number).items()
    told = "; ".join(f"{way}: {times} {'try' if times == 1 else 'tries'}" for way, times in tried)
    return (Fact("around", True, f"Refused on the rogue Wi-Fi: {told}."),) if told else ()
