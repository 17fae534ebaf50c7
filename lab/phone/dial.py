"""One attempt to open a connection: by what way, and what can go wrong on it."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol

from lab.model.device import Endpoint, Network
from lab.phone import private_dns, socks
from lab.phone.resolver import is_address, resolve
from lab.phone.routing import (
    DNS_PORT,
    DNS_USER,
    ROUTER,
    Fate,
    Firewall,
    Flow,
    Loopback,
    Ruling,
    Transport,
)
from lab.phone.services import Cancellation, ConnectError, SocketTimeout, UnknownHost
from lab.phone.socks import time_left
from lab.phone.tunnel import ask_for_tunnel

RESOLVER_TIMEOUT = 2.0
"""Seconds to wait for the resolver."""
MAX_ADDRESSES = 4
"""Addresses of a host that are tried, each within the time limit."""

OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are the phone itself."""


class SocketMaker(Protocol):
    """Makes sockets in some network of the kernel's (``lab.network.kernel.namespace``)."""

    def socket(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Return a socket that is in that network. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A network of the kernel's: what is opened there goes where it is routed, as it is."""

    sockets: SocketMaker
    resolver: Endpoint
    """The resolver, as it is reached from inside."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What the phone's network settings say."""

    joined: Network | None = None
    http_proxy: Endpoint | None = None
    source: str | None = None
    """Address that the phone's own connections come from; ignored where the system refuses it."""
    private_dns: str = ""
    """The one resolver that is to be asked, over TLS; empty where the network's own is."""
    tunnel: Wire | None = None
    """The VPN that is up: everything goes through it, lookups too."""
    air: Wire | None = None
    """The joined network, where the phone has an interface of its own there."""


@dataclass(frozen=True, slots=True)
class Means:
    """What connections are opened with; it does not change any more."""

    settings: NetworkSettings
    firewall: Firewall
    loopback: Loopback | None
    anchors: Callable[[], tuple[bytes, ...]]
    uid: int
    """Who asks for the connection."""


class Dial:
    """Opens one connection. Raises PlatformError."""

    def __init__(self, means: Means, port: int, timeout: float, cancellation: Cancellation) -> None:
        self.means = means
        self.settings = means.settings
        self.port = port
        self.timeout = timeout
        self.cancellation = cancellation

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
            there, failure = Endpoint(address, self.port), self._failure(host, address)
            target = self._decided(address, failure) or there
            if _is_loopback(target.host):
                return self._on_loopback(target, failure)
            return self._tcp(target, failure, self._deadline(), wire)

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
        deadline = self._deadline()
        sock = self.proxy()
        try:
            ask_for_tunnel(sock, host, self.port, deadline, self.cancellation)
        except BaseException:
            sock.close()
            raise
        return sock

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout

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
                self._in_vain("")
        if wire is not None and ruling == Ruling():
            return resolve(host, resolver, timeout, None, self.cancellation, wire.sockets.socket)
        target = ruling.target or resolver
        if ruling.fate is not Fate.PASS or not _is_loopback(target.host):
            # The lab's own resolvers are all that a phone in a lab can ask.
            raise UnknownHost(host)
        return resolve(host, target, timeout, self.settings.source, self.cancellation)

    def _routed(self, host: str, address: str, gateway: Endpoint) -> socket.socket:
        """Connect to an address, or to wherever the phone's own rules lead instead."""
        failure = self._failure(host, address)
        target = self._decided(address, failure)
        if target is None:
            return self._through_gateway(host, address, gateway)
        if _is_loopback(target.host):
            return self._on_loopback(target, failure)
        return self.on_port(target.port)._through_gateway(host, target.host, gateway)

    def _decided(self, address: str, failure: str) -> Endpoint | None:
        """Return where the phone's rules lead; None where they leave it as it is."""
        flow = Flow(Transport.TCP, address, self.port, self.means.uid)
        ruling = self.means.firewall.decide(flow)
        if ruling.fate is Fate.REJECT:
            raise ConnectError(failure)
        if ruling.fate is Fate.DROP:
            self._in_vain(failure)
        return ruling.target

    def _in_vain(self, failure: str) -> NoReturn:
        """Wait for an answer that never comes. Raises SocketTimeout, Cancelled."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.cancellation.watch(ours)
            ours.settimeout(self.timeout)
            with suppress(TimeoutError):
                ours.recv(1)
        self.cancellation.check()
        raise SocketTimeout(f"{failure} after {self._milliseconds}ms")

    def _on_loopback(self, target: Endpoint, failure: str) -> socket.socket:
        """Connect to one of the phone's own ports, else to one of the machine's."""
        if target.host in OWN_NAMES and (own := self._own_port(target.port)) is not None:
            return own
        return self._tcp(target, failure, self._deadline())

    def _own_port(self, port: int) -> socket.socket | None:
        own = None if self.means.loopback is None else self.means.loopback(port)
        if own is not None:
            try:
                self.cancellation.watch(own)
            except BaseException:
                own.close()
                raise
        return own

    def _tcp(
        self, endpoint: Endpoint, failure: str, deadline: float, wire: Wire | None = None
    ) -> socket.socket:
        make = socket.socket if wire is None else wire.sockets.socket
        try:
            family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
            sock = make(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(failure) from error
        try:
            self.cancellation.watch(sock)
            if wire is None:
                bind_source(sock, self.settings.source)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(time_left(deadline))
            sock.connect((endpoint.host, endpoint.port))
        except OSError as error:
            sock.close()
            self.cancellation.check()
            if isinstance(error, TimeoutError):
                raise SocketTimeout(f"{failure} after {self._milliseconds}ms") from error
            raise ConnectError(failure) from error
        except BaseException:
            sock.close()
            raise
        return sock

    @property
    def _milliseconds(self) -> int:
        return round(self.timeout * 1000)

    def _failure(self, host: str, address: str) -> str:
        return f"Failed to connect to {_shown(host, address)}:{self.port}"

    def _through_gateway(self, host: str, address: str, gateway: Endpoint) -> socket.socket:
        failure = self._failure(host, address)
        deadline = self._deadline()
        sock = self._tcp(gateway, failure, deadline)
        try:
            socks.ask(sock, address, self.port, deadline)
        except TimeoutError as error:
            sock.close()
            raise SocketTimeout(
                f"failed to connect to {_shown(host, address)} (port {self.port}) "
                f"after {self._milliseconds}ms"
            ) from error
        except (OSError, socks.Refused) as error:
            sock.close()
            self.cancellation.check()
            raise ConnectError(failure) from error
        except BaseException:
            sock.close()
            raise
        return sock


def bind_source(sock: socket.socket, source: str | None) -> None:
    """Let ``sock`` come from ``source`` where the system allows it."""
    if source is not None:
        with suppress(OSError):
            sock.bind((source, 0))


def _is_loopback(host: str) -> bool:
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def _shown(host: str, address: str) -> str:
    """Return host and address the way that Android does."""
    literal = f"[{address}]" if ":" in address else address
    return f"{'' if host == address else host}/{literal}"
