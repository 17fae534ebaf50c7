"""The life of a phone's process: told to end by the end of its standard input, or by a signal."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def run_phone(run: Callable[[Callable[[str], None]], None]) -> int:
    """Call ``run`` with what announces that the phone is ready; it is cut short where a signal
    comes. Return the exit code."""
    # What is loaded until the phone is ready stays: no collection is to go through it, then or
    # later.
    gc.disable()
    with own_output() as announce:

        def ready(line: str) -> None:
            gc.freeze()
            gc.enable()
            announce(line)

        try:
            with _until_ended():
                run(ready)
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


def port(text: str) -> int:
    """Read a port of the command line; 0 is a free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def certificates(file: Path | None) -> list[x509.Certificate]:
    """Return the CAs that a phone ships with, from a PEM file; none for no file. Raises
    CannotStart."""
    if file is None:
        return []
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"--factory {file}: {error.strerror}") from None
    except ValueError:
        raise CannotStart(f"--factory {file}: no PEM certificates") from None


def radio(descriptor: int | None) -> Radio | None:
    """Return what joins networks at the other end of a descriptor; None for none. Raises
    CannotStart."""
    if descriptor is None:
        return None
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


def await_end_of_input() -> None:
    """Wait until the standard input ends."""
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


def end_in_time() -> None:
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
def own_output() -> Iterator[Callable[[str], None]]:
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
