"""Chapter H, continued: an attacker who owns nothing, and is a station on the network like any."""

from __future__ import annotations

from lab.catalogue.attackers import WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.stage import Stage
from lab.model.attack import Need, refuse, relayed
from lab.model.outcome import ErrorKind
from lab.model.serving import Gateway, HostPlan, Relay


def _looking_on(ground: Ground) -> HostPlan:
    """Nothing: nobody comes to the neighbour yet."""
    return HostPlan(Relay(), gateway=Gateway.HONEST)


@entry(
    "H6",
    "Neighbour takes the gateway's place (ARP), device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.WIFI, Need.SEGMENT],
    before=[Stage("Over the honest gateway, the attacker a neighbour", _looking_on, relayed())],
    versions=TLS13_ONLY,
)
def neighbour_takes_gateway(ground: Ground) -> HostPlan:
    """Served: the Wi-Fi is somebody honest's, and the app has made its request over his gateway.
    Another station on it, the attacker, then tells the device by ARP (RFC 826) that the gateway's
    address is his. From then on the device's packets are his, and a leaf from a CA in the system
    store waits for them.

    Correct client: refuses it, because no pin matches. The network's name, the gateway's and the
    server's address are the same as before, and say nothing of who answers.

    Why it goes wrong: a network or an address that has proved good once is taken for good: "the
    office's", "where the server has always been".

    On the wire: packets to the honest gateway first, then to the attacker's hardware address alone;
    the SNI, and no application data.
    """
    served = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(served, gateway=Gateway.POISONED)
