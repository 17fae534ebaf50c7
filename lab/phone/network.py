"""The phone's network: its settings, and connections that are opened as they say.

A phone in the lab needs no root: the network that it joined is a resolver (plain DNS over UDP)
and a gateway that takes the dialled address as a SOCKS5 request (``lab.model.device.Network``).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from lab.model.device import Endpoint
from lab.phone.dial import Dial
from lab.phone.means import Means, NetworkSettings
from lab.phone.routing import Firewall, Loopback, NoFirewall
from lab.phone.services import Cancellation, Cancelled, ClearConnection, ConnectionLost

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


class NetworkStack:
    """Opens connections as the settings say. Settings may be replaced at any time; a connection
    that is being opened keeps to those it began with.

    ``firewall`` decides about every connection, the proxy's and the resolver's, too; ``loopback``
    is asked for what listens on the phone's own ports before the machine's are tried; ``anchors``
    returns the trust anchors (DER) of private DNS.
    """

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        self.firewall: Firewall = NoFirewall()
        self.loopback: Loopback | None = None
        self.anchors: Callable[[], tuple[bytes, ...]] = tuple
        self._network = Cancellation()

    def connect(
        self,
        host: str,
        port: int,
        timeout: float,
        cancellation: Cancellation | None = None,
        *,
        uid: int = 0,
    ) -> socket.socket:
        """Open a connection to ``host`` for the user ``uid``: through a CONNECT tunnel where a
        proxy is set, else through the gateway. Raises PlatformError."""
        network, dial = self._begin(port, timeout, cancellation, uid)
        proxied = dial.means.settings.http_proxy is not None
        return _on(network, dial.tunnel(host) if proxied else dial.direct(host))

    def connect_clear(
        self,
        host: str,
        port: int,
        timeout: float,
        cancellation: Cancellation | None = None,
        *,
        uid: int = 0,
    ) -> ClearConnection:
        """Open a connection for a plain HTTP request to ``host``. Raises PlatformError."""
        network, dial = self._begin(port, timeout, cancellation, uid)
        proxied = dial.means.settings.http_proxy is not None
        connection = dial.proxy() if proxied else dial.direct(host)
        return ClearConnection(_on(network, connection), absolute_form=proxied)

    def changed(self) -> None:
        """The phone is in another network: what was opened in the one before is at an end, as
        Android has it (netd destroys the sockets of a network that is gone)."""
        before, self._network = self._network, Cancellation()
        before.fire()

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None, *, uid: int = 0
    ) -> tuple[str, ...]:
        """Return the addresses that a connection to ``host`` would be made to; none where a proxy
        looks names up. Raises PlatformError."""
        dial = self._dial(0, timeout, cancellation, uid)
        return () if dial.means.settings.http_proxy is not None else dial.look_up(host)

    def _begin(
        self, port: int, timeout: float, cancellation: Cancellation | None, uid: int
    ) -> tuple[Cancellation, Dial]:
        # In this order: a connection by the settings of a network that is gone ends with it.
        return self._network, self._dial(port, timeout, cancellation, uid)

    def _dial(self, port: int, timeout: float, cancellation: Cancellation | None, uid: int) -> Dial:
        means = Means(self.settings, self.firewall, self.loopback, self.anchors, uid)
        return Dial(means, port, timeout, cancellation or Cancellation())


def _on(network: Cancellation, sock: socket.socket) -> socket.socket:
    """Let a connection end with the network that it was opened in."""
    try:
        network.watch(sock)
    except Cancelled:
        sock.close()
        raise ConnectionLost("Software caused connection abort") from None
    return sock
