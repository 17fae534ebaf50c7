"""Devices on networks of the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.adversary.engine import Engine
from lab.model.serving import Arming, HostPlan, Relay
from lab.model.wire import ConnectionRecord
from lab.network.kernel.wifi import KernelWifi, Place
from tests.adversary.peers import HOST, WEBSITE
from tests.patience import CAP


@dataclass
class Inhabitant:
    """A device in a namespace, with what is armed for it."""

    id: str
    engine: Engine
    place: Place

    def arm(self, plan: HostPlan) -> int:
        hosts = ((HOST, plan), (WEBSITE, HostPlan(Relay())))
        return self.engine.arm(self.id, Arming("test", hosts))

    def curl(self, url: str, *options: str) -> int:
        """Return curl's exit code."""
        argv = ["curl", "-q", "-s", "-o", "/dev/null", "--max-time", str(CAP), *options, url]
        return self.place.namespace.run(argv).returncode

    def seen(self, number: int) -> list[ConnectionRecord]:
        return list(self.engine.settle(self.id, number))


@contextmanager
def joined(engine: Engine, wifi: KernelWifi, name: str) -> Iterator[Inhabitant]:
    """Let a device join the rogue Wi-Fi."""
    with wifi.admitted(name) as place:
        around = engine.attach(name, place=place)
        assert around.rogue.interface == "wlan0"
        member = place.member()
        place.tell_programs(member.join(around.rogue.interface))
        yield Inhabitant(name, engine, place)
        member.close()
        engine.detach(name)
