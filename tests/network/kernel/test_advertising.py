"""Router advertisements, believed by the kernel of a device."""

from __future__ import annotations

import ipaddress
import socket

from lab.adversary.kernel import original_destination
from lab.model.device import Endpoint
from lab.network.kernel.advertising import advertisement
from lab.network.kernel.wifi import Place
from tests.patience import CAP, eventually

NETWORK = ipaddress.IPv6Network("2001:db8::/64")
ELSEWHERE = "2001:db8:ffff::1"


def test_the_form_of_an_advertisement() -> None:
    packet = advertisement(str(NETWORK))
    assert len(packet) == 48
    # A router for an hour, and a prefix to make addresses of (RFC 4861 sections 4.2, 4.6.2).
    assert (packet[0], packet[6:8], packet[16:20]) == (
        134,
        (3600).to_bytes(2, "big"),
        bytes([3, 4, 64, 0xC0]),
    )
    assert packet[32:] == NETWORK.network_address.packed


def test_a_device_has_an_address_as_soon_as_it_has_joined(place: Place) -> None:
    member = place.member()
    member.join("wlan0")
    assert len(addresses(place, "wlan0")) == 1
    # Twice: a router that says that it is none is used no more after the first.
    for _ in range(2):
        with member.socket(socket.AF_INET6, socket.SOCK_STREAM) as dialled:
            dialled.settimeout(CAP)
            dialled.connect((ELSEWHERE, 8443))
            taken, _ = place.rogue.listener6.accept()
            with taken:
                assert original_destination(taken) == Endpoint(ELSEWHERE, 8443)
    member.leave()
    assert addresses(place, "wlan0") == []
    member.close()


def test_who_asks_for_a_router_is_told(place: Place) -> None:
    """Without DHCP: the kernel asks when its interface comes up."""
    place.namespace.ip("link set wlan0 up")
    assert eventually(lambda: addresses(place, "wlan0"))
    found = addresses(place, "wlan0")
    assert [ipaddress.IPv6Address(address) in NETWORK for address in found] == [True]


def addresses(place: Place, interface: str) -> list[str]:
    """Return the device's global IPv6 addresses."""
    argv = ["ip", "-oneline", "-6", "address", "show", "dev", interface, "scope", "global"]
    lines = place.namespace.run(argv).stdout.splitlines()
    return [line.split()[3].partition("/")[0] for line in lines]
