"""Whether an interface may become the lab's access point: a radio, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lab.network.hardware.machine import Machine
from lab.network.hardware.plan import AccessPlan

INTERFACES = Path("/sys/class/net")
SUPPLICANTS = Path("/run/wpa_supplicant")
NETWORKD = Path("/run/systemd/netif/links")

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "hostapd": "hostapd",
    "dnsmasq": "dnsmasq-base",
}
"""What is needed of the machine, and the package that has it."""


class Refused(Exception):
    """This machine cannot be the access point, or must not; the message says why and what to do,
    in one sentence."""


def check_machine(machine: Machine, plan: AccessPlan, *, root: bool) -> None:
    """Raise Refused with the first thing that is in the way. Nothing is changed."""
    if not root:
        raise Refused("an access point needs root: run it with sudo")
    for program, package in PROGRAMS.items():
        if machine.run([program, "--version" if program != "ip" else "-V"]).code == 127:
            raise Refused(f"the program {program} is not installed (package {package})")
    check_interfaces(machine, plan)


def check_interfaces(
    machine: Machine,
    plan: AccessPlan,
    *,
    interfaces: Path = INTERFACES,
    supplicants: Path = SUPPLICANTS,
    networkd: Path = NETWORKD,
) -> None:
    """Raise Refused where the plan's interfaces are not what they must be, or somebody's."""
    name, upstream = plan.interface, plan.upstream
    for wanted in filter(None, (name, upstream)):
        if not (interfaces / wanted).exists():
            known = ", ".join(sorted(each.name for each in interfaces.glob("*"))) or "none"
            raise Refused(f"there is no interface {wanted}; there are: {known}")
    # First, as nothing would be worse: the machine would lose its own way out.
    for default in default_routes(machine):
        if default == name:
            raise Refused(f"{name} carries this machine's default route: take another interface")
    radio = interfaces / name / "phy80211"
    if not radio.exists():
        raise Refused(f"{name} is no Wi-Fi interface")
    for switch in radio.glob("rfkill*"):
        if any(_told(switch / kind) == "1" for kind in ("soft", "hard")):
            raise Refused(f"the radio of {name} is switched off: rfkill unblock wifi")
    _check_managers(machine, name, interfaces / name, supplicants, networkd)


def default_routes(machine: Machine) -> Sequence[str]:
    """Return the interfaces that default routes lead over, of both kinds of addresses. Raises
    Refused where that cannot be told."""
    found: list[str] = []
    for kind in ("-4", "-6"):
        done = machine.run(["ip", "-json", kind, "route", "show", "default"])
        try:
            routes = json.loads(done.said or "[]") if done.code == 0 else None
            assert isinstance(routes, list)
        except (ValueError, AssertionError):
            raise Refused(f"the default route cannot be told: {done.said.strip()[:200]}") from None
        for route in routes:
            hops = route.get("nexthops", [route])
            found += [hop["dev"] for hop in hops if "dev" in hop]
    return found


def _check_managers(
    machine: Machine, name: str, interface: Path, supplicants: Path, networkd: Path
) -> None:
    told = machine.run(["nmcli", "-t", "-f", "DEVICE,STATE", "device"])
    for line in told.said.splitlines() if told.code == 0 else ():
        device, _, state = line.partition(":")
        if device == name and state not in ("unmanaged", "unavailable"):
            raise Refused(
                f"NetworkManager holds {name} ({state}): nmcli device set {name} managed no"
            )
    if (supplicants / name).exists():
        raise Refused(f"wpa_supplicant holds {name}: wpa_cli -i {name} terminate")
    link = _told(networkd / _told(interface / "ifindex"))
    if "ADMIN_STATE=" in link and "ADMIN_STATE=unmanaged" not in link:
        raise Refused(
            f"systemd-networkd holds {name}: give it a .network file with Unmanaged=yes, and "
            "networkctl reload"
        )
    if machine.run(["pgrep", "-x", "iwd"]).code == 0:
        raise Refused("iwd takes every Wi-Fi interface: systemctl stop iwd")


def _told(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
