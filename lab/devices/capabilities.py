"""What a command device cannot do, and why: the cases that need it are not applicable."""

from __future__ import annotations

from pathlib import PurePath

from lab.devices.models import CommandSettings
from lab.model.attack import Need, RouteKind
from lab.model.pins import PinKind

NO_SEGMENT = "the simulated Wi-Fi has no segment that another station could be on"


def program_of(settings: CommandSettings) -> str:
    """Return the program's name, without its folder."""
    return PurePath(settings.argv[0].source).name


def lack(settings: CommandSettings, need: Need, *, lodged: bool = False) -> str | None:
    """Say why ``need`` cannot be met, or None where it can.

    ``lodged`` tells whether the program joins the rogue Wi-Fi without knowing of it.
    """
    program = program_of(settings)
    return settings.capabilities.get(need) or {
        Need.CONFIGURATION: f"{program} has static pins: it fetches no configuration",
        Need.REFUSES_OLDER: f"{program} has static pins: it fetches no configuration",
        Need.KEEPS_CONFIGURATION: f"{program} has static pins: it fetches no configuration",
        Need.ANDROID_RULES: f"{program} has rules of its own where RFC 5280 leaves it a choice",
        Need.USER_STORE: f"{program} has one trust store: there is no user's beside the system's",
        Need.USER_STORE_APART: f"{program} has one trust store: there is no user's beside the "
        "system's",
        Need.SYSTEM_STORE: None
        if settings.reads_trust_store
        else f"{program} is not given the lab's {{trust_store}}, so it trusts no CA of the lab",
        Need.CLOCK: f"{program} goes by this machine's clock, which the lab does not move",
        Need.REPORT: f"{program} reports failures to nobody",
        Need.COLLECTOR: f"{program} reports failures to nobody",
        Need.LOG: f"{program} keeps no log of its own with times",
        Need.PROXY: None
        if RouteKind.PROXY in settings.routes.kinds
        else f"devices.yaml gives no arguments that send {program} over a proxy",
        Need.WIFI: None
        if lodged or RouteKind.WIFI in settings.routes.kinds
        else f"devices.yaml gives no arguments that send {program} over the rogue Wi-Fi",
        Need.IPV6: _no_ipv6(settings, lodged),
        Need.SEGMENT: None if lodged else NO_SEGMENT,
        Need.SEVERAL_REQUESTS: f"{program} makes each request in a process of its own",
        Need.REDIRECTS: f"{program} is given one host's pins, and a redirect leads to another",
        Need.PERMISSIVE: f"{program} has no permissive mode: it knows no registered hosts",
        Need.PIN_EXPIRY: f"{program} is given its pins without an expiry",
        Need.REGISTRATION: f"{program} knows no registered hosts: it is given pins per request",
        Need.LEAF_PINS: None
        if PinKind.LEAF_SHA256 in settings.pin_kinds
        else f"{program} is given no pins of whole certificates",
        Need.SHA512_PINS: None
        if _long_pins(settings.pin_kinds) <= settings.pin_kinds
        else f"{program} is given no SHA-512 pins",
    }.get(need)


def _no_ipv6(settings: CommandSettings, lodged: bool) -> str | None:
    if not lodged:
        return f"{program_of(settings)} is led to the simulated Wi-Fi by an IPv4 address"
    if settings.binds_source:
        return f"{program_of(settings)} is told to come from an IPv4 address"
    return None


def _long_pins(kinds: frozenset[PinKind]) -> frozenset[PinKind]:
    """Return the SHA-512 pins that a program must take: of leaves, too, if it pins leaves."""
    leaf = {PinKind.LEAF_SHA512} if PinKind.LEAF_SHA256 in kinds else frozenset[PinKind]()
    return frozenset({PinKind.SPKI_SHA512}) | leaf
