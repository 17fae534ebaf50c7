"""``iptables``, ``ip6tables`` and ``iptables-save``: rules for what the phone's apps send."""

from __future__ import annotations

import re
from functools import partial

from lab.phone.android.packet_filter import PacketFilter, Table
from lab.phone.android.packet_rules import BadRule, read_rule
from lab.phone.android.shell.process import Command, CommandFailed, Process

_VERSION = "v1.8.7 (legacy)"
_EXIT_USAGE, _EXIT_DENIED = 2, 3
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)

_COMMANDS = {
    **dict.fromkeys(("-A", "--append"), "A"),
    **dict.fromkeys(("-C", "--check"), "C"),
    **dict.fromkeys(("-D", "--delete"), "D"),
    **dict.fromkeys(("-F", "--flush"), "F"),
    **dict.fromkeys(("-I", "--insert"), "I"),
    **dict.fromkeys(("-L", "--list"), "L"),
    **dict.fromkeys(("-N", "--new-chain"), "N"),
    **dict.fromkeys(("-P", "--policy"), "P"),
    **dict.fromkeys(("-S", "--list-rules"), "S"),
    **dict.fromkeys(("-X", "--delete-chain"), "X"),
}
_LOOKS = frozenset({"-n", "--numeric", "-v", "--verbose", "--line-numbers", "-x", "-nL", "-vL"})
_TOLD = frozenset({"C", "D", "I", "A"})
"""Commands after which a rule comes."""


def _iptables(family: int, process: Process) -> int:
    name = "iptables" if family == 4 else "ip6tables"
    table_name, wanted, words, numbered = _arguments(process, name)
    if not process.identity.root:
        raise CommandFailed(
            f"{name} {_VERSION}: can't initialize {name} table `{table_name}': Permission denied "
            f"(you must be root)\nPerhaps {name} or your kernel needs to be upgraded.",
            _EXIT_DENIED,
        )
    packets: PacketFilter = process.system.iptables
    try:
        with packets.lock:
            table = packets.table(family, table_name)
            if wanted == "L":
                process.print_lines(_listed(table, words, numbered))
            elif wanted == "S":
                process.print_lines(_rules(table, words[:1]))
            else:
                _change(table, wanted, words, family)
    except BadRule as error:
        text = str(error)
        if text[:1].isupper():
            raise CommandFailed(f"{name}: {text}") from None
        usage = f"Try `{name} -h' or '{name} --help' for more information."
        raise CommandFailed(f"{name} {_VERSION}: {text}\n{usage}", _EXIT_USAGE) from None
    return 0


def _arguments(process: Process, name: str) -> tuple[str, str, list[str], bool]:
    """Return the table, the command, what follows it, and whether numbers are wanted. Raises
    CommandFailed."""
    table, wanted, words, numbered = "filter", "", list[str](), False
    waiting = list(process.arguments)
    while waiting:
        word = waiting.pop(0)
        if word in ("-t", "--table") and waiting:
            table = waiting.pop(0)
        elif word in ("-w", "-W", "--wait"):
            if waiting and _NUMBER.fullmatch(waiting[0]):
                waiting.pop(0)
        elif word in _LOOKS:
            numbered = numbered or word == "--line-numbers"
            wanted = "L" if word.endswith("L") else wanted
        elif word in _COMMANDS and not wanted:
            wanted = _COMMANDS[word]
        else:
            words.append(word)
    if not wanted:
        raise CommandFailed(f"{name} {_VERSION}: no command specified", _EXIT_USAGE)
    return table, wanted, words, numbered


def _change(table: Table, wanted: str, words: list[str], family: int) -> None:
    chain = words[0] if words else None
    if wanted == "F":
        table.flush(chain)
    elif wanted == "X":
        table.remove(chain)
    elif chain is None:
        raise BadRule(f'option "-{wanted}" requires an argument')
    elif wanted == "N":
        table.new(chain)
    elif wanted == "P":
        table.set_policy(chain, "".join(words[1:2]))
    elif wanted in _TOLD:
        _change_rules(table, wanted, chain, words[1:], family)


def _change_rules(table: Table, wanted: str, chain: str, words: list[str], family: int) -> None:
    number = int(words.pop(0)) if words and _NUMBER.fullmatch(words[0]) else None
    if wanted == "D" and number is not None:
        table.delete_number(chain, number)
        return
    rule = read_rule(words, family)
    if wanted == "A":
        table.insert(chain, rule)
    elif wanted == "I":
        table.insert(chain, rule, 1 if number is None else number)
    elif wanted == "D":
        table.delete(chain, rule)
    elif not table.has(chain, rule):
        raise BadRule("Bad rule (does a matching rule exist in that chain?).")


def _rules(table: Table, chains: list[str]) -> list[str]:
    shown = {name: table.chain(name) for name in chains or table.chains}
    lines = [
        f"-N {name}" if chain.policy is None else f"-P {name} {chain.policy}"
        for name, chain in shown.items()
    ]
    return lines + [
        f"-A {name} {rule.shown()}" for name, chain in shown.items() for rule in chain.rules
    ]


def _listed(table: Table, chains: list[str], numbered: bool) -> list[str]:
    lines: list[str] = []
    for name in chains[:1] or table.chains:
        chain = table.chain(name)
        used = sum(rule.target == name for each in table.chains.values() for rule in each.rules)
        about = f"{used} references" if chain.policy is None else f"policy {chain.policy}"
        lines += [f"Chain {name} ({about})"]
        lines += [
            f"{'num  ' if numbered else ''}target     prot opt source               destination"
        ]
        for number, rule in enumerate(chain.rules, start=1):
            where = "anywhere" if rule.destination is None else str(rule.destination)
            prefix = f"{number:<4} " if numbered else ""
            protocol = rule.protocol or "all"
            rest = rule.shown().partition(f"-j {rule.target}")
            lines.append(
                f"{prefix}{rule.target:<10} {protocol:<4} --  anywhere             {where:<20} "
                f"{rest[0].strip()}{rest[2]}"
            )
        lines.append("")
    return lines[:-1]


def _save(family: int, process: Process) -> int:
    packets: PacketFilter = process.system.iptables
    if not process.identity.root:
        raise CommandFailed("iptables-save: Permission denied (you must be root)")
    wanted = list(process.arguments[1:2]) if process.arguments[:1] == ["-t"] else []
    with packets.lock:
        for name in wanted or packets.names(family):
            try:
                table = packets.table(family, name)
            except BadRule as error:
                raise CommandFailed(f"iptables-save {_VERSION}: {error}") from None
            process.out.line(f"*{name}")
            for chain, content in table.chains.items():
                process.out.line(f":{chain} {content.policy or '-'} [0:0]")
            process.print_lines(line for line in _rules(table, []) if line.startswith("-A "))
            process.out.line("COMMIT")
    return 0


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("iptables", "iptables-legacy"), partial(_iptables, 4)),
    **dict.fromkeys(("ip6tables", "ip6tables-legacy"), partial(_iptables, 6)),
    "iptables-save": partial(_save, 4),
    "ip6tables-save": partial(_save, 6),
}
