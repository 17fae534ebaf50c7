"""From an entry of devices.yaml to a device."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from lab.devices.command import CommandDevice
from lab.devices.settings import CommandSettings, DeviceSettings
from lab.model.device import Device, Surroundings

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
) -> Device:
    """Return the device that ``settings`` describe; the caller closes it.

    ``home`` is a folder of its own. ``factory_anchors`` are the DER certificates that the device
    trusts from the factory. ``source`` is the address that its connections are to come from.
    """
    if isinstance(settings, CommandSettings):
        return CommandDevice(
            settings, surroundings, home, factory_anchors=factory_anchors, source=source
        )
    # Here, not above: a run with commands alone needs nothing of the phone.
    from lab.devices.virtual import VirtualPhone

    return VirtualPhone(
        settings.id,
        surroundings,
        home,
        sdk=settings.sdk,
        factory_anchors=factory_anchors,
        report_url=report_url,
        source=source,
    )


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
    if isinstance(settings, CommandSettings) and not settings.binds_source:
        return None
    return source_address(index)


def _can_bind(address: str) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True
