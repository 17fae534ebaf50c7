"""The adversary behind an access point with a radio, but for the radio."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.adversary.engine import Engine
from lab.adversary.names import ATTACKER_ADDRESS
from lab.model.device import Endpoint
from lab.model.serving import Arming, DnsLie, HostPlan, Interfere, Interference, Terminate
from lab.model.wire import WireClass
from lab.network.hardware.door import open_door
from lab.network.hardware.raising import HardwareAccessPoint
from lab.network.hardware.standing import noted
from lab.network.kernel.channel import Channel
from lab.network.kernel.member import Member
from lab.phone.resolver import resolve
from tests.adversary.peers import HOST
from tests.network.hardware.desk import Desk, a_desk
from tests.network.hardware.plans import a_plan
from tests.patience import CAP


def test_a_phone_on_it_is_attacked(
    engine: Engine,
    forgery: Terminate,
    fooled_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        a_desk(tmp_path, monkeypatch) as desk,
        HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder),
    ):
        member = Member(Channel(desk.phone.share()))
        lease = member.join("wlan0")
        radio = open_door(noted(desk.folder), desk.host.socket)
        assert engine.attach("pixel", radio=radio).rogue.ssid == "Free Wi-Fi"
        with pytest.raises(OSError, match="serves another phone: one at a time"):
            open_door(noted(desk.folder), desk.host.socket)

        number = _arm(engine, HostPlan(forgery, dns=DnsLie.ATTACKER_ADDRESS))
        assert _curl(desk, fooled_root) == 0
        (record,) = engine.settle("pixel", number)
        assert (record.host, record.wire_class) == (HOST, WireClass.INTERCEPTED)
        assert record.peer.rpartition(":")[0] == lease.address
        # The phone's own questions, which dnsmasq has passed on.
        told = {(each.name, each.answer) for each in engine.lookups("pixel", number)}
        assert told == {(HOST, ATTACKER_ADDRESS)}

        number = _arm(engine, HostPlan(Interfere(Interference.REFUSE)))
        # A reset, before or after curl has begun to speak.
        assert _curl(desk, fooled_root) in (7, 35)
        (record,) = engine.settle("pixel", number)
        assert (record.note, record.client_bytes) == ("refused by the network", 0)
        engine.detach("pixel")
        member.close()


def _arm(engine: Engine, plan: HostPlan) -> int:
    return engine.arm("pixel", Arming("test", ((HOST, plan),)))


def _curl(desk: Desk, trusted: Path) -> int:
    """Return curl's exit code."""
    # The phone's files are this machine's, whose resolver it must not ask.
    (address,) = resolve(HOST, Endpoint("9.9.9.9", 53), CAP, make=desk.phone.socket)
    argv = ["curl", "-q", "-s", "--max-time", str(CAP), "--cacert", str(trusted)]
    argv += ["--resolve", f"{HOST}:443:{address}"]
    return desk.phone.run([*argv, f"https://{HOST}/"]).returncode
