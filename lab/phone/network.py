"""The phone's network: its resolver, its gateway, its global HTTP proxy.

A phone in the lab needs no root: the network that it joined is a resolver (plain DNS over UDP)
and a gateway that takes the dialled address as a SOCKS5 request (``lab.model.device.Network``).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import h11
from socksio import ProtocolError as SocksError
from socksio import socks5

from lab.model.device import Endpoint, Network
from lab.phone.resolver import is_address, resolve
from lab.phone.services import (
    Cancellation,
    ClearConnection,
    ConnectError,
    ConnectionLost,
    ProxyError,
    SocketTimeout,
    UnknownHost,
)

RESOLVER_TIMEOUT = 2.0
"""Seconds to wait for the resolver."""
MAX_ADDRESSES = 4
"""Addresses of a host that are tried, each within the time limit."""
MAX_PROXY_HEAD = 16 * 1024
"""Bytes of an HTTP proxy's answer to CONNECT."""

_PROXY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+)):(?P<port>\d{1,5})\Z")


def parse_proxy(text: str | None) -> Endpoint | None:
    """Read Android's ``settings global http_proxy``: ``host:port``; ``:0`` or nothing is none.

    Raises ValueError for anything else.
    """
    if text is None or text.strip() in ("", ":0", "null"):
        return None
    match = _PROXY.match(text.strip())
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError(f"{text!r} is not host:port")
    return Endpoint(match["six"] or match["name"], int(match["port"]))


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What the phone's network settings say."""

    joined: Network | None = None
    http_proxy: Endpoint | None = None
    source: str | None = None
    """Address that the phone's own connections come from; ignored where the system refuses it."""


class NetworkStack:
    """Opens connections as the settings say. Settings may be replaced at any time; a connection
    that is being opened keeps to those it began with."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        """Open a connection to ``host``: through a CONNECT tunnel where a proxy is set, else
        through the gateway. Raises PlatformError."""
        dial = _Dial(self.settings, port, timeout, cancellation or Cancellation())
        if self.settings.http_proxy is None:
            return dial.direct(host)
        return dial.tunnel(host)

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        """Open a connection for a plain HTTP request to ``host``. Raises PlatformError."""
        dial = _Dial(self.settings, port, timeout, cancellation or Cancellation())
        if self.settings.http_proxy is None:
            return ClearConnection(dial.direct(host), absolute_form=False)
        return ClearConnection(dial.proxy(), absolute_form=True)


class _Dial:
    """One attempt to open a connection, under settings that do not change any more."""

    def __init__(
        self,
        settings: NetworkSettings,
        port: int,
        timeout: float,
        cancellation: Cancellation,
    ) -> None:
        self.settings = settings
        self.port = port
        self.timeout = timeout
        self.cancellation = cancellation

    def direct(self, host: str) -> socket.socket:
        joined = self.settings.joined
        if joined is None:
            if is_address(host):
                raise ConnectError(f"Failed to connect to /{host}:{self.port}")
            raise UnknownHost(host)
        addresses = (host,) if is_address(host) else self._resolve(host, joined.resolver)
        addresses = addresses[:MAX_ADDRESSES]
        for address in addresses[:-1]:
            with suppress(ConnectError, SocketTimeout):
                return self._through_gateway(host, address, joined.gateway)
        return self._through_gateway(host, addresses[-1], joined.gateway)

    def proxy(self) -> socket.socket:
        """Connect to the HTTP proxy itself.

        A loopback address is the phone's own (as ``adb reverse`` makes it): it needs no network.
        """
        proxy = self.settings.http_proxy
        assert proxy is not None
        there = f"Failed to connect to /{proxy}"
        if proxy.host == "localhost" or _is_loopback(proxy.host):
            return self._tcp(proxy, there, self._deadline())
        return _Dial(self.settings, proxy.port, self.timeout, self.cancellation).direct(proxy.host)

    def tunnel(self, host: str) -> socket.socket:
        deadline = self._deadline()
        sock = self.proxy()
        try:
            self._ask_for_tunnel(sock, host, deadline)
        except BaseException:
            sock.close()
            raise
        return sock

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout

    def _resolve(self, host: str, resolver: Endpoint) -> tuple[str, ...]:
        timeout = min(self.timeout, RESOLVER_TIMEOUT)
        return resolve(host, resolver, timeout, self.settings.source, self.cancellation)

    def _tcp(self, endpoint: Endpoint, failure: str, deadline: float) -> socket.socket:
        try:
            family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(failure) from error
        try:
            self.cancellation.watch(sock)
            bind_source(sock, self.settings.source)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_left(deadline))
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

    def _through_gateway(self, host: str, address: str, gateway: Endpoint) -> socket.socket:
        name = "" if host == address else host
        literal = f"[{address}]" if ":" in address else address
        failure = f"Failed to connect to {name}/{literal}:{self.port}"
        deadline = self._deadline()
        sock = self._tcp(gateway, failure, deadline)
        try:
            code = _ask_gateway(sock, address, self.port, deadline)
        except TimeoutError as error:
            sock.close()
            raise SocketTimeout(
                f"failed to connect to {name}/{literal} (port {self.port}) "
                f"after {self._milliseconds}ms"
            ) from error
        except (OSError, SocksError, EOFError) as error:
            sock.close()
            self.cancellation.check()
            raise ConnectError(failure) from error
        except BaseException:
            sock.close()
            raise
        if code is not socks5.SOCKS5ReplyCode.SUCCEEDED:
            sock.close()
            raise ConnectError(failure)
        return sock

    def _ask_for_tunnel(self, sock: socket.socket, host: str, deadline: float) -> None:
        authority = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_PROXY_HEAD)
        try:
            asked = client.send(
                h11.Request(
                    method="CONNECT",
                    target=authority,
                    headers=[("Host", authority), ("Proxy-Connection", "Keep-Alive")],
                )
            )
            end = client.send(h11.EndOfMessage())
            sock.settimeout(_left(deadline))
            sock.sendall((asked or b"") + (end or b""))
            while (event := client.next_event()) is h11.NEED_DATA:
                sock.settimeout(_left(deadline))
                client.receive_data(sock.recv(4096))
        except TimeoutError as error:
            raise SocketTimeout("Read timed out") from error
        except OSError as error:
            self.cancellation.check()
            raise ConnectionLost("Connection reset") from error
        except h11.RemoteProtocolError as error:
            self.cancellation.check()
            raise ConnectionLost("unexpected end of stream on the HTTP proxy") from error
        except (h11.LocalProtocolError, UnicodeError) as error:
            raise UnknownHost(host) from error
        if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
            status = getattr(event, "status_code", "none")
            raise ProxyError(f"Unexpected response code for CONNECT: {status}")
        if client.trailing_data[0]:
            # A server that talks first would have its words lost: not TLS, and not to be guessed.
            raise ProxyError("TLS tunnel buffered too many bytes!")


def bind_source(sock: socket.socket, source: str | None) -> None:
    """Let ``sock`` come from ``source`` where the system allows it."""
    if source is not None:
        with suppress(OSError):
            sock.bind((source, 0))


def _is_loopback(host: str) -> bool:
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ask_gateway(
    sock: socket.socket, address: str, port: int, deadline: float
) -> socks5.SOCKS5ReplyCode:
    """Ask for a connection (RFC 1928 sections 3, 4 and 6) and return the reply's code."""
    offered = socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED
    sock.sendall(socks5.SOCKS5AuthMethodsRequest([offered]).dumps())
    chosen = socks5.SOCKS5AuthReply.loads(_exactly(sock, 2, deadline))
    if chosen.method is not offered:
        raise SocksError("the gateway wants to know who is there")
    wanted = socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (address, port))
    sock.sendall(wanted.dumps())
    head = _exactly(sock, 4, deadline)
    sizes = {socks5.SOCKS5AType.IPV4_ADDRESS.value: 4, socks5.SOCKS5AType.IPV6_ADDRESS.value: 16}
    size = sizes.get(head[3:4])
    if size is None:
        raise SocksError("a reply without an address")
    return socks5.SOCKS5Reply.loads(head + _exactly(sock, size + 2, deadline)).reply_code


def _exactly(sock: socket.socket, count: int, deadline: float) -> bytes:
    received = b""
    while len(received) < count:
        sock.settimeout(_left(deadline))
        part = sock.recv(count - len(received))
        if not part:
            raise EOFError
        received += part
    return received
