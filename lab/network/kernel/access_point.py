"""An access point in a namespace: a bridge that devices are linked to, DHCP, a packet filter."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from lab.loop import LabLoop
from lab.network.kernel import rules
from lab.network.kernel.advertising import LINK_LOCAL, Advertiser
from lab.network.kernel.dhcp import Lease
from lab.network.kernel.dhcp_server import DhcpServer
from lab.network.kernel.namespace import Namespace, Unavailable, find_programs, link
from lab.network.kernel.rules import Closed, Way
from lab.network.kernel.tap import Tap

NFT = {"nft": "nftables"}
BRIDGE = "ap0"
ROUTER = bytes.fromhex("025450ff0001")
"""An access point's own hardware address on its network."""
BACKLOG = 512
LEASE = 3600
"""Seconds that an address is handed out for: longer than a run."""
DOMAIN = "lan"
"""The search domain that is handed out."""
FIRST_ADDRESS = 10
MOST_STATIONS = 240

_COUNTER = re.compile(r"counter (\w+) \{\s*packets (\d+) bytes (\d+)")


@dataclass(slots=True)
class Door:
    """Where an access point takes the packets of one device to.

    ``filter`` changes the access point's packet filter, and raises OSError.
    ``listener`` and ``resolver`` are sockets of this process in the access point's namespace; who
    serves on them closes them.
    """

    listener: socket.socket
    """TCP, listening; a connection's original destination is to be had from the kernel."""
    listener6: socket.socket
    """The same for IPv6, on the same port."""
    resolver: socket.socket
    """UDP."""
    interface: str
    """Of the device, at which it finds this network."""
    address: str
    """That the device gets."""
    station: str
    """The device's hardware address."""
    hardware_address: bytes
    """The same, as it is in a frame."""
    port: str
    """The access point's interface to this device alone."""
    filter: Callable[[str], None]
    namespace: Namespace
    """The access point's."""
    _closed: Closed = field(default_factory=Closed)

    @property
    def listeners(self) -> tuple[socket.socket, ...]:
        return (self.listener, self.listener6)

    @property
    def way(self) -> Way:
        """What the packet filter needs to know of it."""
        return self.way_of(self.station)

    def way_of(self, station: str) -> Way:
        """The same, for the device as it is known on another network."""
        door, resolver = (s.getsockname()[1] for s in (self.listener, self.resolver))
        return Way(station, door, resolver)

    def tap(self, loop: asyncio.AbstractEventLoop, seen: Callable[[bytes], None]) -> Tap:
        """Return a tap on the cable to the device: ``seen`` gets every frame, on the loop. Raises
        OSError."""
        return Tap(self.namespace, self.port, loop, seen)

    def close(self, closed: Closed) -> None:
        """Let the device find nothing open at these addresses, and everything at others. Raises
        OSError."""
        self.filter(rules.closing(self.station, self._closed, closed))
        self._closed = closed


class AccessPoint:
    """A network that its owner has all of. Use as a context manager.

    ``number`` (0 to 255) is in the hardware addresses of those on it. ``network`` is a /24. Raises
    Unavailable.
    """

    def __init__(
        self,
        name: str,
        network: str,
        number: int,
        loop: LabLoop,
        *,
        within: Namespace | None = None,
    ) -> None:
        self._addresses = ipaddress.IPv4Network(network)
        self._number = number
        self._loop = loop
        self._leases: dict[bytes, Lease] = {}
        network6 = f"2001:db8:{number:x}::"
        self._advertiser = Advertiser(f"{network6}/64")
        # So that who has an address of the one kind has one of the other.
        self._dhcp = DhcpServer(self._leases.get, self._advertiser.announce)
        self.router = str(self._addresses[1])
        """Its own address: router, resolver and DHCP server."""
        self.namespace = Namespace(name, within=within)
        try:
            lay_out(self.namespace, f"{self.router}/{self._addresses.prefixlen}", f"{network6}1/64")
            loop.run(self._start())
        except BaseException:
            self.namespace.close()
            raise

    def filter(self, text: str) -> None:
        """Change the packet filter. Raises OSError with its complaint."""
        change_filter(self.namespace, text)

    def admit(self, device: Namespace, interface: str, place: int) -> Door:
        """Link a device to this access point, by an interface that it finds down, and hand out
        the address number ``place`` (from 0) to it. Raises OSError."""
        if not 0 <= place < MOST_STATIONS:
            raise OSError(f"an access point has room for {MOST_STATIONS} devices")
        port = f"port{place}"
        station = f"02:54:50:00:{self._number:02x}:{place:02x}"
        address = str(self._addresses[FIRST_ADDRESS + place])
        link(self.namespace, port, device, interface)
        self.namespace.ip(f"link set {port} master {BRIDGE} up")
        device.ip(f"link set {interface} address {station}")
        # At once, instead of asking for a second whether somebody else has the same.
        switch(device, interface, "accept_dad", "0")
        hardware_address = bytes.fromhex(station.replace(":", ""))
        self._leases[hardware_address] = self._lease(address)
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(self._bound(socket.AF_INET, socket.SOCK_STREAM))
            number = listener.getsockname()[1]
            listener6 = self._bound(socket.AF_INET6, socket.SOCK_STREAM, number)
            stack.enter_context(listener6)
            for each in (listener, listener6):
                each.listen(BACKLOG)
            resolver = stack.enter_context(self._bound(socket.AF_INET, socket.SOCK_DGRAM))
            door = Door(
                *(listener, listener6, resolver, interface, address),
                *(station, hardware_address, port, self.filter, self.namespace),
            )
            self.filter(rules.admitted(door.way))
            stack.pop_all()
        return door

    def counters(self) -> dict[str, int]:
        """Return how many packets were refused, by what they were. Raises OSError."""
        told = self.namespace.run([_nft(), "list", "counters"]).stdout
        return {name: int(packets) for name, packets, _ in _COUNTER.findall(told)}

    def close(self) -> None:
        """Take the network down. May be repeated."""
        self._dhcp.stop()
        self._loop.run(self._stop())
        self.namespace.close()

    async def _start(self) -> None:
        await self._dhcp.start(self.namespace, BRIDGE)
        await self._advertiser.start(self.namespace, BRIDGE)

    async def _stop(self) -> None:
        self._advertiser.stop()

    def _bound(
        self, family: socket.AddressFamily, kind: socket.SocketKind, port: int = 0
    ) -> socket.socket:
        sock = self.namespace.socket(family, kind)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("", port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _lease(self, address: str) -> Lease:
        router = self.router
        return Lease(address, self._addresses.prefixlen, router, router, DOMAIN, router, LEASE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lay_out(namespace: Namespace, address: str, address6: str = "") -> None:
    """Make an access point of a namespace, with an address of each kind and its prefix. Raises
    Unavailable."""
    own = [f"address add {address} dev {BRIDGE}"]
    if address6:
        # Nobody else has them: there is nothing to wait for (nodad).
        own += [f"address add {each} dev {BRIDGE} nodad" for each in (f"{LINK_LOCAL}/64", address6)]
    try:
        namespace.ip(
            "link set lo up",
            f"link add {BRIDGE} type bridge",
            # A bridge's own changes with those that are linked to it.
            f"link set {BRIDGE} address {ROUTER.hex(':')} addrgenmode none",
        )
        # Or it says that it is no router, and is used no more (RFC 4861 section 7.2.5).
        switch(namespace, BRIDGE, "forwarding", "1")
        namespace.ip(f"link set {BRIDGE} up", *own)
        change_filter(namespace, rules.RULES)
    except OSError as error:
        raise Unavailable(f"this system cannot be an access point: {error}") from None


def change_filter(namespace: Namespace, text: str) -> None:
    """Change the packet filter of a namespace. Raises OSError with its complaint."""
    if text:
        done = namespace.run([_nft(), "-f", "-"], input=text)
        if done.returncode:
            raise OSError(f"nft: {done.stderr.strip()[:300]}")


def switch(namespace: Namespace, interface: str, name: str, value: str) -> None:
    """Set one of the kernel's switches for IPv6 on an interface. Raises OSError."""
    done = namespace.run(["tee", f"/proc/sys/net/ipv6/conf/{interface}/{name}"], input=value)
    if done.returncode:
        raise OSError(f"{interface} cannot have IPv6: {done.stderr.strip()[:200]}")


def _nft() -> str:
    return find_programs(NFT)["nft"]
