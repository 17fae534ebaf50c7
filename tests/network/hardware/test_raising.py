"""An access point that is really up, but for its radio: real dnsmasq, real packet filter."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import pytest
from dnslib import DNSRecord

from lab.adversary.kernel import original_destination
from lab.model.device import Endpoint
from lab.network.dns import respond
from lab.network.hardware.interface import Refused
from lab.network.hardware.plan import DOOR_PORT, RESOLVER_PORT
from lab.network.hardware.raising import HardwareAccessPoint, take_down
from lab.network.hardware.standing import FILE, NotStanding, note, noted
from lab.network.kernel.channel import Channel
from lab.network.kernel.member import Member
from tests.network.hardware.desk import INTERNET, UPSTREAM, Desk
from tests.network.hardware.plans import a_plan
from tests.patience import CAP, eventually

ROUTER = "192.168.77.1"
QUIET = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
LAB_HOST, NAME = "198.51.100.7", "api.acme.test"


def test_a_phone_finds_a_network_that_the_lab_owns(desk: Desk) -> None:
    before, told = desk.state(), list[str]()
    plan = a_plan(upstream="eth7")
    with HardwareAccessPoint(desk.machine, plan, told.append, folder=desk.folder) as point:
        member = Member(Channel(desk.phone.share()))
        lease = member.join("wlan0")
        assert (lease.router, lease.resolver, lease.domain) == (ROUTER, ROUTER, "lan")
        assert lease.address.startswith("192.168.77.")
        _connections_to_the_lab_are_taken(desk)
        _questions_are_the_runs(desk)
        _the_rest_passes(desk)
        _what_goes_around_is_refused(desk)
        _names_are_counted(desk, point)
        _the_machine_is_out_of_reach(desk)
        member.close()
        assert told == ["02:00:00:00:00:07 has joined"]
        assert noted(desk.folder).ssid == "Free Wi-Fi"
    desk.phone.ip("address flush dev wlan0")
    assert desk.state() == before
    assert [*desk.folder.iterdir()] == []


def _connections_to_the_lab_are_taken(desk: Desk) -> None:
    with desk.listen(desk.host, ROUTER, DOOR_PORT) as door, desk.dial(LAB_HOST, 443):
        taken, _ = door.accept()
        with taken:
            assert original_destination(taken) == Endpoint(LAB_HOST, 443)


def _questions_are_the_runs(desk: Desk) -> None:
    """The phone asks a resolver of its own choice."""
    served = desk.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    served.bind((ROUTER, RESOLVER_PORT))
    served.settimeout(CAP)

    def serve() -> None:
        question, asker = served.recvfrom(4096)
        reply = respond(question, lambda name, kind: (LAB_HOST,) if name == NAME else ())
        assert reply is not None
        served.sendto(reply, asker)

    thread = threading.Thread(target=serve)
    thread.start()
    with desk.phone.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(CAP)
        asking.connect(("9.9.9.9", 53))
        asking.send(DNSRecord.question(NAME).pack())
        answer = DNSRecord.parse(asking.recv(4096))
    thread.join()
    served.close()
    assert [str(record.rdata) for record in answer.rr] == [LAB_HOST]


def _the_rest_passes(desk: Desk) -> None:
    with desk.listen(desk.internet, INTERNET, 443) as server, desk.dial(INTERNET, 443):
        passed, peer = server.accept()
        passed.close()
        assert peer[0] == UPSTREAM


def _what_goes_around_is_refused(desk: Desk) -> None:
    with desk.listen(desk.internet, INTERNET, 853), pytest.raises(ConnectionRefusedError):
        desk.dial(INTERNET, 853)
    with desk.phone.socket(socket.AF_INET, socket.SOCK_DGRAM) as quic:
        quic.settimeout(CAP)
        quic.connect((INTERNET, 443))
        quic.send(b"Initial")
        with pytest.raises(ConnectionRefusedError):
            quic.recv(1)
    counted = desk.machine.run(["nft", "list", "counters"]).said
    assert counted.count("packets 1 ") == 2, counted


def _names_are_counted(desk: Desk, point: HardwareAccessPoint) -> None:
    with desk.phone.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("9.9.9.9", 53))
        for name in ("bank.example", NAME):
            asking.send(DNSRecord.question(name).pack())
    with desk.listen(desk.internet, INTERNET, 8443) as server:
        for name in ("bank.example", "tracker.example", NAME):
            hello = ["openssl", "s_client", "-connect", f"{INTERNET}:8443", "-servername", name]
            with desk.phone.popen(hello, **QUIET) as asked, server.accept()[0] as taken:
                assert taken.recv(1)
                asked.kill()
    lines = ["bank.example: 1 look-up, 1 connection", "tracker.example: 0 look-ups, 1 connection"]
    assert eventually(lambda: point.strangers.told() == lines), point.strangers.told()


def _the_machine_is_out_of_reach(desk: Desk) -> None:
    for host in (ROUTER, UPSTREAM):
        with desk.listen(desk.host, host, 22), pytest.raises(TimeoutError):
            desk.dial(host, 22, cap=0.2)


def test_one_that_a_killed_process_left_is_taken_down(desk: Desk) -> None:
    before = desk.state()
    left = HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder)
    assert desk.state() != before
    bystander = desk.host.popen(["sleep", "infinity"])
    with pytest.raises(Refused, match=r"on wlan7 already.*wifi down"):
        HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder)
    was = take_down(desk.machine, folder=desk.folder)
    assert was is not None
    assert was.interface == "wlan7"
    assert left.broken.wait(CAP)
    assert desk.state() == before
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert take_down(desk.machine, folder=desk.folder) is None
    left.close()


def test_what_does_not_start_is_told_and_undone(desk: Desk) -> None:
    before = desk.state()
    hostapd = desk.folder.parent / "bin/hostapd"
    hostapd.write_text("#!/bin/sh\necho 'wlan7: could not set channel'\n")
    with pytest.raises(Refused, match="hostapd does not start: wlan7: could not set channel"):
        HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder)
    assert desk.state() == before
    assert [*desk.folder.iterdir()] == []


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"interface": "../x"}', '{"forwarding": {"eth0": "; reboot"}}']
)
def test_a_note_that_is_none_is_not_acted_upon(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(NotStanding, match=r"wifi\.json"):
        noted(tmp_path)


def test_a_note_that_cannot_be_believed_is_not_written_over(desk: Desk) -> None:
    before = desk.state()
    desk.folder.mkdir()
    (desk.folder / FILE).write_text("{}")
    with pytest.raises(Refused, match=r"wifi\.json: this is not what the lab writes"):
        HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder)
    assert (desk.folder / FILE).read_text() == "{}"
    assert desk.state() == before


def test_a_note_of_bad_values_is_not_acted_upon(desk: Desk) -> None:
    with HardwareAccessPoint(desk.machine, a_plan(), lambda _: None, folder=desk.folder):
        there = noted(desk.folder)
        text = (desk.folder / FILE).read_text()
        for old, new in (('"wlan7"', '"wl an7"'), ('"0"', '"2"')):
            (desk.folder / FILE).write_text(text.replace(old, new))
            with pytest.raises(NotStanding, match="not what the lab writes"):
                take_down(desk.machine, folder=desk.folder)
        note(there, desk.folder)
