"""Two gateways on one network: packets go to the one that the device believes in."""

from __future__ import annotations

import socket
from pathlib import Path

from lab.model.serving import Gateway, HostPlan, Terminate
from lab.model.wire import WireClass
from lab.network.kernel.rules import SHARED
from tests.adversary.inhabitants import Inhabitant
from tests.adversary.peers import HOST


def _at(inhabitant: Inhabitant, number: int) -> tuple[int, int]:
    """Return how many packets came to the attacker, and how many to the honest gateway."""
    engine = inhabitant.engine
    return engine.crossed("phone", number) or 0, engine.past("phone", number)


def test_the_attacker_becomes_the_gateway_by_arp(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    trusting = ("--cacert", str(fooled_root))
    honest = inhabitant.arm(HostPlan(forgery, gateway=Gateway.HONEST))
    # Nobody is there behind the honest gateway; the attacker sees nothing of it.
    assert inhabitant.curl(f"https://{HOST}/", *trusting) != 0
    (record,) = inhabitant.seen(honest)
    assert record.served_chain == ()
    to_attacker, past = _at(inhabitant, honest)
    assert (to_attacker, past > 5) == (0, True)

    taken = inhabitant.arm(HostPlan(forgery, gateway=Gateway.POISONED))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    assert [c.wire_class for c in inhabitant.seen(taken)] == [WireClass.INTERCEPTED]
    to_attacker, past = _at(inhabitant, taken)
    assert (to_attacker > 5, past) == (True, 0)

    own = inhabitant.arm(HostPlan(forgery))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    assert _at(inhabitant, own)[1] == 0


def test_a_connection_that_waits_is_served_all_the_same(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    trusting = ("--cacert", str(fooled_root))
    number = inhabitant.arm(HostPlan(forgery, delay=0.3))
    # Less patience than that is too little, more is enough.
    assert inhabitant.curl(f"https://{HOST}/", *trusting, "--max-time", "0.25") == 28
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    assert inhabitant.seen(number)[-1].wire_class is WireClass.INTERCEPTED


def test_the_honest_gateway_takes_nobody_back(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    """Who asks for a station's hardware address tells his own with it."""
    trusting = ("--cacert", str(fooled_root))
    place = inhabitant.place
    home = place.gateways.home.namespace
    inhabitant.arm(HostPlan(forgery, gateway=Gateway.HONEST))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) != 0
    own = inhabitant.arm(HostPlan(forgery))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    # As when a connection that it has to the station from before has something to say.
    home.ip(f"neighbour flush dev {SHARED}")
    with home.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"late", (place.rogue.address, 9))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    assert _at(inhabitant, own)[1] == 0
