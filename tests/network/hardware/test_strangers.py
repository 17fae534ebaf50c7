from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.network.hardware.strangers import MAX_NAMES, Strangers


def heard(*lines: str) -> list[str]:
    strangers = Strangers("acme.test")
    for line in lines:
        strangers.hear(line)
    strangers.close()
    return strangers.told()


def test_questions_are_counted_by_name() -> None:
    assert heard(
        "dnsmasq: query[A] Bank.example from 192.168.77.100",
        "dnsmasq: query[AAAA] bank.example from 192.168.77.100",
        "dnsmasq: forwarded bank.example to 9.9.9.9",
        "dnsmasq: query[HTTPS] other.example from 192.168.77.101",
    ) == [
        "bank.example: 2 look-ups, 0 connections",
        "other.example: 1 look-up, 0 connections",
    ]


def test_the_labs_own_are_not_strangers() -> None:
    asked = ("acme.test", "api.acme.test", "not-acme.test")
    assert heard(*(f"query[A] {name} from 192.168.77.100" for name in asked)) == [
        "not-acme.test: 1 look-up, 0 connections"
    ]


def test_names_beyond_count_are_counted_together() -> None:
    names = [f"n{number}.example" for number in range(MAX_NAMES + 5)]
    told = heard(*(f"query[A] {name} from 192.168.77.100" for name in names))
    assert len(told) == MAX_NAMES + 1
    assert told[0] == "others: 5 look-ups, 0 connections"


@given(st.text())
def test_whatever_a_name_is_it_can_be_printed(name: str) -> None:
    (line, *_) = heard(f"query[A] x{name.replace(' ', '')} from 192.168.77.100") or [""]
    assert line.isascii()
    assert line.isprintable()
