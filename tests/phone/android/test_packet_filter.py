"""The packet filter as a value: what its rules decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.device import Endpoint
from lab.phone.android.packet_filter import MAX_RULES, PacketFilter, Table
from lab.phone.android.packet_rules import BadRule, Rule, read_rule
from lab.phone.routing import Fate, Flow, Ruling, Transport

WEB = Flow(Transport.TCP, "198.51.100.1", 443, 10_100)


def rule(text: str, family: int = 4) -> Rule:
    return read_rule(text.split(), family)


def filtered(table: str, *rules: str, family: int = 4) -> PacketFilter:
    packets = PacketFilter()
    for each in rules:
        chain, _, text = each.partition(" ")
        if chain not in packets.table(family, table).chains:
            packets.table(family, table).new(chain)
        packets.table(family, table).insert(chain, rule(text, family))
    return packets


# Rules.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-j ACCEPT", "-j ACCEPT"),
        ("-p 6 --dport https -j RETURN", "-p tcp -m tcp --dport 443 -j RETURN"),
        ("-d 127.0.0.1/8 -j RETURN", "-d 127.0.0.0/8 -j RETURN"),
        ("! -d 10.0.0.1 -j DROP", "! -d 10.0.0.1/32 -j DROP"),
        ("-d ! 10.0.0.1 -j DROP", "! -d 10.0.0.1/32 -j DROP"),
        ("-o wlan+ -p udp -j DROP", "-o wlan+ -p udp -j DROP"),
        ("-m owner --uid-owner u0_a100 -j RETURN", "-m owner --uid-owner 10100 -j RETURN"),
        ("-m owner ! --uid-owner 1000-1999 -j X", "-m owner ! --uid-owner 1000-1999 -j X"),
        (
            "-p tcp -m multiport --dports 80,443,8000:8010 -j REDIRECT --to-ports 8080",
            "-p tcp -m multiport --dports 80,443,8000:8010 -j REDIRECT --to-ports 8080",
        ),
        (
            "-p tcp -m comment --comment lab -j DNAT --to-destination 127.0.0.1:81",
            '-p tcp -m comment --comment "lab" -j DNAT --to-destination 127.0.0.1:81',
        ),
        ("-p udp -j REJECT", "-p udp -j REJECT --reject-with icmp-port-unreachable"),
        ("-p all", ""),
    ],
)
def test_rules_are_shown_as_they_are_written(text: str, shown: str) -> None:
    assert rule(text).shown() == shown
    # What is shown can be given back.
    if '"' not in shown:
        assert rule(shown) == rule(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--fly", 'unknown option "--fly"'),
        ("-p", 'option "-p" requires an argument'),
        ("-p sctp4", 'unknown protocol "sctp4" specified'),
        ("-d nowhere", "host/network `nowhere' not found"),
        ("-d ::1", "host/network `::1' not found"),
        ("--dport 80", 'unknown option "--dport"'),
        ("-p tcp --dport 65536", "invalid port/service or number `65536' specified"),
        ("-p tcp --dport x", "invalid port/service or number `x' specified"),
        ("-m time", "Couldn't load match `time'"),
        ("-j DNAT", 'DNAT: option "--to-destination" must be specified'),
        ("-j DNAT --to-destination 1.2.3", 'Bad IP address "1.2.3"'),
        ("-j DNAT --to-destination 1.2.3.4:99999", 'Bad IP address "1.2.3.4:99999"'),
        ("-j DNAT --to-destination [::1]:80", "Bad IP address"),
        ("-j ACCEPT --to-destination 1.2.3.4", 'unknown option "--to-destination"'),
        ("-j ACCEPT --reject-with tcp-reset", 'unknown option "--reject-with"'),
        ("! -j ACCEPT", 'unexpected "!" before "-j"'),
        ("--uid-owner nobody7", "invalid port/service or number `nobody7' specified"),
        (" ".join(["-p tcp"] * 200), "the rule is too long"),
    ],
)
def test_rules_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(BadRule) as raised:
        rule(text)
    assert words in str(raised.value)


@given(
    st.lists(
        st.sampled_from(["-p", "-d", "-o", "-m", "-j", "!", "--dport", "tcp", "80", "::1"])
        | st.text()
    )
)
def test_every_specification_is_a_rule_or_refused(words: list[str]) -> None:
    for family in (4, 6):
        try:
            shown = read_rule(words, family).shown()
        except BadRule:
            continue
        assert isinstance(shown, str)


FLOWS = st.builds(
    Flow,
    st.sampled_from(Transport),
    st.sampled_from(["198.51.100.1", "127.0.0.1", "10.0.0.7"]),
    st.sampled_from([53, 80, 443, 8005]),
    st.sampled_from([0, 1051, 10_100]),
)
MATCHES = [
    ("-p tcp", lambda flow: flow.protocol == "tcp"),
    ("-p udp", lambda flow: flow.protocol == "udp"),
    ("-d 127.0.0.0/8", lambda flow: flow.host == "127.0.0.1"),
    ("! -d 10.0.0.0/8", lambda flow: flow.host != "10.0.0.7"),
    ("-p tcp --dport 443", lambda flow: (flow.protocol, flow.port) == ("tcp", 443)),
    ("-p udp ! --dport 53", lambda flow: flow.protocol == "udp" and flow.port != 53),
    ("-p tcp --dport 8000:8010", lambda flow: (flow.protocol, flow.port) == ("tcp", 8005)),
    ("-m owner --uid-owner 10100", lambda flow: flow.uid == 10_100),
    ("-m owner ! --uid-owner root", lambda flow: flow.uid != 0),
    ("-o lo", lambda flow: flow.host == "127.0.0.1"),
    ("! -o lo", lambda flow: flow.host != "127.0.0.1"),
    ("-o wl+", lambda flow: flow.host != "127.0.0.1"),
]


@given(FLOWS, st.sampled_from(MATCHES))
def test_what_a_rule_applies_to(flow: Flow, match: tuple[str, object]) -> None:
    text, expected = match
    assert callable(expected)
    assert rule(f"{text} -j DROP").applies(flow) is expected(flow)


# Tables.


def test_a_connection_is_led_elsewhere() -> None:
    packets = filtered(
        "nat",
        "LAB -d 127.0.0.0/8 -j RETURN",
        "LAB -p udp --dport 53 -j DNAT --to-destination 127.0.0.9:5353",
        "LAB -p tcp --dport 443 -m owner --uid-owner 10100 -j DNAT --to-destination 127.0.0.1:8443",
        "LAB -p tcp --dport 80 -j REDIRECT --to-ports 8080",
        "LAB -p tcp --dport 25 -j DNAT --to-destination 10.0.0.1",
        "OUTPUT -j LAB",
    )
    for flow, target in (
        (WEB, Endpoint("127.0.0.1", 8443)),
        (Flow(Transport.TCP, WEB.host, 443, 10_101), None),
        (Flow(Transport.TCP, WEB.host, 80), Endpoint("127.0.0.1", 8080)),
        (Flow(Transport.TCP, "127.0.0.1", 80), None),
        (Flow(Transport.UDP, WEB.host, 53), Endpoint("127.0.0.9", 5353)),
        (Flow(Transport.TCP, WEB.host, 25), Endpoint("10.0.0.1", 25)),
    ):
        assert packets.decide(flow) == Ruling(Fate.PASS, target)
    # IPv6 has tables of its own.
    assert packets.decide(Flow(Transport.TCP, "2001:db8::1", 80)) == Ruling()
    packets.reset()
    assert packets.decide(WEB) == Ruling()


def test_a_connection_is_refused() -> None:
    packets = filtered(
        "filter",
        "OUTPUT -p udp --dport 443 -j REJECT",
        "OUTPUT -d 10.0.0.0/8 -j DROP",
    )
    assert packets.decide(WEB) == Ruling()
    assert packets.decide(Flow(Transport.UDP, WEB.host, 443)).fate is Fate.REJECT
    assert packets.decide(Flow(Transport.TCP, "10.0.0.1", 443)).fate is Fate.DROP
    # It is seen where it leads by then.
    packets.table(4, "nat").insert("OUTPUT", rule("-p tcp -j DNAT --to-destination 10.0.0.2:1"))
    assert packets.decide(WEB) == Ruling(Fate.DROP, Endpoint("10.0.0.2", 1))
    six = filtered("filter", "OUTPUT -p tcp -j REJECT", family=6)
    assert six.decide(Flow(Transport.TCP, "2001:db8::1", 443)).fate is Fate.REJECT
    assert six.decide(WEB).fate is Fate.PASS


def test_policies() -> None:
    packets = filtered("filter", "OUTPUT -d 127.0.0.0/8 -j ACCEPT")
    packets.table(4, "filter").set_policy("OUTPUT", "DROP")
    assert packets.decide(WEB).fate is Fate.DROP
    assert packets.decide(Flow(Transport.TCP, "127.0.0.1", 1)).fate is Fate.PASS
    for name, policy in (("OUTPUT", "REJECT"), ("OUTPUT", "")):
        with pytest.raises(BadRule, match="Bad policy name"):
            packets.table(4, "filter").set_policy(name, policy)


def test_a_chain_returns_to_where_it_was_called() -> None:
    packets = filtered(
        "filter",
        "A -p udp -j ACCEPT",
        "A -d 10.0.0.1 -j RETURN",
        "A -d 10.0.0.2 -j DROP",
        "OUTPUT",
        "OUTPUT -j A",
        "OUTPUT -d 10.0.0.0/8 -j REJECT",
    )
    fates = {
        ("udp", "10.0.0.2"): Fate.PASS,
        ("tcp", "10.0.0.1"): Fate.REJECT,
        ("tcp", "10.0.0.2"): Fate.DROP,
        ("tcp", "10.0.0.3"): Fate.REJECT,
        ("tcp", "192.0.2.1"): Fate.PASS,
    }
    for (protocol, host), fate in fates.items():
        assert packets.decide(Flow(Transport(protocol), host, 1)).fate is fate


def test_what_a_table_refuses() -> None:
    table = Table("nat")
    table.new("A")
    table.new("B")
    table.insert("A", rule("-j B"))
    for work, words in (
        (lambda: table.insert("none", rule("-j ACCEPT")), "No chain/target/match by that name."),
        (lambda: table.insert("A", rule("-j C")), "No chain/target/match by that name."),
        (lambda: table.insert("A", rule("-j REJECT")), "No chain/target/match by that name."),
        (lambda: table.insert("A", rule("-j OUTPUT")), "Invalid argument."),
        (lambda: table.insert("B", rule("-j A")), "Too many levels of symbolic links"),
        (lambda: table.insert("A", rule("-j A")), "Too many levels of symbolic links"),
        (lambda: table.insert("A", rule("-j ACCEPT"), 3), "Index of insertion too big."),
        (lambda: table.delete("A", rule("-j ACCEPT")), "Bad rule (does a matching rule exist"),
        (lambda: table.delete_number("A", 2), "Index of deletion too big."),
        (lambda: table.delete_number("A", 0), "Index of deletion too big."),
        (lambda: table.new("A"), "Chain already exists."),
        (lambda: table.new("x" * 29), "chain name"),
        (lambda: table.new("DNAT"), "chain name"),
        (lambda: table.remove("A"), "Directory not empty."),
        (lambda: table.remove("B"), "Too many links."),
        (lambda: table.remove("OUTPUT"), "Invalid argument."),
        (lambda: PacketFilter().table(4, "none"), "Table does not exist"),
    ):
        with pytest.raises(BadRule) as raised:
            work()
        assert words in str(raised.value)
    table.flush(None)
    table.remove(None)
    assert "A" not in table.chains


def test_a_table_has_its_limit() -> None:
    table = Table("filter")
    for _ in range(MAX_RULES):
        table.insert("OUTPUT", rule("-j ACCEPT"))
    with pytest.raises(BadRule, match="Memory allocation problem"):
        table.insert("INPUT", rule("-j ACCEPT"))
