"""Bytes to and from a phone on USB, by adb-shell's own transport on libusb."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from adb_shell.exceptions import (
    UsbDeviceNotFoundError,
    UsbReadFailedError,
    UsbWriteFailedError,
)

from lab.devices.android.guard import Broken
from lab.model.device import DeviceLost

MISSING = (
    "USB needs libusb and its Python library: install the system's libusb-1.0 and "
    "'adb-shell[usb]' (pip install 'adb-shell[usb]'), or reach the phone through an adb server"
)
SHORTEST = 0.001
"""Seconds; libusb counts milliseconds, and 0 would be for ever."""


class UsbLibrary(NamedTuple):
    """What reaching a phone on USB needs."""

    find: Callable[[str], Any]
    """Returns adb-shell's transport for the phone of a serial number."""
    failure: type[Exception]
    """libusb's own error."""
    timeout: type[Exception]


def usb_library() -> UsbLibrary:
    """Load what USB needs. Raises DeviceLost where it is not installed."""
    try:
        usb1 = importlib.import_module("usb1")
        from adb_shell.transport.usb_transport import UsbTransport
    except (ImportError, OSError):
        raise DeviceLost(MISSING) from None
    return UsbLibrary(
        lambda serial: UsbTransport.find_adb(serial=serial), usb1.USBError, usb1.USBErrorTimeout
    )


class UsbPipe:
    """Implements ``guard.Pipe`` over USB, for the phone of this serial number. Raises DeviceLost
    where what that needs is not installed."""

    def __init__(self, serial: str, library: UsbLibrary | None = None) -> None:
        self._serial = serial
        self._library = library or usb_library()
        self._transport: Any = None

    def open(self, cap: float) -> None:
        self.close()
        with self._reporting():
            self._transport = self._library.find(self._serial)
            self._transport.connect(max(cap, SHORTEST))

    def read(self, most: int, cap: float) -> bytes:
        transport = self._open_transport()
        until = time.monotonic() + cap
        # A transfer without content ends one that filled its packets: it is no end of anything.
        while (left := until - time.monotonic()) > 0:
            with self._reporting():
                if content := bytes(transport.bulk_read(most, max(left, SHORTEST))):
                    return content
        raise TimeoutError

    def write(self, content: bytes, cap: float) -> None:
        transport = self._open_transport()
        with self._reporting():
            sent = transport.bulk_write(content, max(cap, SHORTEST))
        if sent != len(content):
            raise Broken(f"USB took {sent} of {len(content)} bytes")

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            with suppress(OSError, self._library.failure):
                transport.close()

    def _open_transport(self) -> Any:
        if self._transport is None:
            raise Broken("there is no connection")
        return self._transport

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except UsbDeviceNotFoundError:
            raise Broken(
                f"no phone {self._serial} with USB debugging is on USB; an adb server that runs "
                "keeps phones to itself ('adb kill-server')"
            ) from None
        except (UsbReadFailedError, UsbWriteFailedError) as error:
            cause = getattr(error, "usb_error", None) or (error.args[1:] or (None,))[0]
            if isinstance(cause, self._library.timeout):
                raise TimeoutError from None
            raise Broken(f"USB failed: {cause or error}") from None
        except self._library.failure as error:
            raise Broken(f"USB failed: {error}") from None
