"""A machine with a radio that is none: a namespace, whose interface wlan7 is a cable to a phone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.network.hardware.machine import ThisMachine
from lab.network.kernel.namespace import Namespace, find_programs, link
from tests.network.needed import or_skip
from tests.patience import CAP

FAKE_HOSTAPD = """\
#!/bin/sh
echo "wlan7: AP-ENABLED"
echo "wlan7: AP-STA-CONNECTED 02:00:00:00:00:07"
sleep 600
"""
"""What hostapd says where it has a radio. Its name is kept: it is known by that."""
INTERNET, UPSTREAM = "192.0.2.1", "192.0.2.2"


@dataclass(frozen=True)
class Desk:
    """The machine, the phone within its radio's reach, and what is at the other end of eth7."""

    host: Namespace
    phone: Namespace
    internet: Namespace
    folder: Path

    @property
    def machine(self) -> ThisMachine:
        return ThisMachine(self.host.enter, self.host.socket)

    def state(self) -> tuple[str, ...]:
        """Return all that an access point could change on the machine."""
        commands = (
            ["ip", "-oneline", "address"],
            ["ip", "route"],
            ["nft", "list", "ruleset"],
            ["cat", "/proc/sys/net/ipv4/conf/wlan7/forwarding"],
            ["cat", "/proc/sys/net/ipv4/conf/eth7/forwarding"],
        )
        # An address of its own is tried out for a second first.
        return tuple(self.machine.run(argv).said.replace(" tentative", "") for argv in commands)

    def listen(self, namespace: Namespace, host: str, port: int) -> socket.socket:
        listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((host, port))
        listener.listen()
        listener.settimeout(CAP)
        return listener

    def dial(self, host: str, port: int, cap: float = CAP) -> socket.socket:
        """Return a connection of the phone's. Raises OSError."""
        dialled = self.phone.socket(socket.AF_INET, socket.SOCK_STREAM)
        dialled.settimeout(cap)
        try:
            dialled.connect((host, port))
        except BaseException:
            dialled.close()
            raise
        return dialled


@contextmanager
def a_desk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Set one up. ``folder`` is for files."""
    programs = folder / "bin"
    programs.mkdir()
    hostapd = programs / "hostapd"
    hostapd.write_text(FAKE_HOSTAPD)
    hostapd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with ExitStack() as stack:
        with or_skip():
            find_programs({"nft": "nftables", "dnsmasq": "dnsmasq-base"})
            host = stack.enter_context(Namespace("machine"))
        phone = stack.enter_context(Namespace("phone", within=host))
        internet = stack.enter_context(Namespace("internet", within=host))
        link(host, "wlan7", phone, "wlan0")
        link(host, "eth7", internet, "eth0")
        host.ip("link set lo up", f"address add {UPSTREAM}/24 dev eth7", "link set eth7 up")
        host.ip(f"route add default via {INTERNET}")
        internet.ip(f"address add {INTERNET}/24 dev eth0", "link set eth0 up")
        phone.ip("link set wlan0 up")
        yield Desk(host, phone, internet, folder / "run")
