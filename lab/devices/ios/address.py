"""How an iPhone is reached, as its undo journal keeps it. Holds no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.devices.iphone_models import IosSettings
from lab.devices.item import Value

if TYPE_CHECKING:
    from lab.devices.ios.reach import Reach


def address_of(settings: IosSettings) -> Mapping[str, Value]:
    """Return how an iPhone is reached, as its undo journal keeps it."""
    return {"udid": settings.udid, "usbmuxd": settings.usbmuxd}


def is_iphone(address: Mapping[str, Value]) -> bool:
    """Tell whether an address is an iPhone's."""
    return set(address) == {"udid", "usbmuxd"}


def reach_of(address: Mapping[str, Value]) -> Reach:
    """Return the way to the iPhone at an address of ``address_of``. Raises ValueError for what is
    none."""
    # Here, not above: whether an address is an iPhone's is asked where there is none, too.
    from lab.devices.ios.reach import Reach
    from lab.devices.ios.usbmux import UDID, Usbmux

    match dict(address):
        case {"udid": str(udid), "usbmuxd": str(place)} if UDID.fullmatch(udid):
            return Reach(Usbmux(place), udid)
    raise ValueError(f"{sorted(address)} is no address that this version of the lab knows")
