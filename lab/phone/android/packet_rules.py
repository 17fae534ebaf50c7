"""One rule of a packet filter: what it applies to and what becomes of that (iptables(8))."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lab.model.device import Endpoint
from lab.phone.android.accounts import number_of
from lab.phone.routing import Flow

MAX_WORDS = 200
"""Words of one rule."""

LOOPBACK_INTERFACE, WIFI_INTERFACE = "lo", "wlan0"

_PROTOCOLS = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "6": "tcp", "17": "udp", "1": "icmp"}
_SERVICES = {"http": 80, "https": 443, "domain": 53}
_RANGE = re.compile(r"(\d{1,10})(?:[-:](\d{1,10}))?", re.ASCII)
_V4 = re.compile(r"([0-9.]+)(?::(\d{1,5}))?", re.ASCII)
_V6 = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([0-9A-Fa-f:.]+)", re.ASCII)
_REJECTIONS = {4: "icmp-port-unreachable", 6: "icmp6-port-unreachable"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadRule(Exception):
    """A rule that cannot be; ``str()`` is what iptables says about it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from the first to the last."""

    first: int
    last: int

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    def shown(self, between: str) -> str:
        """Return it as iptables prints it."""
        return str(self.first) if self.first == self.last else f"{self.first}{between}{self.last}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. A match that is None matches everything; ``negated`` names those that are turned
    around."""

    target: str = ""
    """What is done: a built-in target, or a chain to go on in; empty counts only."""
    protocol: str | None = None
    destination: Network | None = None
    interface: str | None = None
    ports: tuple[Span, ...] | None = None
    multiport: bool = False
    uids: Span | None = None
    comment: str | None = None
    to: Endpoint | None = None
    """Of DNAT: port 0 keeps the port. Of REDIRECT: the host says nothing."""
    reject_with: str | None = None
    negated: frozenset[str] = frozenset()

    def applies(self, flow: Flow) -> bool:
        """Tell whether the rule applies to a connection."""
        address = ipaddress.ip_address(flow.host)
        interface = LOOPBACK_INTERFACE if address.is_loopback else WIFI_INTERFACE
        matches = (
            ("-p", self.protocol, lambda wanted: flow.protocol == wanted),
            ("-d", self.destination, lambda wanted: address in wanted),
            ("-o", self.interface, lambda wanted: _same_interface(interface, wanted)),
            ("--dport", self.ports, lambda wanted: any(flow.port in span for span in wanted)),
            ("--uid-owner", self.uids, lambda wanted: flow.uid in wanted),
        )
        return all(
            wanted is None or matched(wanted) is (name not in self.negated)
            for name, wanted, matched in matches
        )

    def shown(self) -> str:
        """Return the rule as ``iptables -S`` prints it, without the chain."""
        parts: list[str] = []
        if self.destination is not None:
            parts.append(self._with("-d", "-d", str(self.destination)))
        if self.interface is not None:
            parts.append(self._with("-o", "-o", self.interface))
        if self.protocol is not None:
            parts.append(self._with("-p", "-p", self.protocol))
        if self.ports is not None:
            option = "--dports" if self.multiport else "--dport"
            spans = ",".join(span.shown(":") for span in self.ports)
            module = "multiport" if self.multiport else self.protocol
            parts.append(f"-m {module} {self._with('--dport', option, spans)}")
        if self.uids is not None:
            owner = self._with("--uid-owner", "--uid-owner", self.uids.shown("-"))
            parts.append(f"-m owner {owner}")
        if self.comment is not None:
            parts.append(f'-m comment --comment "{self.comment}"')
        if self.target:
            parts.append(f"-j {self.target}")
        if self.target == "DNAT" and self.to is not None:
            port = f":{self.to.port}" if self.to.port else ""
            host = f"[{self.to.host}]" if ":" in self.to.host and port else self.to.host
            parts.append(f"--to-destination {host}{port}")
        if self.target == "REDIRECT" and self.to is not None:
            parts.append(f"--to-ports {self.to.port}")
        if self.reject_with is not None:
            parts.append(f"--reject-with {self.reject_with}")
        return " ".join(parts)

    def _with(self, name: str, option: str, value: str) -> str:
        return f"{'! ' if name in self.negated else ''}{option} {value}"


def read_rule(words: Sequence[str], family: int) -> Rule:
    """Read a rule's specification; ``family`` is 4 or 6. Raises BadRule."""
    if len(words) > MAX_WORDS:
        raise BadRule("the rule is too long")
    rule = Rule()
    waiting = list(words)
    negated = False
    while waiting:
        word = waiting.pop(0)
        if word == "!":
            negated = True
            continue
        option = _OPTIONS.get(word)
        if option is None:
            raise BadRule(f'unknown option "{word[:40]}"')
        if waiting and waiting[0] == "!" and word in _NEGATABLE:
            # The way of writing it before iptables 1.4.3.
            waiting.pop(0)
            negated = True
        if not waiting:
            raise BadRule(f'option "{word}" requires an argument')
        name, read = option
        rule = read(rule, waiting.pop(0), family)
        if negated:
            if name not in ("-p", "-d", "-o", "--dport", "--uid-owner"):
                raise BadRule(f'unexpected "!" before "{word}"')
            rule = replace(rule, negated=rule.negated | {name})
        negated = False
    return _checked(rule, family)


def _checked(rule: Rule, family: int) -> Rule:
    if rule.ports is not None and rule.protocol not in ("tcp", "udp"):
        raise BadRule('unknown option "--dport"')
    if rule.target == "DNAT" and rule.to is None:
        raise BadRule('DNAT: option "--to-destination" must be specified')
    if rule.target not in ("DNAT", "REDIRECT") and rule.to is not None:
        raise BadRule('unknown option "--to-destination"')
    if rule.target == "REJECT" and rule.reject_with is None:
        return replace(rule, reject_with=_REJECTIONS[family])
    if rule.target != "REJECT" and rule.reject_with is not None:
        raise BadRule('unknown option "--reject-with"')
    return rule


def _protocol(rule: Rule, text: str, _: int) -> Rule:
    if text in ("all", "0"):
        return rule
    if text.lower() not in _PROTOCOLS:
        raise BadRule(f'unknown protocol "{text[:40]}" specified')
    return replace(rule, protocol=_PROTOCOLS[text.lower()])


def _destination(rule: Rule, text: str, family: int) -> Rule:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadRule(f"host/network `{text[:60]}' not found") from None
    if network.version != family:
        raise BadRule(f"host/network `{text[:60]}' not found")
    return replace(rule, destination=network)


def _interface(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, interface=text[:16])


def _port(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, ports=(_span(text, 65535, _SERVICES),), multiport=False)


def _ports(rule: Rule, text: str, _: int) -> Rule:
    spans = tuple(_span(each, 65535, _SERVICES) for each in text.split(","))
    return replace(rule, ports=spans, multiport=True)


def _uid(rule: Rule, text: str, _: int) -> Rule:
    try:
        number = number_of(text)
    except ValueError:
        return replace(rule, uids=_span(text, 2**32 - 2, {}))
    return replace(rule, uids=Span(number, number))


def _module(rule: Rule, text: str, _: int) -> Rule:
    if text not in ("tcp", "udp", "owner", "multiport", "comment"):
        raise BadRule(f"Couldn't load match `{text[:40]}':No such file or directory")
    return rule


def _comment(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, comment=text[:256].replace('"', "'"))


def _target(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, target=text[:28])


def _to_destination(rule: Rule, text: str, family: int) -> Rule:
    match = (_V4 if family == 4 else _V6).fullmatch(text)
    groups = () if match is None else match.groups()
    try:
        address = ipaddress.ip_address(groups[0] or groups[2])
        port = int(groups[1] or 0)
        if address.version != family or port > 65535:
            raise ValueError
    except (ValueError, IndexError):
        raise BadRule(f'Bad IP address "{text[:60]}"') from None
    return replace(rule, to=Endpoint(str(address), port))


def _to_ports(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, to=Endpoint("", _span(text, 65535, {}).first))


def _reject_with(rule: Rule, text: str, _: int) -> Rule:
    return replace(rule, reject_with=text[:40])


def _span(text: str, largest: int, names: dict[str, int]) -> Span:
    if text in names:
        return Span(names[text], names[text])
    match = _RANGE.fullmatch(text)
    if match is None or int(match[2] or match[1]) > largest:
        raise BadRule(f"invalid port/service or number `{text[:40]}' specified")
    return Span(int(match[1]), int(match[2] or match[1]))


def _same_interface(interface: str, wanted: str) -> bool:
    if wanted.endswith("+"):
        return interface.startswith(wanted[:-1])
    return interface == wanted


_Read = Callable[[Rule, str, int], Rule]
_OPTIONS: dict[str, tuple[str, _Read]] = {
    **dict.fromkeys(("-p", "--proto", "--protocol"), ("-p", _protocol)),
    **dict.fromkeys(("-d", "--dst", "--destination"), ("-d", _destination)),
    **dict.fromkeys(("-o", "--out-interface"), ("-o", _interface)),
    **dict.fromkeys(("--dport", "--destination-port"), ("--dport", _port)),
    **dict.fromkeys(("--dports", "--destination-ports"), ("--dport", _ports)),
    "--uid-owner": ("--uid-owner", _uid),
    **dict.fromkeys(("-m", "--match"), ("-m", _module)),
    "--comment": ("--comment", _comment),
    **dict.fromkeys(("-j", "--jump"), ("-j", _target)),
    "--to-destination": ("--to-destination", _to_destination),
    **dict.fromkeys(("--to-ports", "--to-port"), ("--to-ports", _to_ports)),
    "--reject-with": ("--reject-with", _reject_with),
}
_NEGATABLE = frozenset(
    word for word, (name, _) in _OPTIONS.items() if name in ("-p", "-d", "-o", "--dport")
)
