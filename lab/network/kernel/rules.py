"""What an access point's packet filter does (nftables), as text for ``nft -f``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TABLE = "inet lab"
ARP_TABLE = "arp lab"
SHARED = "shared0"
"""The honest gateway's interface on the attacker's network."""
HONEST = "02:54:50:ff:00:02"
"""Its hardware address there."""

RULES = f"""\
table {TABLE} {{
    # Where the connections and the questions of each station are taken to.
    map doors {{ type ether_addr : inet_service; }}
    map resolvers {{ type ether_addr : inet_service; }}
    # To whom nothing is open: on the port of HTTPS, and on every other.
    set closed {{ type ether_addr . ipv4_addr; }}
    set closed_clear {{ type ether_addr . ipv4_addr; }}
    counter quic {{ }}
    counter private_dns {{ }}
    counter other {{ }}
    # After the taps, so that captures hold what is refused here; before addresses are rewritten.
    chain refuse {{
        type filter hook prerouting priority mangle; policy accept;
        iifname != {{ "ap0", "{SHARED}" }} accept
        iifname "ap0" ether daddr {HONEST} accept
        iifname "ap0" ether saddr {HONEST} accept
        tcp dport 443 ether saddr . ip daddr @closed reject with tcp reset
        tcp dport != 443 ether saddr . ip daddr @closed_clear reject with tcp reset
        udp dport 443 counter name quic reject
        tcp dport 853 counter name private_dns reject with tcp reset
        udp dport 853 counter name private_dns reject
        udp dport {{ 53, 67 }} accept
        meta l4proto udp counter name other reject
    }}
    chain take {{
        type nat hook prerouting priority dstnat; policy accept;
        iifname != {{ "ap0", "{SHARED}" }} accept
        iifname "ap0" ether daddr {HONEST} accept
        iifname "ap0" ether saddr {HONEST} accept
        udp dport 53 redirect to :ether saddr map @resolvers
        meta l4proto tcp redirect to :ether saddr map @doors
    }}
    # Nothing passes through: there is nobody behind this access point but the lab. What a bridge
    # passes on is not its owner's, and comes by here where the module br_netfilter is loaded.
    chain pass {{
        type filter hook forward priority filter; policy drop;
        iifname "ap0" oifname "ap0" accept
    }}
}}
table {ARP_TABLE} {{
    # Stations that are to find another gateway at the router's address than the network's owner.
    set guests {{ type ether_addr; }}
    set addresses_of_guests {{ type ipv4_addr; }}
    chain answer {{
        type filter hook input priority filter; policy accept;
        arp operation != request accept
        iifname "ap0" ether daddr ff:ff:ff:ff:ff:ff arp saddr ether @guests drop
        iifname "{SHARED}" arp saddr ether != @guests drop
    }}
    # A station believes who asks for it, too (RFC 826: the sender's address is noted first).
    chain ask {{
        type filter hook output priority filter; policy accept;
        oifname "{SHARED}" arp daddr ip != @addresses_of_guests drop
    }}
}}
"""
"""The rules of an access point whose stations are on the bridge ``ap0``.

Every TCP connection, wherever it leads and over whichever IP, ends at the listener of the station
that opened it, which asks the kernel for the original destination (SO_ORIGINAL_DST). A station is
known by its hardware address. Every question to a resolver, whichever it was for, is answered by
the station's own, over IPv4; DNS over TLS (port 853) is refused. Of UDP nothing else gets through;
HTTP/3 (UDP port 443) is counted apart. What is not let through is refused, not dropped, so that
nobody waits for it.

Who asks for the router's hardware address is answered by one gateway alone. Who asks the attacker
himself, because he has been taken for it, is answered by him. The honest gateway speaks to nobody
but those who are to find it: a connection that one of them left behind may make it ask for him long
afterwards, and he would take it for his gateway again.
"""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the packets of one station are taken to."""

    station: str
    """Its hardware address."""
    door: int
    """Port of the listener for its connections."""
    resolver: int
    """Port of its resolver."""


def admitted(way: Way) -> str:
    """Return what lets a station in."""
    return _elements(
        "add",
        ("doors", (f"{way.station} : {way.door}",)),
        ("resolvers", (f"{way.station} : {way.resolver}",)),
    )


def dismissed(way: Way) -> str:
    """Return what takes that back."""
    return _elements("delete", ("doors", (way.station,)), ("resolvers", (way.station,)))


def guest(station: str, address: str) -> str:
    """Return what lets a station, of this hardware and this IPv4 address, find the honest gateway
    at the router's address."""
    return _guest("add", station, address)


def no_guest(station: str, address: str) -> str:
    """Return what takes that back."""
    return _guest("delete", station, address)


def _guest(verb: str, station: str, address: str) -> str:
    return (
        f"{verb} element {ARP_TABLE} guests {{ {station} }}\n"
        f"{verb} element {ARP_TABLE} addresses_of_guests {{ {address} }}\n"
    )


@dataclass(frozen=True, slots=True)
class Closed:
    """Addresses at which a station finds nothing open."""

    tls: frozenset[str] = frozenset()
    """On port 443."""
    clear: frozenset[str] = frozenset()
    """On every other port."""


def closing(station: str, before: Closed, after: Closed) -> str:
    """Return what closes ``after`` to a station, and opens what else was closed ``before``; empty
    where nothing changes."""
    sets = (("closed", before.tls, after.tls), ("closed_clear", before.clear, after.clear))
    gone = [(name, _pairs(station, old - new)) for name, old, new in sets]
    come = [(name, _pairs(station, new - old)) for name, old, new in sets]
    return _elements("delete", *gone) + _elements("add", *come)


def _pairs(station: str, addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{station} . {address}" for address in sorted(addresses))


def _elements(verb: str, *sets: tuple[str, tuple[str, ...]]) -> str:
    return "".join(
        f"{verb} element {TABLE} {name} {{ {', '.join(elements)} }}\n"
        for name, elements in sets
        if elements
    )
