"""From an entry of devices.yaml to a device."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from lab.devices.command import CommandDevice
from lab.devices.ios.address import is_iphone
from lab.devices.item import Value
from lab.devices.journal import MakeItem
from lab.devices.owner import BY_HAND, Owner
from lab.devices.phone_models import ProxyWay
from lab.devices.settings import (
    AndroidSettings,
    CommandSettings,
    DeviceSettings,
    IosSettings,
    VirtualIosSettings,
    VirtualSettings,
)
from lab.devices.state_folder import StateError, file_name_of, state_folder
from lab.model.device import Device, DeviceLost, Endpoint, Surroundings
from lab.network.kernel.wifi import Place
from lab.network.wireguard import BadKeys, Keys, TunnelPlan, kept_keys

MOST_DEVICES = 254 * 254
"""As many addresses as ``source_address`` has to give."""


def make_device(
    settings: DeviceSettings,
    surroundings: Surroundings,
    home: Path,
    *,
    factory_anchors: tuple[bytes, ...],
    report_url: str,
    source: str | None,
    owner: Owner = BY_HAND,
    place: Place | None = None,
) -> Device:
    """Return the device that ``settings`` describe; the caller closes it.

    ``home`` is a folder of its own. ``factory_anchors`` are the DER certificates that the device
    trusts from the factory. ``source`` is the address that its connections are to come from.
    ``place`` is where it lives, where its networks are the kernel's.
    """
    if isinstance(settings, CommandSettings):
        return CommandDevice(
            settings,
            surroundings,
            home,
            factory_anchors=factory_anchors,
            source=source,
            place=place,
        )
    # Here, not above: a run with commands alone needs nothing of a phone.
    if isinstance(settings, VirtualSettings):
        from lab.devices.virtual import start_virtual

        return start_virtual(
            settings,
            surroundings,
            home,
            factory_anchors=factory_anchors,
            report_url=report_url,
            source=source,
            owner=owner,
            place=place,
        )
    if isinstance(settings, VirtualIosSettings):
        from lab.devices.virtual_ios import start_virtual_ios

        return start_virtual_ios(
            settings,
            surroundings,
            home,
            factory_anchors=factory_anchors,
            report_url=report_url,
            source=source,
            owner=owner,
            place=place,
        )
    if isinstance(settings, IosSettings):
        from lab.devices.ios.phones import open_ios

        return open_ios(
            settings,
            surroundings,
            home,
            factory_anchors=factory_anchors,
            report_url=report_url,
            owner=owner,
        )
    from lab.devices.android.phones import open_android

    return open_android(
        settings,
        surroundings,
        home,
        factory_anchors=factory_anchors,
        report_url=report_url,
        owner=owner,
    )


def open_for_restore(
    address: Mapping[str, Value], settings: DeviceSettings | None = None
) -> AbstractContextManager[tuple[str, MakeItem]]:
    """Reach a device again by the address in its undo journal (``restore.OpenDevice``).

    ``settings`` are what devices.yaml says of it, where it does: what a hand in Settings changed
    takes Appium to put back. Raises ValueError for an address that is none.
    """
    if is_iphone(address):
        from lab.devices.ios.phones import open_for_restore as open_ios

        return open_ios(address, settings if isinstance(settings, IosSettings) else None)
    from lab.devices.android.phones import open_for_restore as open_android

    return open_android(address, settings if isinstance(settings, AndroidSettings) else None)


def source_address(index: int) -> str | None:
    """Return a loopback address of its own for the device number ``index`` (from 0), or None
    where the system has only 127.0.0.1 to connect from (all but Linux)."""
    if not 0 <= index < MOST_DEVICES:
        raise ValueError(f"device number {index}; there are addresses for {MOST_DEVICES}")
    if sys.platform != "linux":
        return None
    address = f"127.77.{index // 254}.{index % 254 + 1}"
    return address if _can_bind(address) else None


def source_for(settings: DeviceSettings, index: int) -> str | None:
    """Return the address that the connections of this device will come from, or None where it
    has none of its own: a program that is not told ``{source}`` connects from anywhere."""
    if isinstance(settings, AndroidSettings | IosSettings):
        return None
    if isinstance(settings, VirtualSettings) and settings.proxy is ProxyWay.REVERSE:
        # What comes through adb comes from its server.
        return None
    if isinstance(settings, CommandSettings) and not settings.binds_source:
        return None
    return source_address(index)


def lives_in_namespace(settings: DeviceSettings) -> bool:
    """Tell whether this device is of this machine, and can live in a network namespace of it."""
    return isinstance(settings, CommandSettings | VirtualSettings | VirtualIosSettings)


def listen_address(settings: DeviceSettings) -> str:
    """Return where the lab listens for this device: on loopback, unless devices.yaml says that
    the phone reaches it over the LAN."""
    if isinstance(settings, AndroidSettings | IosSettings):
        return settings.routes.lan or "127.0.0.1"
    return "127.0.0.1"


def tunnel_for(settings: DeviceSettings) -> TunnelPlan | None:
    """Return the WireGuard tunnel of a device that is led through one. A virtual phone has new
    keys for each run, all others those that their app was once given.

    Raises DeviceLost where their keys cannot be kept or read.
    """
    if isinstance(settings, CommandSettings | IosSettings | VirtualIosSettings):
        return None
    if isinstance(settings, VirtualSettings):
        if settings.proxy is not ProxyWay.WIREGUARD:
            return None
        return TunnelPlan(Keys.fresh(), Endpoint("127.0.0.1", 0))
    section = settings.routes.wireguard
    if section is None:
        return None
    try:
        return TunnelPlan(kept_keys(keys_file(settings.id)), section.listen)
    except (BadKeys, StateError, OSError) as error:
        raise DeviceLost(f"{settings.id}: {error}") from None


def keys_file(device_id: str) -> Path:
    """Return where the keys of this device's tunnel are kept. Raises StateError."""
    return state_folder() / "wireguard" / f"{file_name_of(device_id)}.json"


def _can_bind(address: str) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True
