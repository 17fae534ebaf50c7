"""Putting the access point up, and taking it down: also the one that a killed process left."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lab.network.hardware import standing as notes
from lab.network.hardware.interface import Refused
from lab.network.hardware.machine import Machine, Running
from lab.network.hardware.plan import AccessPlan
from lab.network.hardware.standing import DNSMASQ, FOLDER, HOSTAPD, LEASES, NotStanding, Standing
from lab.network.hardware.strangers import Strangers
from lab.network.hardware.texts import dnsmasq_conf, hostapd_conf, nft_removal, nft_rules
from lab.pki.credential import write_private

READY_CAP = 30.0
"""Seconds until a radio is on the air: it may look around first."""
MOST_SAID = 12
"""Last lines of a program that are told where it fails."""

_ON_AIR = re.compile(r"AP-ENABLED")
_SERVING = re.compile(r"started, version")
_CAME = re.compile(r"AP-STA-CONNECTED ([0-9a-f:]{17})")
_WENT = re.compile(r"AP-STA-DISCONNECTED ([0-9a-f:]{17})")

Tell = Callable[[str], None]


class HardwareAccessPoint:
    """An access point on a radio of this machine. Use as a context manager.

    What is to be undone is on disk before it is done. ``tell`` hears of phones that come and go,
    in another thread. Raises Refused, OSError.
    """

    def __init__(
        self,
        machine: Machine,
        plan: AccessPlan,
        tell: Tell,
        *,
        folder: Path = FOLDER,
    ) -> None:
        self.plan = plan
        self.strangers = Strangers(plan.domain)
        """What is not the lab's, by name."""
        self._machine = machine
        self._tell = tell
        self._folder = folder
        self._programs: list[Running] = []
        self.broken = threading.Event()
        """Set when one of its programs has ended."""
        self._note()
        try:
            self._put_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take it down. May be repeated. Raises Refused where something is left."""
        self.strangers.close()
        programs, self._programs = self._programs, []
        for program in programs:
            program.end()
        take_down(self._machine, folder=self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self) -> None:
        try:
            there = _noted(self._folder)
        except NotStanding as error:
            raise Refused(str(error)) from None
        if there is not None:
            raise Refused(
                f"the lab has an access point on {there.interface} already, or was killed with "
                "one: trustpin-lab wifi down"
            )
        passing = [name for name in (self.plan.interface, self.plan.upstream) if name is not None]
        before = {name: _forwarding(self._machine, name) for name in passing}
        notes.note(Standing.of(self.plan, before), self._folder)

    def _put_up(self) -> None:
        plan, machine = self.plan, self._machine
        _do(machine, ["nft", "-f", "-"], nft_rules(plan))
        prefix = plan.hosts.prefixlen
        _do(machine, ["ip", "address", "add", f"{plan.router}/{prefix}", "dev", plan.interface])
        if plan.upstream is not None:
            for name in (plan.interface, plan.upstream):
                _forward(machine, name, "1")
        conf, service = self._folder / HOSTAPD, self._folder / DNSMASQ
        write_private(conf, hostapd_conf(plan).encode())
        self._start(["hostapd", str(conf)], _ON_AIR)
        # hostapd brings the interface up; what is served on it comes after.
        _do(machine, ["ip", "link", "set", plan.interface, "up"])
        write_private(service, dnsmasq_conf(plan, self._folder / LEASES).encode())
        self._start(["dnsmasq", "--keep-in-foreground", f"--conf-file={service}"], _SERVING)
        self.strangers.watch(machine.socket, plan.interface)

    def _start(self, argv: list[str], ready: re.Pattern[str]) -> None:
        heard = threading.Event()
        said = list[str]()

        def hear(line: str | None) -> None:
            if line is None:
                self.broken.set()
                heard.set()
                return
            if not heard.is_set():
                said.append(line)
                del said[:-MOST_SAID]
            if ready.search(line):
                heard.set()
            self._hear(line)

        program = self._machine.start(argv, hear)
        self._programs.append(program)
        in_time = heard.wait(READY_CAP)
        if not in_time or self.broken.is_set():
            why = "; ".join(said) or "it said nothing"
            raise Refused(f"{argv[0]} does not start: {why}")

    def _hear(self, line: str) -> None:
        if match := _CAME.search(line):
            self._tell(f"{match[1]} has joined")
        elif match := _WENT.search(line):
            self._tell(f"{match[1]} has left")
        else:
            self.strangers.hear(line)


def take_down(machine: Machine, *, folder: Path = FOLDER) -> Standing | None:
    """Take down what is noted in ``folder``, and return it; None where nothing is. May be
    repeated. Raises NotStanding where the note cannot be believed, Refused where something is
    left.

    Only what is the lab's own is touched: programs that were started with its configuration, its
    table of the packet filter, its address.
    """
    there = _noted(folder)
    if there is None:
        return None
    for program, file in (("hostapd", HOSTAPD), ("dnsmasq", DNSMASQ)):
        for pid in machine.using(program, folder / file):
            machine.kill(pid)
    _do(machine, ["nft", "-f", "-"], nft_removal())
    # An interface that was pulled out has taken its address and its switch with it.
    if machine.run(["ip", "link", "show", "dev", there.interface]).code == 0:
        shown = machine.run(["ip", "-4", "address", "show", "dev", there.interface]).said
        if f"inet {there.address} " in shown:
            _do(machine, ["ip", "address", "delete", there.address, "dev", there.interface])
            _do(machine, ["ip", "link", "set", there.interface, "down"])
    for name, before in there.forwarding.items():
        if machine.run(["ip", "link", "show", "dev", name]).code == 0:
            _forward(machine, name, before)
    notes.forget(folder)
    return there


def _noted(folder: Path) -> Standing | None:
    """Return what is noted, None where nothing is. Raises NotStanding where it cannot be
    believed."""
    return notes.noted(folder) if (folder / notes.FILE).exists() else None


def _forwarding(machine: Machine, interface: str) -> str:
    done = machine.run(["cat", _switch(interface)])
    value = done.said.strip()
    if value not in ("0", "1"):
        raise Refused(f"it cannot be told whether {interface} passes packets on: {value[:100]}")
    return value


def _forward(machine: Machine, interface: str, value: str) -> None:
    if _forwarding(machine, interface) != value:
        _do(machine, ["tee", _switch(interface)], f"{value}\n")


def _switch(interface: str) -> str:
    return f"/proc/sys/net/ipv4/conf/{interface}/forwarding"


def _do(machine: Machine, argv: list[str], told: str = "") -> None:
    done = machine.run(argv, told)
    if done.code:
        raise Refused(f"{' '.join(argv)}: {done.said.strip()[:300]}")
