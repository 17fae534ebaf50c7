"""Rules on a rooted phone that send its traffic to the lab, whatever an app thinks of proxies."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from lab.devices.android.link import CommandRefused
from lab.devices.android.marks import succeeded
from lab.devices.android.root import RootShell
from lab.devices.android.values import texts
from lab.devices.item import Value
from lab.model.device import Endpoint

CHAIN = "TRUSTPIN_LAB"
"""The lab's own chain: whatever is not in it is left alone."""

_TABLES = (("iptables", "nat"), ("iptables", "filter"), ("ip6tables", "filter"))
_LINE = re.compile(rf"^-[A-Z] .*\b{CHAIN}\b.*$", re.MULTILINE)
_MISSING = 127


class DnatItem:
    """The lab's rules, by table. Before the lab came there were none, and a reboot forgets
    them."""

    kind = "dnat"

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        return read_rules(self._shell)

    def put_back(self, value: Value) -> None:
        """Remove the lab's rules: whoever left some behind, they are the lab's."""
        texts(value)
        remove_dnat(self._shell)

    def same(self, before: Value, now: Value) -> bool:
        return not texts(now)


def set_dnat(
    shell: RootShell, *, tls: Endpoint, clear: Endpoint, resolver: Endpoint | None = None
) -> None:
    """Send TLS (port 443) and plain HTTP (port 80) of the whole phone to the lab, and its lookups
    to ``resolver``. QUIC and IPv6 are refused, so that apps turn to what is led. The phone's own
    loopback, the lab's addresses and so adb are left alone.

    Raises DeviceLost, and CommandRefused without root, for a host that is not an IPv4 address, and
    where a rule is not taken; then there is none.
    """
    hosts = {_address_of(each) for each in (tls, clear, resolver) if each is not None}
    left_alone = {"127.0.0.0/8", *(f"{host}/32" for host in hosts)}
    nat = [f"-d {address} -j RETURN" for address in sorted(left_alone)]
    if resolver is not None:
        nat += [
            f"-p {protocol} --dport 53 -j DNAT --to-destination {resolver}"
            for protocol in ("udp", "tcp")
        ]
    nat += [
        f"-p tcp --dport 443 -j DNAT --to-destination {tls}",
        f"-p tcp --dport 80 -j DNAT --to-destination {clear}",
    ]
    rules = {
        ("iptables", "nat"): nat,
        ("iptables", "filter"): ["-p udp --dport 443 -j REJECT"],
        ("ip6tables", "filter"): [
            f"-p {protocol} --dport {port} -j REJECT"
            for protocol, port in (("tcp", 443), ("tcp", 80), ("udp", 443), ("udp", 53))
        ],
    }
    commands = {}
    for program, table in _TABLES:
        here = f"{program} -w -t {table}"
        # A chain that is there already is emptied: rules are never added to a rest.
        begin = f"{here} -N {CHAIN} 2>/dev/null; {here} -F {CHAIN}"
        adds = [f"{here} -A {CHAIN} {rule}" for rule in rules[program, table]]
        jump = f"{here} -C OUTPUT -j {CHAIN} 2>/dev/null || {here} -I OUTPUT 1 -j {CHAIN}"
        commands[f"{program} {table}"] = " && ".join([begin, *adds, f"{{ {jump}; }}"])
    try:
        for (name, ran), (program, _) in zip(shell.ask(commands).items(), _TABLES, strict=True):
            if ran.code == _MISSING and program == "ip6tables":
                continue
            succeeded(f"{name}: {commands[name]}", ran)
    except CommandRefused:
        remove_dnat(shell)
        raise


def _address_of(endpoint: Endpoint) -> str:
    try:
        return str(ipaddress.IPv4Address(endpoint.host))
    except ValueError:
        raise CommandRefused(
            f"rules on the phone take an IPv4 address, which {endpoint.host!r} is not"
        ) from None


def remove_dnat(shell: RootShell) -> None:
    """Remove the lab's rules. May be repeated. Raises DeviceLost, and CommandRefused where some
    stay."""
    steps = {}
    for program, table in _TABLES:
        here = f"{program} -w -t {table}"
        steps[f"{program} {table}"] = (
            f"{here} -D OUTPUT -j {CHAIN}; {here} -F {CHAIN}; {here} -X {CHAIN}"
        )
    shell.ask(steps)
    if left := read_rules(shell):
        raise CommandRefused(f"the lab's rules are still there: {'; '.join(left[:3])}")


def read_rules(shell: RootShell) -> list[str]:
    """Return the lab's rules, each with its program and table. Raises DeviceLost,
    CommandRefused."""
    asked = {f"{program} {table}": f"{program} -w -t {table} -S" for program, table in _TABLES}
    found: list[str] = []
    for name, ran in shell.ask(asked).items():
        if name.startswith("ip6tables") and ran.code:
            # A phone without IPv6 has none.
            continue
        found += [f"{name} {line.strip()}" for line in _LINE.findall(succeeded(asked[name], ran))]
    return found
