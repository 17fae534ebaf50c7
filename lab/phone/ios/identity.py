"""Which iPhone it is: what lockdownd, Settings and the automation endpoint say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BUILDS: Final[Mapping[str, str]] = {"18.5": "22F76", "26.1": "23B85"}
"""The versions of iOS that a virtual iPhone can be, and Apple's name for the build of each."""
NEWEST = "18.5"
"""The version where nothing is said."""


@dataclass(frozen=True, slots=True)
class IPhoneIdentity:
    """Who a phone is. Implements ``screen_seam.Identity``."""

    udid: str
    """As usbmuxd names it: 8 and 16 hexadecimal digits."""
    name: str
    """What its user calls it."""
    version: str
    build: str
    serial: str
    wifi_address: str
    product_type: str = "iPhone15,4"
    model_name: str = "iPhone 15"
    hardware: str = "D37AP"


def identity_of(name: str, version: str = NEWEST) -> IPhoneIdentity:
    """Return the identity of the virtual iPhone of this name: the same one each time. Raises
    ValueError for a version that it cannot be."""
    build = BUILDS.get(version)
    if build is None:
        raise ValueError(f"no iPhone of the lab's has it; there are {', '.join(BUILDS)}")
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    # 8120 is the chip of an iPhone 15; the rest of a real one is the chip's own number.
    udid = f"00008120-{digest[:16].upper()}"
    serial = f"VP{digest[16:24].upper()}"
    # Locally administered, as a private Wi-Fi address is (IEEE 802-2014 section 8.2.2).
    octets = ["02", *(digest[at : at + 2] for at in range(24, 34, 2))]
    return IPhoneIdentity(udid, name, version, build, serial, ":".join(octets))
