"""One attempt to open a connection: by what way, and what can go wrong on it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from lab.model.device import Endpoint
from lab.phone import private_dns
from lab.phone.means import Means, NetworkSettings, Wire
from lab.phone.resolver import is_address, resolve
from lab.phone.routing import DNS_PORT, DNS_USER, ROUTER, Fate, Flow, Ruling, Transport
from lab.phone.services import Cancellation, ConnectError, SocketTimeout, UnknownHost
from lab.phone.tcp import Tcp, failed
from lab.phone.tunnel import ask_for_tunnel

RESOLVER_TIMEOUT = 2.0
"""Seconds to wait for the resolver."""
MAX_ADDRESSES = 4
"""Addresses of a host that are tried, each within the time limit."""

OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are the phone itself."""


class Dial:
    """Opens one connection. Raises PlatformError."""

    def __init__(self, means: Means, port: int, timeout: float, cancellation: Cancellation) -> None:
        self.means = means
        self.settings = means.settings
        self.port = port
        self.timeout = timeout
        self.cancellation = cancellation
        self._tcp = Tcp(timeout, cancellation, means.settings.source)

    def on_port(self, port: int, settings: NetworkSettings | None = None) -> Dial:
        """Return the same for another port, and with other settings where they are given."""
        means = replace(self.means, settings=settings or self.settings)
        return Dial(means, port, self.timeout, self.cancellation)

    def direct(self, host: str) -> socket.socket:
        """Connect to ``host`` itself, through the joined network."""
        if host in OWN_NAMES and (own := self._own_port(self.port)) is not None:
            return own
        addresses = self.look_up(host)
        wire = self._wire
        if wire is not None:
            return self._over(wire, host, addresses)
        joined = self.settings.joined
        if joined is None:
            raise ConnectError(f"Failed to connect to /{host}:{self.port}")
        return self._first_of(addresses, lambda a: self._routed(host, a, joined.gateway))

    @property
    def _wire(self) -> Wire | None:
        """The network of the kernel's that everything goes through, if one is."""
        return self.settings.tunnel or self.settings.air

    def _over(self, wire: Wire, host: str, addresses: tuple[str, ...]) -> socket.socket:
        """Connect to ``host`` in a network of the kernel's."""

        def connect(address: str) -> socket.socket:
            there, failure = Endpoint(address, self.port), failed(host, address, self.port)
            target = self._decided(address, failure) or there
            if _is_loopback(target.host):
                return self._on_loopback(target, failure)
            return self._tcp.connect(target, failure, wire)

        return self._first_of(addresses, connect)

    def _first_of(
        self, addresses: tuple[str, ...], connect: Callable[[str], socket.socket]
    ) -> socket.socket:
        """Return the first connection that comes about; how the last attempt failed, else."""
        *others, last = addresses[:MAX_ADDRESSES]
        for address in others:
            with suppress(ConnectError, SocketTimeout):
                return connect(address)
        return connect(last)

    def look_up(self, host: str) -> tuple[str, ...]:
        """Return the addresses of ``host``, as the network's resolver tells them."""
        if is_address(host):
            return (host,)
        wire, joined = self._wire, self.settings.joined
        if wire is not None:
            return self._resolve(host, wire.resolver, wire)
        if joined is None:
            raise UnknownHost(host)
        return self._resolve(host, joined.resolver)

    def proxy(self) -> socket.socket:
        """Connect to the HTTP proxy itself.

        A loopback address is the phone's own (as ``adb reverse`` makes it): it needs no network.
        """
        proxy = self.settings.http_proxy
        assert proxy is not None
        there = f"Failed to connect to /{proxy}"
        dial = self.on_port(proxy.port)
        if proxy.host != "localhost" and not _is_loopback(proxy.host):
            return dial.direct(proxy.host)
        address = "127.0.0.1" if proxy.host == "localhost" else proxy.host
        target = dial._decided(address, there) or Endpoint(address, proxy.port)
        return dial._on_loopback(target, there)

    def tunnel(self, host: str) -> socket.socket:
        """Connect to ``host`` through the HTTP proxy."""
        deadline = self._tcp.deadline()
        sock = self.proxy()
        try:
            ask_for_tunnel(sock, host, self.port, deadline, self.cancellation)
        except BaseException:
            sock.close()
            raise
        return sock

    def _resolve(self, host: str, resolver: Endpoint, wire: Wire | None = None) -> tuple[str, ...]:
        server = self.settings.private_dns
        if not server:
            return self._resolve_plainly(host, resolver, wire)

        plain = replace(self.settings, private_dns="")

        def reach(name: str, port: int) -> socket.socket:
            return self.on_port(port, plain).direct(name)

        anchors = self.means.anchors()
        return private_dns.look_up(host, server, anchors, reach, self.timeout, self.cancellation)

    def _resolve_plainly(self, host: str, resolver: Endpoint, wire: Wire | None) -> tuple[str, ...]:
        timeout = min(self.timeout, RESOLVER_TIMEOUT)
        # To the phone's rules, the resolver is where a resolver is.
        flow = Flow(Transport.UDP, ROUTER, DNS_PORT, DNS_USER)
        ruling = self.means.firewall.decide(flow)
        if ruling.fate is Fate.DROP:
            with suppress(SocketTimeout):
                self._tcp.in_vain("")
        if wire is not None and ruling == Ruling():
            return resolve(host, resolver, timeout, None, self.cancellation, wire.sockets.socket)
        target = ruling.target or resolver
        if ruling.fate is not Fate.PASS or not _is_loopback(target.host):
            # The lab's own resolvers are all that a phone in a lab can ask.
            raise UnknownHost(host)
        return resolve(host, target, timeout, self.settings.source, self.cancellation)

    def _routed(self, host: str, address: str, gateway: Endpoint) -> socket.socket:
        """Connect to an address, or to wherever the phone's own rules lead instead."""
        failure = failed(host, address, self.port)
        target = self._decided(address, failure)
        if target is None:
            return self._tcp.through_gateway(gateway, host, address, self.port)
        if _is_loopback(target.host):
            return self._on_loopback(target, failure)
        return self._tcp.through_gateway(gateway, host, target.host, target.port)

    def _decided(self, address: str, failure: str) -> Endpoint | None:
        """Return where the phone's rules lead; None where they leave it as it is."""
        flow = Flow(Transport.TCP, address, self.port, self.means.uid)
        ruling = self.means.firewall.decide(flow)
        if ruling.fate is Fate.REJECT:
            raise ConnectError(failure)
        if ruling.fate is Fate.DROP:
            self._tcp.in_vain(failure)
        return ruling.target

    def _on_loopback(self, target: Endpoint, failure: str) -> socket.socket:
        """Connect to one of the phone's own ports, else to one of the machine's."""
        if target.host in OWN_NAMES and (own := self._own_port(target.port)) is not None:
            return own
        return self._tcp.connect(target, failure)

    def _own_port(self, port: int) -> socket.socket | None:
        own = None if self.means.loopback is None else self.means.loopback(port)
        if own is not None:
            try:
                self.cancellation.watch(own)
            except BaseException:
                own.close()
                raise
        return own


def _is_loopback(host: str) -> bool:
    return is_address(host) and ipaddress.ip_address(host).is_loopback
