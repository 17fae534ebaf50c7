"""The phone's packet filter: tables of chains of rules, for connections that it opens.

As in Linux, what goes out passes the chain OUTPUT of the table nat, which may lead it elsewhere,
then that of filter, which sees where it leads by then. The other built-in chains are there, but
nothing on the phone ever passes them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from lab.model.device import Endpoint
from lab.phone.android.packet_rules import BadRule, Rule
from lab.phone.routing import Fate, Flow, Ruling

NAT, FILTER = "nat", "filter"
MAX_RULES = 2000
"""Of one table."""
MAX_CHAIN_NAME = 28

_BUILT_IN = {
    NAT: ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    FILTER: ("INPUT", "FORWARD", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
}
_TARGETS = {
    NAT: frozenset({"ACCEPT", "DROP", "RETURN", "DNAT", "REDIRECT"}),
    FILTER: frozenset({"ACCEPT", "DROP", "RETURN", "REJECT"}),
}
_OTHERS = frozenset({"ACCEPT", "DROP", "RETURN"})

NO_NAME = "No chain/target/match by that name."
BAD_RULE = "Bad rule (does a matching rule exist in that chain?)."


@dataclass(slots=True)
class Chain:
    """Rules that are tried one after the other."""

    rules: list[Rule] = field(default_factory=list)
    policy: str | None = None
    """Of a built-in chain: what becomes of what no rule decides about."""


class Table:
    """A table. Methods raise BadRule."""

    def __init__(self, name: str) -> None:
        self.targets = _TARGETS.get(name, _OTHERS)
        self.chains = {chain: Chain(policy="ACCEPT") for chain in _BUILT_IN[name]}

    def chain(self, name: str) -> Chain:
        """Return a chain."""
        if name not in self.chains:
            raise BadRule(NO_NAME)
        return self.chains[name]

    def insert(self, name: str, rule: Rule, number: int | None = None) -> None:
        """Put a rule into a chain as its ``number``th, from 1; at its end where none is given."""
        rules = self.chain(name).rules
        if rule.target and rule.target not in self.targets and rule.target not in self.chains:
            raise BadRule(NO_NAME)
        if rule.target in self.chains and self.chains[rule.target].policy is not None:
            raise BadRule("Invalid argument. Run `dmesg' for more information.")
        if self._leads_to(rule.target, name):
            raise BadRule("Too many levels of symbolic links")
        if sum(len(chain.rules) for chain in self.chains.values()) >= MAX_RULES:
            raise BadRule("Memory allocation problem.")
        at = len(rules) if number is None else number - 1
        if not 0 <= at <= len(rules):
            raise BadRule("Index of insertion too big.")
        rules.insert(at, rule)

    def has(self, name: str, rule: Rule) -> bool:
        """Tell whether a chain has a rule."""
        return rule in self.chain(name).rules

    def delete(self, name: str, rule: Rule) -> None:
        """Take the first such rule out of a chain."""
        if not self.has(name, rule):
            raise BadRule(BAD_RULE)
        self.chain(name).rules.remove(rule)

    def delete_number(self, name: str, number: int) -> None:
        """Take a chain's ``number``th rule out of it, from 1."""
        rules = self.chain(name).rules
        if not 0 < number <= len(rules):
            raise BadRule("Index of deletion too big.")
        del rules[number - 1]

    def flush(self, name: str | None) -> None:
        """Take all rules out of a chain, or of all."""
        for chain in self.chains.values() if name is None else (self.chain(name),):
            chain.rules.clear()

    def new(self, name: str) -> None:
        """Make a chain."""
        if name in self.chains:
            raise BadRule("Chain already exists.")
        if name.startswith("-") or not 0 < len(name) <= MAX_CHAIN_NAME or name in self.targets:
            raise BadRule(f"chain name `{name[:40]}' invalid")
        if len(self.chains) >= MAX_RULES:
            raise BadRule("Memory allocation problem.")
        self.chains[name] = Chain()

    def remove(self, name: str | None) -> None:
        """Remove a chain, or all that are not built in."""
        own = [each for each, chain in self.chains.items() if chain.policy is None]
        if name is not None and self.chain(name).policy is not None:
            raise BadRule("Invalid argument. Run `dmesg' for more information.")
        for each in own if name is None else (name,):
            if self.chains[each].rules:
                raise BadRule("Directory not empty.")
            if any(rule.target == each for chain in self.chains.values() for rule in chain.rules):
                raise BadRule("Too many links.")
            del self.chains[each]

    def set_policy(self, name: str, policy: str) -> None:
        """Say what becomes of what no rule of a built-in chain decides about."""
        if policy not in ("ACCEPT", "DROP") or self.chain(name).policy is None:
            raise BadRule("Bad policy name. Run `dmesg' for more information.")
        self.chain(name).policy = policy

    def decide(self, flow: Flow) -> Rule:
        """Return the rule that decides about what goes out."""
        found = self._decide("OUTPUT", flow)
        return Rule(self.chain("OUTPUT").policy or "ACCEPT") if found is None else found

    def _decide(self, name: str, flow: Flow) -> Rule | None:
        for rule in self.chains[name].rules:
            if not rule.target or not rule.applies(flow):
                continue
            if rule.target == "RETURN":
                return None
            if rule.target not in self.chains:
                return rule
            if (found := self._decide(rule.target, flow)) is not None:
                return found
        return None

    def _leads_to(self, start: str, name: str) -> bool:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            here = waiting.pop()
            if here == name:
                return True
            if here in self.chains and here not in seen:
                seen.add(here)
                waiting += [rule.target for rule in self.chains[here].rules]
        return False


class PacketFilter:
    """The tables of IPv4 and IPv6. Implements ``Firewall``. May be used from any thread; whoever
    works on a table holds ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._tables: dict[tuple[int, str], Table] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all rules, as a restart does."""
        with self.lock:
            self._tables = {(family, name): Table(name) for family in (4, 6) for name in _BUILT_IN}

    def table(self, family: int, name: str) -> Table:
        """Return a table, of IPv4 or 6. Raises BadRule."""
        table = self._tables.get((family, name))
        if table is None:
            raise BadRule(f"can't initialize iptables table `{name[:40]}': Table does not exist")
        return table

    def names(self, family: int) -> tuple[str, ...]:
        """Return the names of the tables."""
        return tuple(name for each, name in self._tables if each == family)

    def decide(self, flow: Flow) -> Ruling:
        family = 6 if ":" in flow.host else 4
        with self.lock:
            led = self.table(family, NAT).decide(flow)
            target = _target(led, flow, family)
            if target is not None:
                flow = Flow(flow.protocol, target.host, target.port, flow.uid)
            decided = self.table(family, FILTER).decide(flow)
        fates = {"REJECT": Fate.REJECT, "DROP": Fate.DROP}
        fate = Fate.DROP if led.target == "DROP" else fates.get(decided.target, Fate.PASS)
        return Ruling(fate, target)


def _target(rule: Rule, flow: Flow, family: int) -> Endpoint | None:
    """Return where a rule of nat leads; None where it leaves things as they are."""
    port = flow.port if rule.to is None else rule.to.port or flow.port
    if rule.target == "DNAT" and rule.to is not None:
        return Endpoint(rule.to.host, port)
    if rule.target == "REDIRECT":
        return Endpoint("127.0.0.1" if family == 4 else "::1", port)
    return None
