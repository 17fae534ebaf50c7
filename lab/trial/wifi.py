"""What the rogue Wi-Fi of a trial was made of, and whether the device's packets crossed it."""

from __future__ import annotations

from dataclasses import replace

from lab.model.attack import Attempt, Expectation, RouteKind
from lab.model.device import WifiKind
from lab.model.serving import Gateway
from lab.model.trial import Fact, Phase, Trial
from lab.network.kernel.pcapng import frames_of
from lab.network.kernel.segments import conversations, paired
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
    fact = Fact("capture", True, f"Its packets: {seat.keep_capture(content)}.")
    return replace(counted(trial, content), facts=(*trial.facts, fact))


def counted(trial: Trial, content: bytes) -> Trial:
    """Return ``trial`` with what a capture shows of each connection."""
    records = [c for phase in trial.phases for c in phase.connections]
    seen = paired(records, conversations(frames_of(content)))
    crossed = {record.id: there.crossing for record, there in seen if there is not None}

    def with_crossings(phase: Phase) -> Phase:
        found = (replace(c, crossed=crossed.get(c.id)) for c in phase.connections)
        return replace(phase, connections=tuple(found))

    return replace(
        trial,
        baseline=with_crossings(trial.baseline),
        attack=with_crossings(trial.attack),
        control=None if trial.control is None else with_crossings(trial.control),
        recovery=with_crossings(trial.recovery),
    )


def wifi_facts(
    seat: Seat,
    route: RouteKind,
    number: int,
    expected: Expectation,
    gateway: Gateway = Gateway.OWNER,
) -> tuple[Fact, ...]:
    """Return what is to be said of the rogue Wi-Fi under arming ``number``, under which
    ``gateway`` was to be the device's; nothing for other routes, and for phones that join a
    network that is not of the lab's making."""
    if route is not RouteKind.WIFI:
        return ()
    if seat.device.facts.platform == "android":
        # Its connections, or its questions, must have been seen there for any verdict.
        ours = seat.bench.wifi is WifiKind.HARDWARE
        return (Fact(WIFI, True, HARDWARE),) if ours else ()
    packets = seat.bench.engine.crossed(seat.device.id, number)
    if packets is None:
        return (Fact(WIFI, True, SIMULATED),)
    if gateway is not Gateway.OWNER:
        past = seat.bench.engine.past(seat.device.id, number)
        return (_led(gateway, packets, past), *_ways_around(seat, number))
    text = f"The rogue Wi-Fi was a network of the kernel's; {packets} packets of the device "
    if packets or expected.attempt is Attempt.OPTIONAL:
        crossed = Fact(WIFI, True, f"{text}crossed it during the attack.")
        return (crossed, *_ways_around(seat, number))
    return (Fact(WIFI, None, f"{text}crossed it: the attack was not in their way."),)


def _led(gateway: Gateway, packets: int, past: int) -> Fact:
    """Say which gateway the device went to."""
    text = (
        "The Wi-Fi was a network of the kernel's with an honest gateway; packets of the device: "
        f"{past} to that gateway, {packets} to the attacker"
    )
    if gateway is Gateway.HONEST:
        return Fact(WIFI, True if past and not packets else None, f"{text}, who looked on.")
    poisoned = True if packets and not past else None
    return Fact(WIFI, poisoned, f"{text}, who told it by ARP that the gateway's address is his.")


def _ways_around(seat: Seat, number: int) -> tuple[Fact, ...]:
    """Say which ways around the network were tried, and that they were closed."""
    tried = seat.bench.engine.around(seat.device.id, number).items()
    told = "; ".join(f"{way}: {times} {'try' if times == 1 else 'tries'}" for way, times in tried)
    return (Fact("around", True, f"Refused on the rogue Wi-Fi: {told}."),) if told else ()
