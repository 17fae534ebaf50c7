from __future__ import annotations

import pytest

from lab.model.device import Endpoint
from lab.phone.android.system import AndroidSystem
from lab.phone.routing import Flow, Transport
from tests.phone.android.shell.conftest import Run

SETUP = [
    "iptables -w -t nat -N LAB 2>/dev/null; iptables -w -t nat -F LAB",
    "iptables -w 5 -t nat -A LAB -d 127.0.0.0/8 -j RETURN",
    "iptables -t nat -A LAB -p tcp --dport 443 -j DNAT --to-destination 127.0.0.1:8443",
    "iptables -t nat -C OUTPUT -j LAB 2>/dev/null || iptables -t nat -I OUTPUT 1 -j LAB",
]


def test_a_chain_of_ones_own(run: Run, system: AndroidSystem) -> None:
    flow = Flow(Transport.TCP, "198.51.100.1", 443)
    for _ in range(2):
        for line in SETUP:
            assert run(line) == ("", "", 0)
    assert run("iptables -t nat -S")[0] == (
        "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n"
        "-N LAB\n"
        "-A OUTPUT -j LAB\n"
        "-A LAB -d 127.0.0.0/8 -j RETURN\n"
        "-A LAB -p tcp -m tcp --dport 443 -j DNAT --to-destination 127.0.0.1:8443\n"
    )
    assert system.iptables.decide(flow).target == Endpoint("127.0.0.1", 8443)
    assert run("iptables -t nat -S LAB | wc -l")[0] == "3\n"
    assert run("iptables-save -t nat")[0].splitlines()[-4:-1] == [
        "-A OUTPUT -j LAB",
        "-A LAB -d 127.0.0.0/8 -j RETURN",
        "-A LAB -p tcp -m tcp --dport 443 -j DNAT --to-destination 127.0.0.1:8443",
    ]
    assert ":LAB - [0:0]\n" in run("iptables-save")[0]
    assert "LAB" not in run("ip6tables-save; iptables -S; ip6tables -t nat -S")[0]
    for line in ("-D OUTPUT -j LAB", "-F LAB", "-X LAB"):
        assert run(f"iptables -t nat {line}") == ("", "", 0)
    assert system.iptables.decide(flow).target is None


def test_looking_at_rules(run: Run) -> None:
    run("iptables -N A; iptables -A OUTPUT -p udp --dport 443 -j REJECT; iptables -A OUTPUT -j A")
    out = run("iptables -nL OUTPUT --line-numbers")[0].splitlines()
    assert out[0] == "Chain OUTPUT (policy ACCEPT)"
    assert out[2].split()[:3] == ["1", "REJECT", "udp"]
    assert "--reject-with icmp-port-unreachable" in out[2]
    assert "Chain A (1 references)" in run("iptables -L -n -v")[0]
    assert (
        run("iptables -D OUTPUT 1; iptables -S OUTPUT")[0] == "-P OUTPUT ACCEPT\n-A OUTPUT -j A\n"
    )
    assert run("iptables -P OUTPUT DROP; iptables -S OUTPUT | head -1")[0] == "-P OUTPUT DROP\n"


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("-t nat -X NONE", "iptables: No chain/target/match by that name.", 1),
        ("-t nat -D OUTPUT -j ACCEPT", "iptables: Bad rule (does a matching rule", 1),
        ("-C OUTPUT -j ACCEPT", "iptables: Bad rule (does a matching rule", 1),
        ("-t none -S", "iptables v1.8.7 (legacy): can't initialize iptables table `none'", 2),
        ("-A OUTPUT --fly x", 'iptables v1.8.7 (legacy): unknown option "--fly"', 2),
        ("-A OUTPUT -j FLY", "iptables: No chain/target/match by that name.", 1),
        ("-A", 'iptables v1.8.7 (legacy): option "-A" requires an argument', 2),
        ("", "iptables v1.8.7 (legacy): no command specified", 2),
    ],
)
def test_mistakes(run: Run, line: str, message: str, code: int) -> None:
    out, err, found = run(f"iptables {line}")
    assert (out, found) == ("", code)
    assert err.startswith(message)
