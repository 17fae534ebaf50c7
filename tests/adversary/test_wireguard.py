"""The adversary at the other end of a WireGuard tunnel, with Debian's wireguard-go and curl."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dnslib import QTYPE, DNSRecord

from lab.adversary.engine import Engine
from lab.backend import Backend
from lab.model.device import Endpoint, Tunnel
from lab.model.serving import Arming, HostPlan, Interfere, Interference, Relay, Terminate
from lab.model.wire import ConnectionRecord, WireClass
from lab.network.kernel.wireguard import Profile, WireGuardClient
from lab.network.wireguard import CLIENT_ADDRESS, Keys, TunnelPlan, profile
from tests.adversary.peers import HOST
from tests.network.needed import or_skip
from tests.patience import CAP, eventually

DEVICE = "roamer"
QUIC = ("198.51.100.1", 443)


@pytest.fixture
def upstream(backend: Backend) -> Callable[[str], Endpoint | None]:
    backend.serve_host(HOST)
    return backend.addresses().get


@pytest.fixture
def tunnel(engine: Engine) -> Tunnel:
    plan = TunnelPlan(Keys.fresh(), Endpoint("127.0.0.1", 0))
    dug = engine.attach(DEVICE, tunnel=plan).tunnel
    assert dug is not None
    return dug


@pytest.fixture
def client(tunnel: Tunnel) -> Iterator[WireGuardClient]:
    with or_skip():
        client = WireGuardClient("wg0", Profile.parse(profile(tunnel)))
    with client:
        yield client


def ask(client: WireGuardClient, name: str) -> DNSRecord:
    with client.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(CAP)
        sock.sendto(DNSRecord.question(name).pack(), (client.resolver.host, client.resolver.port))
        return DNSRecord.parse(sock.recv(512))


def curl(client: WireGuardClient, root: Path, address: str) -> subprocess.CompletedProcess[str]:
    argv = ["curl", "-q", "--silent", "--max-time", str(CAP), "--cacert", str(root)]
    return client.namespace.run([*argv, "--resolve", f"{HOST}:443:{address}", f"https://{HOST}/"])


def settled(engine: Engine, number: int) -> ConnectionRecord:
    (record,) = engine.settle(DEVICE, number)
    return record


def test_a_client_that_knows_of_no_proxy_is_intercepted(
    engine: Engine, client: WireGuardClient, forgery: Terminate, fooled_root: Path
) -> None:
    number = engine.arm(DEVICE, Arming("attack", ((HOST, HostPlan(forgery)),)))
    answer = ask(client, HOST)
    assert [QTYPE[rr.rtype] for rr in answer.rr] == ["A"]
    done = curl(client, fooled_root, str(answer.rr[0].rdata))
    assert (done.returncode, "adversary" in done.stdout) == (0, True)
    record = settled(engine, number)
    assert record.wire_class is WireClass.INTERCEPTED
    assert (record.host, record.sni, record.foreign) == (HOST, HOST, False)
    assert record.served_chain == forgery.digests
    assert record.peer.startswith(CLIENT_ADDRESS)


def test_who_checks_refuses(
    engine: Engine, client: WireGuardClient, forgery: Terminate, root: Path
) -> None:
    number = engine.arm(DEVICE, Arming("attack", ((HOST, HostPlan(forgery)),)))
    address = str(ask(client, HOST).rr[0].rdata)
    assert curl(client, root, address).returncode == 60
    assert settled(engine, number).wire_class in (
        WireClass.HANDSHAKE_REJECTED,
        WireClass.ESTABLISHED_ZERO_APPDATA,
    )


def test_the_genuine_server_is_reached_unopened(
    engine: Engine, client: WireGuardClient, root: Path
) -> None:
    number = engine.arm(DEVICE, Arming("benign", ((HOST, HostPlan(Relay())),)))
    done = curl(client, root, str(ask(client, HOST).rr[0].rdata))
    assert (done.returncode, "origin" in done.stdout) == (0, True)
    assert settled(engine, number).wire_class is WireClass.RELAYED


@pytest.mark.parametrize(
    ("address", "plan"),
    [("192.0.2.7", Relay()), ("198.51.100.1", Interfere(Interference.REFUSE))],
    ids=["out of scope", "refused"],
)
def test_what_is_not_let_through_ends_at_once(
    engine: Engine, client: WireGuardClient, root: Path, address: str, plan: Relay | Interfere
) -> None:
    number = engine.arm(DEVICE, Arming("attack", ((HOST, HostPlan(plan)),)))
    # It would be 28 where curl had to wait.
    assert curl(client, root, address).returncode == 35
    assert settled(engine, number).wire_class is WireClass.TCP_ONLY


def test_quic_is_counted_and_not_answered(engine: Engine, client: WireGuardClient) -> None:
    with client.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(CAP)
        sock.sendto(b"\xc0" + bytes(1199), QUIC)
        # Answered after it, on the same tunnel.
        ask(client, HOST)
        assert eventually(lambda: engine.counters().get("UDP 443 through the tunnel") == 1)


def test_nobody_else_gets_in(engine: Engine, tunnel: Tunnel, complaints: list[str]) -> None:
    stranger = Keys.fresh()
    wrong = Tunnel(
        tunnel.endpoint, tunnel.server_key, stranger.client, tunnel.address, tunnel.resolver
    )
    with or_skip():
        client = WireGuardClient("wg0", Profile.parse(profile(wrong)))
    with client, client.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.connect(("198.51.100.1", 443))
        assert eventually(lambda: complaints)
    assert "opened" not in engine.counters()
    assert all("unknown peer" in complaint for complaint in complaints)
    complaints.clear()
