"""One engine for all attacks of a run: mitmproxy in-process, a set of listeners per device.

Arming another attack swaps one immutable value; connections that are under way keep the arming
under which they were opened, and those on which nothing is under way are closed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from lab.adversary import witness
from lab.adversary.addon import Adversary
from lab.adversary.around import Around
from lab.adversary.connections import Shared
from lab.adversary.listeners import LOOPBACK, NOTHING, Listeners
from lab.adversary.mitm import core_options
from lab.adversary.names import Names
from lab.adversary.recorder import Recorder
from lab.adversary.track import Passage
from lab.adversary.watch import turns
from lab.adversary.witness import CannotServe
from lab.loop import LabLoop
from lab.model.device import Endpoint, Surroundings
from lab.model.serving import Arming
from lab.model.wire import ConnectionRecord, Lookup
from lab.network.hardware.door import HardwareDoor
from lab.network.kernel.wifi import Place
from lab.network.wireguard import TunnelPlan

__all__ = ["CannotServe", "Engine"]


class Engine:
    """The adversaries of a run. Use as a context manager; methods may be called from any thread
    but the loop's own.

    ``upstream`` says where the genuine server of a host listens, ``hosts`` are the declared
    hosts; raises ValueError where they are too many.
    """

    def __init__(
        self,
        loop: LabLoop,
        upstream: Callable[[str], Endpoint | None],
        hosts: Sequence[str],
    ) -> None:
        self._loop = loop
        self._upstream = upstream
        self._names = Names(hosts)
        self._recorder = Recorder()
        self._devices: dict[str, Listeners] = {}
        self._numbers = itertools.count(1)
        self._shared: Shared | None = None

    # -- life -----------------------------------------------------------------------------

    def __enter__(self) -> Engine:
        passages: dict[str, Passage] = {}
        adversary = Adversary(self._recorder, passages, self._upstream, self._names)
        options = core_options()
        self._shared = Shared(adversary, options, self._recorder, passages, self._names)
        return self

    def __exit__(self, *_: object) -> None:
        for device_id in tuple(self._devices):
            self.detach(device_id)
        self._shared = None

    def attach(
        self,
        device_id: str,
        *,
        source: str | None = None,
        address: str = LOOPBACK,
        tunnel: TunnelPlan | None = None,
        place: Place | None = None,
        radio: HardwareDoor | None = None,
    ) -> Surroundings:
        """Give a device listeners of its own. ``source`` is the address that its connections
        come from, where it has its own; connections from elsewhere are kept as foreign.
        ``address`` is where they listen; ``tunnel`` is the device's WireGuard tunnel. ``place``
        is where it lives, where its networks are the kernel's; ``radio`` where its packets come
        from, where the rogue network is one with a radio.

        Raises OSError where no port is to be had, ValueError where the device has them already.
        """
        assert self._shared is not None, "the engine is not running"
        if device_id in self._devices:
            raise ValueError(f"device {device_id!r} is attached already")
        self._devices[device_id] = Listeners(
            device_id, source, self._shared, address, tunnel=tunnel, place=place, radio=radio
        )
        self.arm(device_id, NOTHING)
        try:
            return self._loop.run(self._devices[device_id].start())
        except BaseException:
            self.detach(device_id)
            raise

    def detach(self, device_id: str) -> None:
        """Close the device's listeners and every connection that came through them, within
        three seconds, and forget its records."""
        device = self._devices.pop(device_id, None)
        if device is not None:
            self._loop.run(device.close())
            self._recorder.forget(device_id)

    # -- attacks --------------------------------------------------------------------------

    def arm(self, device_id: str, arming: Arming) -> int:
        """Put ``arming`` in force for the device's next connections; return its number.

        Raises CannotServe, and leaves the arming in force that was, where no TLS server can be
        made of a chain and its key. Raises KeyError for a device that is not attached.
        """
        device = self._devices[device_id]
        witness.prepare(arming)
        number = next(self._numbers)
        self._recorder.begin(device_id, number)
        device.armed = (number, arming)
        if device.doors is not None:
            device.doors.close_for(arming)
        # After that, so that what the client opens instead comes under the new arming.
        self._loop.run(device.part())
        return number

    def armed(self, device_id: str) -> int:
        """Return the number of the arming that is in force."""
        return self._devices[device_id].armed[0]

    def settle(self, device_id: str, arming: int, cap: float = 2.0) -> tuple[ConnectionRecord, ...]:
        """Return the connections opened under ``arming``, once all have ended or ``cap``
        seconds have passed; one that is still open has no ``closed_at``.

        What the device had sent before this was called is in the records.
        """
        self._loop.run(turns())
        return self._recorder.settle(device_id, arming, cap)

    def wait_for(
        self,
        device_id: str,
        arming: int,
        wanted: Callable[[ConnectionRecord], bool],
        cap: float,
    ) -> bool:
        """Wait until a connection under ``arming`` is as ``wanted``, at most ``cap`` seconds."""
        return self._recorder.wait_for(device_id, arming, wanted, cap)

    def lookups(self, device_id: str, arming: int) -> tuple[Lookup, ...]:
        """Return what the rogue network's resolver was asked under ``arming``."""
        return self._recorder.lookups(device_id, arming)

    def crossed(self, device_id: str, arming: int) -> int | None:
        """Return how many packets of the device crossed the rogue network while ``arming`` was in
        force; None where that is no network of the kernel's."""
        doors = self._devices[device_id].doors
        return None if doors is None else doors.crossed(arming)

    def past(self, device_id: str, arming: int) -> int:
        """Return how many packets of the device went to an honest gateway while ``arming`` was in
        force, past the adversary."""
        doors = self._devices[device_id].doors
        return 0 if doors is None else doors.past(arming)

    def around(self, device_id: str, arming: int) -> dict[Around, int]:
        """Return how often the device tried ways around the rogue network while ``arming`` was in
        force, as far as anybody could see."""
        doors = self._devices[device_id].doors
        return {} if doors is None else doors.around(arming)

    def capture(self, device_id: str, since: int) -> bytes | None:
        """Return what was seen of the device's packets on the rogue network under arming ``since``
        and later ones, as a pcapng file with the TLS secrets of what the adversary spoke itself;
        None where that is no network of the kernel's."""
        doors = self._devices[device_id].doors
        return None if doors is None else self._loop.run(doors.capture(since))

    def counters(self) -> dict[str, int]:
        """Return how many connections of each kind there were, out of scope ones by name."""
        return self._recorder.counters()
