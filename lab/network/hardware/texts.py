"""What hostapd, dnsmasq and nftables are told, as text."""

from __future__ import annotations

from pathlib import Path

from lab.network.hardware.plan import DOOR_PORT, RESOLVER_PORT, AccessPlan, Security

TABLE = "inet trustpin_lab_wifi"
"""The table of the packet filter that is the lab's; no other is touched."""
LEASE = "1h"
FIRST_5_GHZ = 36

_KEYS = {
    Security.OPEN: (),
    Security.WPA2: ("wpa=2", "wpa_key_mgmt=WPA-PSK", "rsn_pairwise=CCMP", "ieee80211w=1"),
    # Required management frame protection, and both ways to derive the password element.
    Security.WPA3: (
        "wpa=2",
        "wpa_key_mgmt=SAE",
        "rsn_pairwise=CCMP",
        "ieee80211w=2",
        "sae_require_mfp=1",
        "sae_pwe=2",
    ),
}


def hostapd_conf(plan: AccessPlan) -> str:
    """Return the configuration of hostapd (hostapd.conf(5)); it holds the passphrase."""
    lines = [
        f"interface={plan.interface}",
        "driver=nl80211",
        # As bytes: a name in quotes would need escaping.
        f"ssid2={plan.ssid.encode('utf-8').hex()}",
        "utf8_ssid=1",
        f"country_code={plan.country}",
        "ieee80211d=1",
        f"hw_mode={'a' if plan.channel >= FIRST_5_GHZ else 'g'}",
        f"channel={plan.channel}",
        "ieee80211n=1",
        "wmm_enabled=1",
        "auth_algs=1",
        # Phones on it have nothing to do with each other.
        "ap_isolate=1",
        *_KEYS[plan.security],
    ]
    if plan.passphrase is not None:
        lines.append(f"wpa_passphrase={plan.passphrase}")
    return _text(lines)


def dnsmasq_conf(plan: AccessPlan, leases: Path) -> str:
    """Return the configuration of dnsmasq (dnsmasq(8)), which keeps its leases in a file.

    Questions for the lab's domain go to the run's resolver, all others to this machine's where
    there is a way to the internet. Nothing is remembered.
    """
    first, last = plan.range
    lines = [
        f"interface={plan.interface}",
        "except-interface=lo",
        "bind-interfaces",
        "no-hosts",
        "cache-size=0",
        f"server=/{plan.domain}/{plan.router}#{RESOLVER_PORT}",
        f"dhcp-range={first},{last},{plan.hosts.netmask},{LEASE}",
        f"dhcp-option=option:router,{plan.router}",
        f"dhcp-option=option:dns-server,{plan.router}",
        "domain=lan",
        "dhcp-authoritative",
        # Looking whether an address is in use takes three seconds, and nobody else gives any.
        "no-ping",
        f"dhcp-leasefile={leases}",
        "log-facility=-",
        # Told to who counts the names, and to nobody else.
        "log-queries",
        "pid-file=",
    ]
    if plan.upstream is None:
        lines.append("no-resolv")
    return _text(lines)


def nft_rules(plan: AccessPlan) -> str:
    """Return the packet filter, which replaces an earlier one of the lab's.

    Connections to the lab's hosts are taken to the run, which asks the kernel where they were
    bound for. Every question to a resolver is dnsmasq's. Ways around both, HTTP/3 and DNS over
    TLS, are refused and counted. The rest passes to the internet where there is a way, and is
    dropped where there is none; nothing of it is opened. Nothing on this machine but what the
    access point offers can be reached.
    """
    radio, network = f'"{plan.interface}"', str(plan.hosts)
    lab = ", ".join(plan.addresses)
    passes = hides = ""
    if plan.upstream is not None:
        passes = f'iifname {radio} oifname "{plan.upstream}" meta nfproto ipv4 accept'
        hides = f'ip saddr {network} oifname "{plan.upstream}" masquerade'
    return f"""\
table {TABLE}
delete table {TABLE}
table {TABLE} {{
    counter quic {{ }}
    counter private_dns {{ }}
    counter passed {{ }}
    chain refuse {{
        type filter hook prerouting priority mangle; policy accept;
        iifname != {radio} accept
        udp dport 443 counter name quic reject
        udp dport 853 counter name private_dns reject
        tcp dport 853 counter name private_dns reject with tcp reset
    }}
    chain take {{
        type nat hook prerouting priority dstnat; policy accept;
        iifname != {radio} accept
        udp dport 53 redirect
        tcp dport 53 redirect
        ip daddr {{ {lab} }} meta l4proto tcp redirect to :{DOOR_PORT}
    }}
    chain guard {{
        type filter hook input priority filter; policy accept;
        iifname != {radio} accept
        ct status dnat accept
        udp dport {{ 53, 67 }} accept
        tcp dport 53 accept
        ip protocol icmp accept
        drop
    }}
    chain pass {{
        type filter hook forward priority filter; policy accept;
        iifname {radio} counter name passed
        {passes}
        iifname {radio} drop
        oifname {radio} ct state established,related accept
        oifname {radio} drop
    }}
    chain hide {{
        type nat hook postrouting priority srcnat; policy accept;
        {hides}
    }}
}}
"""


def nft_removal() -> str:
    """Return what takes the packet filter away again, whether it is there or not."""
    return f"table {TABLE}\ndelete table {TABLE}\n"


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
