from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.adversary.names import ATTACKER_ADDRESS, MAX_HOSTS, Names, normal, printable


def test_every_host_has_an_address_and_back() -> None:
    names = Names(["A.test", "b.test.", "a.test"])
    assert names.hosts == ("a.test", "b.test")
    assert names.address_of("a.test") == "198.51.100.1"
    assert names.address_of("b.test") == "198.51.100.2"
    assert names.address_of("c.test") is None
    assert names.name_of("198.51.100.2") == "b.test"
    assert names.name_of("198.51.100.3") == "198.51.100.3"
    assert names.name_of("B.Test.") == "b.test"
    assert names.name_of(ATTACKER_ADDRESS) is None


def test_addresses_are_real_ones() -> None:
    hosts = [f"h{n}.test" for n in range(MAX_HOSTS)]
    names = Names(hosts)
    addresses = [ipaddress.IPv4Address(names.address_of(host) or "") for host in hosts]
    assert len(set(addresses)) == MAX_HOSTS
    with pytest.raises(ValueError, match="at most 254 hosts can be declared, not 255"):
        Names([*hosts, "one.more.test"])


@pytest.mark.parametrize(
    "written", ["xn--bcher-kva.acme.test", "Bücher.Acme.Test", "bu\u0308cher.acme.test."]
)
def test_international_names_are_in_a_labels_however_they_came(written: str) -> None:
    assert normal(written) == "xn--bcher-kva.acme.test"


def test_what_is_no_international_name_is_escaped() -> None:
    assert normal("\xfc" * 64 + ".test") == "\\xfc" * 64 + ".test"


@given(st.text())
def test_names_from_outside_are_printable_and_short(text: str) -> None:
    made = normal(text)
    assert made.isascii()
    assert made.isprintable()
    assert len(made) <= 253 * 10
    assert made == made.lower()


@given(st.text(st.characters(codec="ascii", categories=["L", "N"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
