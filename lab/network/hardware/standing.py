"""What is known of an access point that is up, or was when somebody killed it: one small file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.network.hardware.plan import INTERFACE, AccessPlan

FOLDER = Path("/run/trustpin-lab")
"""Gone after a restart, as the access point is. May be read by all: runs need no rights."""
FILE = "wifi.json"

HOSTAPD, DNSMASQ, LEASES = "hostapd.conf", "dnsmasq.conf", "leases"


class NotStanding(Exception):
    """There is no access point, or what is told of it cannot be believed; the message says so in
    one sentence."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An access point as it was put up. Nothing in it is secret."""

    interface: str
    ssid: str
    router: str
    """Its address."""
    network: str
    upstream: str | None
    forwarding: Mapping[str, str]
    """What each interface's switch for passing packets on was, before."""
    pid: int
    """Of the process that put it up."""

    @classmethod
    def of(cls, plan: AccessPlan, forwarding: Mapping[str, str]) -> Standing:
        """Return what is to be known of an access point that is about to be put up."""
        return cls(
            plan.interface,
            plan.ssid,
            plan.router,
            plan.network,
            plan.upstream,
            dict(forwarding),
            os.getpid(),
        )

    @property
    def address(self) -> str:
        """The interface's address, with the prefix length."""
        return f"{self.router}/{self.network.partition('/')[2]}"


def note(standing: Standing, folder: Path = FOLDER) -> None:
    """Write down what is about to be done. Raises OSError."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.new"
    unfinished.write_text(json.dumps(asdict(standing), indent=2), encoding="utf-8")
    unfinished.chmod(0o644)
    unfinished.replace(folder / FILE)


def noted(folder: Path = FOLDER) -> Standing:
    """Return what was written down. Raises NotStanding."""
    file = folder / FILE
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotStanding("there is no access point of the lab's on this machine") from None
    except (OSError, ValueError) as error:
        raise NotStanding(f"{file}: cannot be read: {error}") from None
    try:
        standing = Standing(**told)
        names = (standing.interface, *standing.forwarding)
        well_formed = all(INTERFACE.fullmatch(name) for name in names) and all(
            value in ("0", "1") for value in standing.forwarding.values()
        )
    except (TypeError, AttributeError):
        well_formed = False
    if not well_formed:
        raise NotStanding(f"{file}: this is not what the lab writes there; remove it")
    return standing


def forget(folder: Path = FOLDER) -> None:
    """Remove the files; the note itself last. Raises OSError."""
    for name in (HOSTAPD, DNSMASQ, LEASES, f"{FILE}.new", FILE):
        (folder / name).unlink(missing_ok=True)
