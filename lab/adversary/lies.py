"""What the resolvers of a device's networks answer: the truth, or what the attack asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.adversary.names import ATTACKER_ADDRESS, ATTACKER_ADDRESS_6, Names, normal
from lab.adversary.recorder import Recorder
from lab.model.serving import Arming, DnsLie
from lab.model.wire import Lookup


@dataclass(frozen=True, slots=True)
class Lies:
    """Answers for one device, as what is armed for it says."""

    device: str
    names: Names
    recorder: Recorder
    armed: Callable[[], tuple[int, Arming]]

    def truth(self, name: str, kind: str) -> tuple[str, ...]:
        """Return what the honest network's resolver answers."""
        address = self.names.address_of(normal(name))
        return () if address is None else (address,)

    def answer(self, name: str, kind: str) -> tuple[str, ...] | None:
        """Return what the rogue network's answers, and keep a record of it."""
        number, arming = self.armed()
        host = normal(name)
        plan = arming.plan_for(host)
        answer: tuple[str, ...] | None
        match plan.dns if plan is not None else DnsLie.HONEST:
            case DnsLie.HONEST:
                answer = self.truth(name, kind)
            case DnsLie.ATTACKER_ADDRESS:
                answer = (ATTACKER_ADDRESS,)
            case DnsLie.ATTACKER_ADDRESS_6:
                answer = (ATTACKER_ADDRESS_6,)
            case DnsLie.NXDOMAIN:
                answer = ()
            case DnsLie.SILENCE:
                answer = None
        told = "TIMEOUT" if answer is None else ", ".join(answer) or "NXDOMAIN"
        lookup = Lookup(self.device, number, host, kind, told, time.time())
        self.recorder.lookup(lookup, in_scope=plan is not None)
        return answer

    def delay(self, name: str) -> float:
        """Return for how many seconds the rogue network's holds its answer back."""
        plan = self.armed()[1].plan_for(normal(name))
        return 0.0 if plan is None else plan.dns_delay
