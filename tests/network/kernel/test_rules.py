from __future__ import annotations

from lab.network.kernel.access_point import change_filter, lay_out
from lab.network.kernel.namespace import Namespace, find_programs
from lab.network.kernel.rules import RULES, Closed, Way, admitted, closing, dismissed

ONE, OTHER = "02:54:50:00:00:00", "02:54:50:00:00:01"
WAY = Way(ONE, 4001, 4002)


def test_nft_takes_the_rules_and_every_change(namespace: Namespace) -> None:
    lay_out(namespace, "192.0.2.1/24")
    closed = Closed(frozenset({"198.51.100.1", "198.51.100.2"}), frozenset({"198.51.100.1"}))
    changes = (admitted(WAY), closing(ONE, Closed(), closed), closing(ONE, closed, Closed()))
    listed = []
    for change in (*changes, dismissed(WAY)):
        change_filter(namespace, change)
        nft = find_programs({"nft": "nftables"})["nft"]
        listed.append(namespace.run([nft, "list", "ruleset"]).stdout)
    assert "198.51.100.2" not in listed[0]
    assert ONE in listed[0]
    assert "198.51.100.2" in listed[1]
    assert "198.51.100.2" not in listed[2]
    assert ONE not in listed[3]


def test_only_what_changes_is_changed() -> None:
    before = Closed(frozenset({"198.51.100.1", "198.51.100.2"}))
    after = Closed(frozenset({"198.51.100.2"}), frozenset({"198.51.100.3"}))
    assert closing(ONE, before, before) == ""
    assert closing(OTHER, before, after) == (
        f"delete element inet lab closed {{ {OTHER} . 198.51.100.1 }}\n"
        f"add element inet lab closed_clear {{ {OTHER} . 198.51.100.3 }}\n"
    )


def test_nothing_is_passed_on() -> None:
    assert "hook forward priority filter; policy drop;" in RULES
