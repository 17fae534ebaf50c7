"""Twenty stations on one access point at once, each under an attack of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.adversary.engine import Engine
from lab.model.serving import HostPlan, Interfere, Interference, Terminate
from lab.model.wire import WireClass
from lab.network.kernel.wifi import KernelWifi
from tests.adversary.inhabitants import joined
from tests.adversary.peers import HOST
from tests.patience import CAP

pytestmark = pytest.mark.whole

STATIONS = 20
REFUSE = HostPlan(Interfere(Interference.REFUSE))


def test_what_becomes_of_one_is_not_told_of_another(
    engine: Engine,
    wifi: KernelWifi,
    forgery: Terminate,
    root: Path,
    fooled_root: Path,
) -> None:
    kinds = (
        (HostPlan(forgery), fooled_root, 0, WireClass.INTERCEPTED),
        (HostPlan(forgery), root, 60, WireClass.HANDSHAKE_REJECTED),
        (REFUSE, fooled_root, 7, WireClass.TCP_ONLY),
    )
    with ExitStack() as stack:
        phones = [
            stack.enter_context(joined(engine, wifi, f"phone{number}"))
            for number in range(STATIONS)
        ]
        asked = [kinds[number % len(kinds)] for number in range(STATIONS)]
        numbers = [phone.arm(kind[0]) for phone, kind in zip(phones, asked, strict=True)]
        running = [
            stack.enter_context(phone.place.namespace.popen(request(kind[1])))
            for phone, kind in zip(phones, asked, strict=True)
        ]
        ended = [process.wait(CAP) for process in running]
        assert ended == [kind[2] for kind in asked]
        for phone, kind, number in zip(phones, asked, numbers, strict=True):
            seen = phone.seen(number)
            assert [c.wire_class for c in seen] == [kind[3]]
            assert {c.peer.rpartition(":")[0] for c in seen} == {phone.place.rogue.address}
            assert {lookup.device for lookup in engine.lookups(phone.id, number)} == {phone.id}


def request(trusted: Path) -> list[str]:
    argv = ["curl", "-q", "-s", "-o", "/dev/null", "--max-time", str(CAP)]
    return [*argv, "--cacert", str(trusted), f"https://{HOST}/"]
