"""A phone without the adb program: adb-shell speaks to its adb daemon over TCP or USB."""

from __future__ import annotations

import queue
import secrets
import shlex
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from adb_shell import exceptions as adb
from adb_shell.adb_device import AdbDevice

from lab.devices.android.guard import Broken, Excess, GuardedTransport, Pipe, Silent
from lab.devices.android.keys import AdbKey
from lab.devices.android.link import COMMAND_CAP, CommandRefused, Ran
from lab.devices.android.marks import Marked, succeeded, text_of, told_of
from lab.devices.android.tcp_pipe import TcpPipe
from lab.devices.android.usb_pipe import UsbPipe
from lab.devices.journal_entry import shown
from lab.devices.state_folder import reason
from lab.model.device import DeviceLost, Endpoint

CONNECT_CAP = 10.0
"""Seconds to reach a phone and be let in."""
ALLOW_CAP = 30.0
"""Seconds in which somebody may tap "Allow" on the phone."""
MOST_OUTPUT = 8 << 20
"""Bytes of a command's output; what is longer is cut off, and refused."""
LARGEST_FILE = 512 << 20
"""Bytes of a file that is pushed."""
TRANSFER_CAP = 120.0
"""Seconds that a file may take."""
INSTALL_CAP = 180.0
RETRY = 0.2
"""Seconds between two tries to reach a phone again."""

_OVERHEAD = 64 * 1024
_PER_BYTE = 4
"""Bytes over the wire for each byte of output, at the worst that is taken."""
_LATELY = 1.0
"""Seconds; a phone that wrote something within them is not gone."""
_FOR_EVER = 1e9
"""adb-shell's own time limits, which are not needed: the guard's hold."""
_REFUSALS = (Excess, adb.AdbCommandFailureException, adb.PushFailedError)
_LOSSES = (
    Broken,
    Silent,
    OSError,
    adb.AdbConnectionError,
    adb.AdbTimeoutError,
    adb.InvalidChecksumError,
    adb.InvalidCommandError,
    adb.InvalidResponseError,
    adb.TcpTimeoutException,
    # What adb-shell runs into itself where an answer makes no sense.
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    queue.Empty,
)


def tcp_link(endpoint: Endpoint, keys: Callable[[], Sequence[AdbKey]]) -> AdbShellLink:
    """Return a link to the adb daemon at ``endpoint``; it is reached when it is first used."""
    return AdbShellLink(str(endpoint), TcpPipe(endpoint), keys)


def usb_link(serial: str, keys: Callable[[], Sequence[AdbKey]]) -> AdbShellLink:
    """Return a link to a phone on USB. Raises DeviceLost where USB support is not installed."""
    return AdbShellLink(serial, UsbPipe(serial), keys)


class AdbShellLink:
    """Implements ``AdbLink`` on adb-shell. It is reached when it is first used; once it is lost
    it stays lost until ``reconnect``. ``keys`` is asked when a connection is made."""

    def __init__(
        self,
        serial: str,
        pipe: Pipe,
        keys: Callable[[], Sequence[AdbKey]],
        *,
        connect_cap: float = CONNECT_CAP,
        allow_cap: float = ALLOW_CAP,
        transfer_cap: float = TRANSFER_CAP,
    ) -> None:
        self._serial = serial
        self._keys = keys
        self._connect_cap = connect_cap
        self._allow_cap = allow_cap
        self._transfer_cap = transfer_cap
        self._transport = GuardedTransport(pipe)
        self._device = AdbDevice(self._transport, banner=b"trustpin-lab")
        self._lost = ""

    @property
    def serial(self) -> str:
        return self._serial

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        marked = Marked([command])
        output = bytearray()
        latest = 0.0
        with self._talking(told_of(command), cap, _PER_BYTE * MOST_OUTPUT) as device:
            stream = device.streaming_shell(marked.line, read_timeout_s=_FOR_EVER, decode=False)
            try:
                for chunk in stream:
                    latest = time.monotonic()
                    output += chunk
                    if len(output) > MOST_OUTPUT:
                        raise Excess(f"its output is longer than {MOST_OUTPUT} bytes")
            except Silent:
                if time.monotonic() - latest > min(_LATELY, cap / 2):
                    raise
                raise Excess(f"after {cap:g} seconds it was still writing") from None
        return marked.read(bytes(output))[0]

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        return succeeded(command, self.run(command, cap=cap))

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        with self._talking(f"writing {shown(path)}", self._transfer_cap, _OVERHEAD) as device:
            device.push(BytesIO(content), path, st_mode=0o100000 | mode, read_timeout_s=_FOR_EVER)

    def pull(self, path: str, *, limit: int) -> bytes:
        doing = f"reading {shown(path)}"
        content = _Bounded(limit)
        with self._talking(doing, self._transfer_cap, 2 * limit + _OVERHEAD) as device:
            device.pull(path, content, read_timeout_s=_FOR_EVER)
        return content.getvalue()

    def install(self, package: Path) -> None:
        path = f"/data/local/tmp/trustpin-lab-{secrets.token_hex(8)}.apk"
        self.push(read_package(package), path)
        quoted = shlex.quote(path)
        try:
            ran = self.run(f"pm install -r -t {quoted}", cap=INSTALL_CAP)
        finally:
            if not self._lost:
                self.run(f"rm -f {quoted}")
        check_installed(package, ran)

    def reverse(self, port: int, target: Endpoint) -> None:
        raise CommandRefused(
            "a port of the phone can be led to the lab by an adb server only: name the phone's "
            "'server' serial number in devices.yaml, or take the proxy route over the LAN"
        )

    def reversed_ports(self) -> tuple[int, ...]:
        # They belong to a connection, and this one has none.
        return ()

    def remove_reverse(self, port: int) -> None:
        """Do nothing: this link leads no port anywhere."""

    def reconnect(self, cap: float) -> None:
        until = time.monotonic() + cap
        self._drop()
        while True:
            self._lost = ""
            try:
                with self._talking("connecting", max(until - time.monotonic(), RETRY), _OVERHEAD):
                    return
            except DeviceLost:
                if time.monotonic() + RETRY >= until:
                    raise
                time.sleep(RETRY)

    def close(self) -> None:
        self._drop()
        self._lost = self._lost or "the connection was closed"

    @contextmanager
    def _talking(self, doing: str, cap: float, most: int) -> Iterator[AdbDevice]:
        """Do one thing with the phone. Whatever goes wrong in the middle of it, the connection
        is given up: what comes next over it would be the rest of this."""
        if self._lost:
            raise DeviceLost(self._lost)
        done = False
        try:
            if not self._device.available:
                self._connect(min(cap, self._connect_cap))
            self._transport.allow(cap, most)
            yield self._device
            done = True
        except DeviceLost as error:
            self._lost = str(error)
            raise
        except (*_REFUSALS, *_LOSSES) as error:
            if (refusal := _refusal(error)) is not None:
                raise CommandRefused(f"{doing}: {refusal}") from None
            self._lost = f"{self._serial}, {doing}: {_why(error)}"
            raise DeviceLost(self._lost) from None
        finally:
            if not done:
                self._drop()

    def _connect(self, cap: float) -> None:
        """Reach the phone and be let in. Raises DeviceLost, Excess and what adb-shell raises."""
        keys = self._keys()
        asked = False

        def ask(_: object) -> None:
            nonlocal asked
            asked = True
            self._transport.allow(self._allow_cap, _OVERHEAD)

        self._transport.allow(cap, _OVERHEAD)
        try:
            self._device.connect(
                rsa_keys=list(keys),
                read_timeout_s=_FOR_EVER,
                auth_timeout_s=_FOR_EVER,
                auth_callback=ask,
            )
        except adb.DeviceAuthError:
            raise DeviceLost(
                f"{self._serial}: the phone asks for a key, and the lab has none"
            ) from None
        except (Broken, Silent, Excess) as error:
            if asked:
                raise DeviceLost(
                    f"{self._serial}: the phone does not accept the key {keys[0].path}: unlock it "
                    "and allow USB debugging, always from this computer"
                ) from None
            if isinstance(error, Excess):
                raise DeviceLost(
                    f"{self._serial}: it does not speak the adb protocol: it goes on and on"
                ) from None
            raise

    def _drop(self) -> None:
        self._device.close()


class _Bounded(BytesIO):
    """Takes ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, content: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(content) > self._limit:
            raise Excess(f"it is longer than {self._limit} bytes")
        return super().write(content)


def read_package(package: Path) -> bytes:
    """Return an APK. Raises CommandRefused where it cannot be read or is too large."""
    try:
        with package.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CommandRefused(f"{package}: cannot be read: {reason(error)}") from None
    if len(content) > LARGEST_FILE:
        raise CommandRefused(f"{package}: larger than {LARGEST_FILE} bytes")
    return content


def check_installed(package: Path, ran: Ran) -> None:
    """Raise CommandRefused where an installation did not succeed: ``pm`` says so in words."""
    if ran.code or "Success" not in ran.output:
        said = shown(ran.output.strip()) or f"exit code {ran.code}"
        raise CommandRefused(f"{package} was not installed: {said}")


def _refusal(error: BaseException | None) -> str | None:
    """Return what a phone refused, or was refused; None where it is lost instead. What goes wrong
    when a stream is ended afterwards is not what went wrong."""
    while isinstance(error, (*_REFUSALS, *_LOSSES)):
        if isinstance(error, Excess):
            return f"{error}; it was cut off"
        if isinstance(error, _REFUSALS):
            return f"the phone refuses: {_said(error)}"
        error = error.__context__
    return None


def _said(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    text = text_of(bytes(first)) if isinstance(first, bytes | bytearray) else str(first)
    return shown(text.removeprefix("Command failed: ").strip()) or "it says nothing"


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: is the phone on, and does its adb daemon listen there?"
    if isinstance(error, OSError):
        return f"the phone is gone: {reason(error)}"
    if isinstance(error, Broken | Silent):
        return shown(str(error))
    return f"it does not keep to the adb protocol ({type(error).__name__}): {shown(str(error))}"
