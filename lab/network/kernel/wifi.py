"""Rogue Wi-Fi in the kernel: two access points, and a namespace for each device within reach.

    attacker's access point        honest one
            ap0 192.168.43.1       ap0 192.168.1.1
             |        |              |        |
           port0    port1          port0    port1
             |        |              |        |
           wlan0    wlan0          wlan1    wlan1
           device 0  device 1      device 0  device 1

A device joins a network by DHCP on the interface that leads there (``lab.network.kernel.member``).
From then on every packet that it sends arrives at the access point, whatever the device knows or
does not know of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

from lab.loop import LabLoop
from lab.model.serving import Gateway
from lab.network.kernel.access_point import AccessPoint, Door
from lab.network.kernel.channel import Channel
from lab.network.kernel.dhcp import Lease
from lab.network.kernel.gateways import Gateways
from lab.network.kernel.member import Member
from lab.network.kernel.namespace import Namespace, Unavailable

ROGUE_NETWORK, HOME_NETWORK = "192.168.43.0/24", "192.168.1.0/24"
ROGUE_INTERFACE, HOME_INTERFACE = "wlan0", "wlan1"

_RESOLV, _HOSTS, _SWITCH = "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"


@dataclass(slots=True)
class Place:
    """Where a device lives: its namespace, and the doors that its packets come through."""

    namespace: Namespace
    rogue: Door
    home: Door
    files: Path
    """Folder of what programs see in place of the machine's own files."""
    gateways: Gateways
    """Those that it may come to take for its own on the rogue network."""

    def member(self) -> Member:
        """Return what joins networks for a device that does not do so itself."""
        return Member(Channel(self.namespace.share()))

    def tell_programs(self, lease: Lease) -> None:
        """Let programs in the namespace ask the resolver that was handed out."""
        search = f"search {lease.domain}\n" if lease.domain else ""
        # Written to, not replaced: it is mounted.
        (self.files / "resolv.conf").write_text(
            f"{search}nameserver {lease.resolver}\noptions timeout:2 attempts:1\n"
        )


class KernelWifi:
    """The air of a run. Use as a context manager. Raises Unavailable.

    ``folder`` is for files, and made.
    """

    def __init__(self, loop: LabLoop, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.rogue = stack.enter_context(AccessPoint("rogue", ROGUE_NETWORK, 0, loop))
            within = self.rogue.namespace
            self.home = stack.enter_context(
                AccessPoint("home", HOME_NETWORK, 1, loop, within=within)
            )
            self._gateways = _put_up(self.rogue, self.home)
            stack.callback(self._gateways.close)
            self._stack = stack.pop_all()

    @contextlib.contextmanager
    def admitted(self, device_id: str) -> Iterator[Place]:
        """Make a namespace for a device within reach of both networks, and take it away again.
        Raises OSError, Unavailable."""
        number = next(self._numbers)
        files = self._folder / f"{number}"
        with Namespace(device_id, within=self.rogue.namespace, cover=_covered(files)) as namespace:
            namespace.ip("link set lo up")
            rogue = self.rogue.admit(namespace, ROGUE_INTERFACE, number)
            home = self.home.admit(namespace, HOME_INTERFACE, number)
            self._gateways.admit(rogue, home)
            yield Place(namespace, rogue, home, files, self._gateways)
            self._gateways.lead(rogue, Gateway.OWNER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _put_up(rogue: AccessPoint, home: AccessPoint) -> Gateways:
    try:
        return Gateways(rogue, home)
    except OSError as error:
        raise Unavailable(f"this system's networks cannot have two gateways: {error}") from None


def _covered(files: Path) -> dict[str, Path]:
    """Write what programs in a device's namespace see, which knows nothing of this machine."""
    texts = {
        _RESOLV: "",
        _HOSTS: "127.0.0.1 localhost\n",
        # The machine's own resolver service would answer past the namespace.
        _SWITCH: "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    covered = {file: files / Path(file).name for file in texts}
    for file, text in texts.items():
        covered[file].write_text(text)
    return covered
