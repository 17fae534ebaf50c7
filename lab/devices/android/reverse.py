"""Ports of the phone's own loopback that adb leads to the lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.devices.android.link import AdbLink
from lab.devices.android.values import number
from lab.devices.item import Value


class ReverseItem:
    """Which ports lead out of the phone. Forwards end by themselves with their connection, and
    only what was added can be taken back: those of others are left as they are."""

    kind = "reverse"

    def __init__(self, link: AdbLink) -> None:
        self._link = link

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        return list(self._link.reversed_ports())

    def put_back(self, value: Value) -> None:
        before = _ports(value)
        for port in self._link.reversed_ports():
            if port not in before:
                self._link.remove_reverse(port)

    def same(self, before: Value, now: Value) -> bool:
        return _ports(now) <= _ports(before)


def _ports(value: Value) -> set[int]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError("the value is not a list of ports")
    return {int(number(port)) for port in value}
