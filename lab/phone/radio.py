"""The phone's Wi-Fi interfaces, where it lives in a network namespace of its own."""

from __future__ import annotations

from typing import Protocol

from lab.model.device import Endpoint
from lab.network.kernel.member import Member
from lab.phone.means import Wire
from lab.phone.routing import DNS_PORT


class Radio(Protocol):
    """Joins one network at a time. May be used from any thread."""

    def join(self, interface: str) -> Wire:
        """Leave what is joined, and join the network that ``interface`` leads to. Raises
        OSError."""

    def leave(self) -> None:
        """Leave what is joined, if anything. Raises OSError."""


class KernelRadio:
    """Implements ``Radio``: gets what it needs to know by DHCP."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def join(self, interface: str) -> Wire:
        lease = self._member.join(interface)
        return Wire(self._member, Endpoint(lease.resolver, DNS_PORT))

    def leave(self) -> None:
        self._member.leave()
