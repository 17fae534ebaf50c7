"""USB, as far as it goes without a cable: adb-shell's transport is a stand-in here."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator

import pytest
from adb_shell.exceptions import (
    UsbDeviceNotFoundError,
    UsbReadFailedError,
    UsbWriteFailedError,
)

from lab.devices.android.keys import AdbKey
from lab.devices.android.shell_link import AdbShellLink
from lab.devices.android.usb_pipe import UsbLibrary, UsbPipe, usb_library
from lab.model.device import DeviceLost
from tests.devices.android.rig import Rig
from tests.patience import CAP


class UsbError(Exception):
    """libusb's."""


class UsbTimeout(UsbError):
    """libusb's, too."""


class Cable:
    """adb-shell's transport for USB, on a TCP connection to a phone's adb daemon."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self.short = False
        self.empty_first = False

    def connect(self, cap: float) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), cap)

    def bulk_read(self, most: int, cap: float) -> bytes:
        assert self._socket is not None
        if self.empty_first:
            self.empty_first = False
            return b""
        self._socket.settimeout(cap)
        try:
            content = self._socket.recv(most)
        except TimeoutError:
            raise UsbReadFailedError("no", UsbTimeout()) from None
        if not content:
            raise UsbReadFailedError("no", UsbError("LIBUSB_ERROR_NO_DEVICE [-4]"))
        return content

    def bulk_write(self, content: bytes, cap: float) -> int:
        assert self._socket is not None
        if self.short:
            return 1
        try:
            self._socket.sendall(content)
        except OSError:
            raise UsbWriteFailedError("no", UsbError("LIBUSB_ERROR_NO_DEVICE [-4]")) from None
        return len(content)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


@pytest.fixture
def cable(rig: Rig) -> Cable:
    return Cable(rig.adbd.port)


@pytest.fixture
def link(cable: Cable, keys: tuple[AdbKey, ...]) -> Iterator[AdbShellLink]:
    pipe = UsbPipe("serial-1", UsbLibrary(lambda serial: cable, UsbError, UsbTimeout))
    made = AdbShellLink("serial-1", pipe, lambda: keys)
    yield made
    made.close()


def test_a_phone_on_a_cable(link: AdbShellLink, cable: Cable) -> None:
    assert link.shell("echo hello") == "hello\n"
    cable.empty_first = True
    assert link.shell("echo again") == "again\n"
    link.push(b"x" * 200_000, "/data/local/tmp/x")
    assert link.pull("/data/local/tmp/x", limit=200_000) == b"x" * 200_000


def test_a_phone_that_says_nothing(link: AdbShellLink) -> None:
    assert link.shell("echo hello") == "hello\n"
    with pytest.raises(DeviceLost, match=r"did not answer within 0\.2 seconds"):
        link.run("cat", cap=0.2)


def test_a_cable_that_is_pulled(link: AdbShellLink, rig: Rig) -> None:
    assert link.shell("echo hello") == "hello\n"
    threading.Timer(0.1, rig.adbd.close).start()
    with pytest.raises(DeviceLost, match="USB failed: LIBUSB_ERROR_NO_DEVICE"):
        link.run("cat", cap=CAP)


def test_a_cable_that_takes_a_part(link: AdbShellLink, cable: Cable) -> None:
    cable.short = True
    with pytest.raises(DeviceLost, match="USB took 1 of 24 bytes"):
        link.run("true")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsbDeviceNotFoundError(), r"no phone serial-1 with USB debugging.*adb kill-server"),
        (UsbError("LIBUSB_ERROR_ACCESS [-3]"), r"USB failed: LIBUSB_ERROR_ACCESS"),
    ],
)
def test_no_phone_on_a_cable(error: Exception, words: str) -> None:
    def find(serial: str) -> object:
        raise error

    pipe = UsbPipe("serial-1", UsbLibrary(find, UsbError, UsbTimeout))
    with pytest.raises(DeviceLost, match=words):
        AdbShellLink("serial-1", pipe, lambda: ()).run("true")


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usb1", None)
    with pytest.raises(DeviceLost, match=r"libusb.*adb-shell\[usb\]"):
        usb_library()
