"""What usbmuxd needs of a phone on the cable."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

Serve = Callable[[socket.socket], object]
"""Takes a connection to a port of the phone, owns it, and returns when it is done with it or has
handed it to a thread of its own. Raises nothing."""


class Device(Protocol):
    """A phone. All methods may be called from any thread."""

    @property
    def udid(self) -> str:
        """Its serial number as usbmuxd tells it: letters, digits and hyphens."""

    def find(self, port: int) -> Serve | None:
        """Return what listens on a port of the phone, None where nothing does."""

    def is_paired(self, host_id: str) -> bool:
        """Tell whether the phone knows this computer's HostID."""

    def pair(self, system_buid: str) -> bytes:
        """Pair the phone with this computer, as if its user had agreed. Return the pair record, a
        property list."""
