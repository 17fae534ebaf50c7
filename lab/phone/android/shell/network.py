"""``ip``: the phone's interfaces, addresses and routes, as far as it has any."""

from __future__ import annotations

from lab.network.kernel.wireguard import MTU
from lab.phone.android.packet_rules import LOOPBACK_INTERFACE, WIFI_INTERFACE
from lab.phone.android.shell.process import Command, CommandFailed, Process
from lab.phone.routing import ROUTER

ADDRESS = "192.168.43.100"
"""The phone's own on the network that it has joined."""
_NETWORK = f"{ROUTER.rpartition('.')[0]}.0"
_HARDWARE = "02:00:00:00:10:00"
_USAGE = 255


def _ip(process: Process) -> int:
    words = [word for word in process.arguments if word not in ("-4", "-o", "-f", "inet")]
    kind, rest = (words[0], words[1:]) if words else ("", [])
    rest = rest[1:] if rest[:1] in (["show"], ["list"], ["ls"]) else rest
    if kind in ("addr", "address", "a", "link", "l"):
        tunnel = process.system.wireguard.up
        tunnels = [] if tunnel is None else [tunnel.name]
        _interfaces(process, _device(rest, tunnels), with_addresses=kind[0] == "a")
    elif kind in ("route", "r", "ro"):
        _routes(process, rest)
    else:
        raise CommandFailed("ip: this phone's 'ip' has addr, link and route", _USAGE)
    return 0


def _device(rest: list[str], tunnels: list[str]) -> str:
    """Return the interface that is meant, empty for all. Raises CommandFailed."""
    rest = rest[1:] if rest[:1] == ["dev"] else rest
    name = rest[0] if rest else ""
    if len(rest) > 1 or name not in ("", LOOPBACK_INTERFACE, WIFI_INTERFACE, *tunnels):
        raise CommandFailed(f'Device "{name[:40]}" does not exist.', 1)
    return name


def _interfaces(process: Process, device: str, *, with_addresses: bool) -> None:
    is_on, joined = process.phone.station.enabled, process.phone.joined is not None
    flags = "BROADCAST,MULTICAST"
    if is_on:
        flags += ",UP,LOWER_UP" if joined else ",UP"
    state = "UP" if joined else "DOWN"
    loopback = [
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1",
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00",
        *(_address("127.0.0.1/8 scope host lo") if with_addresses else ()),
    ]
    wifi = [
        f"2: wlan0: <{flags}> mtu 1500 qdisc mq state {state} group default qlen 3000",
        f"    link/ether {_HARDWARE} brd ff:ff:ff:ff:ff:ff",
    ]
    if with_addresses and joined:
        wifi += _address(f"{ADDRESS}/24 brd {_NETWORK[:-1]}255 scope global wlan0")
    interfaces = [(LOOPBACK_INTERFACE, loopback), (WIFI_INTERFACE, wifi)]
    if (tunnel := process.system.wireguard.up) is not None:
        head = f"3: {tunnel.name}: <POINTOPOINT,UP,LOWER_UP> mtu {MTU} qdisc mq state UNKNOWN group"
        own = _address(f"{tunnel.address} scope global {tunnel.name}") if with_addresses else []
        interfaces.append((tunnel.name, [f"{head} default qlen 500", "    link/none", *own]))
    for name, lines in interfaces:
        if device in ("", name):
            process.print_lines(lines)


def _address(text: str) -> list[str]:
    return [f"    inet {text}", "       valid_lft forever preferred_lft forever"]


def _routes(process: Process, rest: list[str]) -> None:
    joined = process.phone.joined is not None
    if rest[:1] == ["get"] and len(rest) > 1:
        if not joined:
            raise CommandFailed("RTNETLINK answers: Network is unreachable", 2)
        process.out.line(f"{rest[1]} via {ROUTER} dev {WIFI_INTERFACE} src {ADDRESS} uid 0")
    elif joined:
        process.out.line(
            f"{_NETWORK}/24 dev {WIFI_INTERFACE} proto kernel scope link src {ADDRESS}"
        )


COMMANDS: dict[str, Command] = {"ip": _ip}
