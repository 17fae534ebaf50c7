"""Lockdown's values: which there are, who may read and who may change them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lab.phone.ios.lockdown.handset import Handset, Prohibited
from lab.phone.ios.lockdown.plist import Plist

PROTOCOL_VERSION = "2"
OPEN = frozenset(
    {
        "BasebandVersion",
        "BluetoothAddress",
        "BuildVersion",
        "CPUArchitecture",
        "ChipID",
        "DeviceClass",
        "DeviceColor",
        "DeviceName",
        "DevicePublicKey",
        "HardwareModel",
        "HardwarePlatform",
        "HasSiDP",
        "HostAttached",
        "InternalBuild",
        "PasswordProtected",
        "ProductName",
        "ProductType",
        "ProductVersion",
        "ProductionSOC",
        "ProtocolVersion",
        "SupportedDeviceFamilies",
        "TelephonyCapability",
        "UniqueChipID",
        "UniqueDeviceID",
        "WiFiAddress",
    }
)
"""What a computer that is not paired may read: what ``ideviceinfo --simple`` shows of a phone."""

_NAME = re.compile(r"[0-9A-Za-z._-]{1,128}")


class ValueRefused(Exception):
    """A value cannot be read or changed; ``str()`` is lockdownd's name for why."""


class Values:
    """The values of one phone. May be used from any thread.

    ``public_key`` returns DevicePublicKey, PEM.
    """

    def __init__(self, handset: Handset, public_key: Callable[[], bytes]) -> None:
        self._handset = handset
        self._public_key = public_key

    def read(self, domain: object, key: object, *, paired: bool) -> Plist:
        """Return one value, or all of a domain where ``key`` is None. Raises ValueRefused."""
        name = _domain(domain)
        if key is None:
            values = self._all(name)
            if paired:
                return values
            return {k: v for k, v in values.items() if not name and k in OPEN}
        if not isinstance(key, str):
            raise ValueRefused("MissingValue")
        value = self._one(name, key)
        if value is None:
            raise ValueRefused("MissingValue")
        if not paired and (name or key not in OPEN):
            raise ValueRefused("GetProhibited")
        return value

    def change(self, domain: object, key: object, value: Plist | None) -> None:
        """Change a value; None removes it. Raises ValueRefused."""
        if not isinstance(key, str) or _NAME.fullmatch(key) is None:
            raise ValueRefused("MissingKey")
        try:
            self._handset.set_value(_domain(domain), key, value)
        except Prohibited:
            raise ValueRefused(
                "SetProhibited" if value is not None else "RemoveProhibited"
            ) from None

    def _one(self, domain: str, key: str) -> Plist | None:
        if domain:
            return self._handset.values(domain).get(key)
        known = self._known().get(key)
        return self._handset.values("").get(key) if known is None else known()

    def _all(self, domain: str) -> Mapping[str, Plist]:
        values = self._handset.values(domain)
        if domain:
            return values
        return {**values, **{key: value() for key, value in self._known().items()}}

    def _known(self) -> dict[str, Callable[[], Plist]]:
        """Return what lockdownd knows by itself."""
        return {
            "UniqueDeviceID": lambda: self._handset.udid,
            "TimeIntervalSince1970": self._handset.now,
            "DevicePublicKey": self._public_key,
            "ProtocolVersion": lambda: PROTOCOL_VERSION,
            "HostAttached": lambda: True,
        }


def _domain(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or (value and _NAME.fullmatch(value) is None):
        raise ValueRefused("MissingValue")
    return value
