"""The lab's rules, in real iptables: in a network namespace of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.devices.android.dnat import DnatItem, read_rules, remove_dnat, set_dnat
from lab.devices.android.link import CommandRefused
from lab.devices.android.root import UNROOTED, RootShell
from lab.model.device import DeviceLost, Endpoint
from tests.devices.android.faulty import DyingLink
from tests.devices.android.linux_phone import PATH, LinuxPhone, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TLS, CLEAR, DNS = (Endpoint("127.0.0.1", port) for port in (8443, 8080, 8053))

# Listens on three ports of the namespace's loopback, then dials from inside it, and tells which of
# the listeners each of the addresses leads to.
DIAL = """
import json, socket, sys
listening = {}
for port in (8443, 8080, 53):
    tcp = socket.create_server(("127.0.0.1", port))
    tcp.settimeout(0.1)
    listening[port] = tcp
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 8053))
udp.settimeout(0.1)
found = {}
for host, port in json.loads(sys.argv[1]):
    dialled = socket.socket()
    dialled.settimeout(0.1)
    try:
        dialled.connect((host, port))
    except OSError as error:
        found[f"{host}:{port}"] = type(error).__name__
        continue
    for at, tcp in listening.items():
        try:
            tcp.settimeout(0.02)
            tcp.accept()[0].close()
            found[f"{host}:{port}"] = at
        except TimeoutError:
            pass
    dialled.close()
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.sendto(b"lookup", ("203.0.113.53", 53))
try:
    found["lookup"] = udp.recvfrom(100)[0].decode()
except TimeoutError:
    found["lookup"] = ""
try:
    quic = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quic.connect(("203.0.113.5", 443))
    quic.settimeout(0.1)
    quic.send(b"x")
    quic.recv(1)
except OSError as error:
    found["quic"] = type(error).__name__
print(json.dumps(found))
"""


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[LinuxPhone]:
    made = LinuxPhone(tmp_path, {"a": b"b"}, store="system/etc/security/cacerts")
    # Everything has somewhere to go, if only to be lost.
    made.in_network("ip", "addr", "add", "192.0.2.7/32", "dev", "lo")
    made.in_network("ip", "route", "add", "default", "dev", "lo", "src", "192.0.2.7")
    yield made
    made.close()


def _dial(phone: LinuxPhone, *addresses: tuple[str, int]) -> dict[str, object]:
    told = phone.in_network(sys.executable, "-c", DIAL, json.dumps(addresses))
    found: dict[str, object] = json.loads(told)
    return found


ADDRESSES = (("203.0.113.5", 443), ("203.0.113.5", 80), ("203.0.113.5", 22), ("127.0.0.1", 53))


def test_traffic_goes_to_the_lab_and_back_to_its_own_way(phone: LinuxPhone) -> None:
    shell = RootShell(phone)
    item = DnatItem(shell)
    before = item.read()
    assert before == []
    straight = _dial(phone, *ADDRESSES)
    assert straight["lookup"] == ""
    assert 8443 not in straight.values()
    for _ in range(2):
        set_dnat(shell, tls=TLS, clear=CLEAR, resolver=DNS)
        assert _dial(phone, *ADDRESSES) == {
            "203.0.113.5:443": 8443,
            "203.0.113.5:80": 8080,
            "203.0.113.5:22": straight["203.0.113.5:22"],
            "127.0.0.1:53": 53,
            "lookup": "lookup",
            "quic": "PermissionError",
        }
    assert not item.same(before, item.read())
    for _ in range(2):
        item.put_back(before)
        assert item.same(before, item.read())
    assert _dial(phone, *ADDRESSES) == straight


def test_rules_of_others_stay(phone: LinuxPhone) -> None:
    phone.shell("iptables -t nat -N THEIRS && iptables -t nat -A OUTPUT -j THEIRS")
    theirs = phone.shell("iptables -t nat -S")
    shell = RootShell(phone)
    set_dnat(shell, tls=TLS, clear=CLEAR)
    remove_dnat(shell)
    assert phone.shell("iptables -t nat -S") == theirs


def test_put_back_after_a_run_that_died_half_way(phone: LinuxPhone) -> None:
    item = DnatItem(RootShell(phone))
    for left in range(4):
        dying = RootShell(DyingLink(phone, left))
        try:
            set_dnat(dying, tls=TLS, clear=CLEAR, resolver=DNS)
        except DeviceLost:
            died = True
        else:
            died = False
        item.put_back([])
        assert item.same([], item.read())
        if not died:
            return
    raise AssertionError("it never came to an end")


def test_a_rule_that_is_not_taken_leaves_none_behind(phone: LinuxPhone) -> None:
    shell = RootShell(phone)
    with pytest.raises(CommandRefused, match=r"iptables.*[Pp]ort"):
        set_dnat(shell, tls=TLS, clear=Endpoint("127.0.0.1", 99_999))
    assert read_rules(shell) == []


@pytest.mark.parametrize("host", ["lab.test", "::1", "127.0.0.1; reboot", ""])
def test_only_addresses_become_rules(phone: LinuxPhone, host: str) -> None:
    before = phone.commands
    with pytest.raises(CommandRefused, match="IPv4 address"):
        set_dnat(RootShell(phone), tls=Endpoint(host, 443), clear=CLEAR)
    assert phone.commands == before


def test_a_phone_without_ipv6(phone: LinuxPhone) -> None:
    phone.shell("rm /system/bin/ip6tables")
    shell = RootShell(phone)
    set_dnat(shell, tls=TLS, clear=CLEAR)
    assert len(read_rules(shell)) > 5
    remove_dnat(shell)
    assert read_rules(shell) == []


def test_without_root_it_says_what_to_do(phone: LinuxPhone) -> None:
    with pytest.raises(CommandRefused, match="needs root"):
        set_dnat(RootShell(phone, UNROOTED), tls=TLS, clear=CLEAR)


def test_the_namespace_is_not_this_machines(phone: LinuxPhone) -> None:
    set_dnat(RootShell(phone), tls=TLS, clear=CLEAR)
    command = ["iptables", "-t", "nat", "-S"]
    here = subprocess.run(command, capture_output=True, check=False, env={"PATH": PATH})
    assert b"TRUSTPIN_LAB" not in here.stdout
