"""A phone as a process: started by the lab, told to end by the end of its standard input."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cryptography import x509

    from lab.phone.radio import Radio
    from lab.phone.services import SdkFactory

EXIT_USAGE = 2
END_CAP = 0.95
"""Seconds after which the process ends, whatever its apps still do."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CannotStart(Exception):
    """The phone cannot be started as asked; the message says why, on one line."""


class _Ended(BaseException):
    """The process was told to end."""


def main(arguments: Sequence[str]) -> int:
    """Run a phone until the standard input ends or SIGTERM comes; return the exit code.

    Writes one line of JSON to the standard output once the phone is ready: ``{"port": N, "adb":
    M}``, where its WebDriver endpoint and its adb daemon listen. Whatever else is written there
    goes to the standard error.
    """
    with _own_output() as announce:
        options = _parser().parse_args(arguments)
        try:
            with _until_ended():
                _run(options, announce)
        except CannotStart as error:
            sys.stderr.write(f"lab.phone: {error}\n")
            return EXIT_USAGE
    return 0


def load_class(name: str) -> SdkFactory:
    """Return what ``package.module:Class`` names. Raises CannotStart."""
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise CannotStart(f"--sdk {name!r} is not package.module:Class")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's module may do anything
        words = " ".join(str(error).split())
        raise CannotStart(
            f"--sdk {name}: cannot import {module_name}: {type(error).__name__}: {words}"
        ) from None
    factory = getattr(module, class_name, None)
    if not callable(factory):
        raise CannotStart(f"--sdk {name}: {module_name} has no class {class_name}")
    made: SdkFactory = factory
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.phone", description=main.__doc__)
    parser.add_argument("--name", required=True, help="the phone's name, also its udid")
    parser.add_argument("--home", required=True, type=Path, help="folder of its file system")
    parser.add_argument("--air", required=True, type=Path, help="folder of access points")
    parser.add_argument("--sdk", required=True, help="package.module:Class of the pinning client")
    parser.add_argument("--source", help="address that its connections come from")
    parser.add_argument("--android", default="14", help="version of its Android")
    parser.add_argument(
        "--root", choices=("none", "su", "adbd"), default="adbd", help="how it is rooted"
    )
    parser.add_argument("--adb-port", type=_port, default=0, help="0 (default): a free one")
    parser.add_argument(
        "--adb-keys",
        choices=("accept", "refuse", "open"),
        default="accept",
        help="what becomes of a key that it does not know",
    )
    parser.add_argument(
        "--tunnels", type=Path, help="folder with the profiles that its WireGuard app has"
    )
    parser.add_argument(
        "--network", type=int, help="descriptor of a line to the network namespace that it lives in"
    )
    parser.add_argument("--factory", type=Path, help="PEM file with the CAs that it ships with")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _run(options: argparse.Namespace, announce: Callable[[str], None]) -> None:
    """Run the phone until told to end. Raises CannotStart."""
    make_sdk = load_class(options.sdk)
    # Here, not above: a wrong --sdk is told without loading any of this.
    from lab.phone.android.access import RootMode
    from lab.phone.android.adbd import Adbd, KeyPolicy
    from lab.phone.android.system import AndroidSystem
    from lab.phone.android.version import android_version
    from lab.phone.android.webdriver import WebDriver
    from lab.phone.installed import make_screen
    from lab.phone.state import PhoneState

    anchors = _certificates(options.factory) if options.factory is not None else []
    with ExitStack() as stack:
        try:
            phone = PhoneState(
                options.home,
                options.air,
                name=options.name,
                source=options.source,
                factory_anchors=anchors,
                radio=None if options.network is None else _radio(options.network),
            )
        except OSError as error:
            raise CannotStart(f"--home {options.home}: {error.strerror}") from None
        try:
            android_version(options.android)
        except ValueError as error:
            raise CannotStart(f"--android {options.android}: {error}") from None
        screen = make_screen(phone, make_sdk, release=int(options.android))
        stack.callback(screen.close)
        system = AndroidSystem(
            phone,
            screen,
            android=options.android,
            root=RootMode(options.root),
            tunnels=None if options.tunnels is None else _profiles(options.tunnels),
        )
        stack.callback(system.wireguard.take_down)
        endpoint = WebDriver(system)
        stack.callback(endpoint.close)
        try:
            daemon = Adbd(system, port=options.adb_port, keys=KeyPolicy(options.adb_keys))
        except OSError as error:
            raise CannotStart(f"--adb-port {options.adb_port}: {error.strerror}") from None
        stack.callback(daemon.close)
        stack.callback(_end_in_time)
        announce(json.dumps({"port": endpoint.port, "adb": daemon.port}))
        _await_end_of_input()


def _certificates(file: Path) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"--factory {file}: {error.strerror}") from None
    except ValueError:
        raise CannotStart(f"--factory {file}: no PEM certificates") from None


def _radio(descriptor: int) -> Radio:
    from lab.network.kernel.channel import Channel
    from lab.network.kernel.member import Member
    from lab.phone.radio import KernelRadio

    try:
        line = socket.socket(fileno=descriptor)
    except OSError as error:
        raise CannotStart(f"--network {descriptor}: {error.strerror}") from None
    # What an SDK starts is not to have it.
    line.set_inheritable(False)
    return KernelRadio(Member(Channel(line)))


def _profiles(folder: Path) -> dict[str, str]:
    try:
        return {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.conf"))}
    except (OSError, ValueError) as error:
        raise CannotStart(f"--tunnels {folder}: {error}") from None


def _await_end_of_input() -> None:
    with _signals_wake() as woken:
        while True:
            ready, _, _ = select.select([0, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
            if 0 in ready and not os.read(0, 4096):
                return


@contextmanager
def _signals_wake() -> Iterator[int]:
    """Return a descriptor that becomes readable when a signal arrives: the system may deliver it
    to any thread, but Python handles it in the main one, which has to be awake for that."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


def _end_in_time() -> None:
    """See to it that the process ends soon. From here on no signal cuts the tidying short."""

    def end() -> NoReturn:
        _end_children()
        os._exit(0)

    _ignore_signals()
    timer = threading.Timer(END_CAP, end)
    timer.daemon = True
    timer.start()


def _end_children() -> None:
    """End what an SDK has started, where the phone has a session of its own. The phone itself
    must be ignoring the signal."""
    if os.getsid(0) == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGTERM)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _own_output() -> Iterator[Callable[[str], None]]:
    """Keep the standard output for the one line that is due there: a print of somebody's SDK
    must not be taken for it."""
    kept = os.dup(1)
    os.dup2(2, 1)
    waiting = [kept]

    def announce(line: str) -> None:
        with os.fdopen(waiting.pop(), "w", encoding="ascii") as out:
            out.write(line + "\n")

    try:
        yield announce
    finally:
        for descriptor in waiting:
            os.close(descriptor)


@contextmanager
def _until_ended() -> Iterator[None]:
    """Run the block until it ends by itself or a signal comes."""

    def end(_: int, __: FrameType | None) -> None:
        _ignore_signals()
        raise _Ended

    for number in _SIGNALS:
        signal.signal(number, end)
    try:
        yield
    except _Ended:
        pass
    finally:
        _ignore_signals()
        _end_children()
