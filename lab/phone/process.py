"""An Android phone as a process: started by the lab, told to end by the end of its standard
input."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lab.phone.lifetime import (
    CannotStart,
    await_end_of_input,
    certificates,
    end_in_time,
    load_class,
    port,
    radio,
    run_phone,
)


def main(arguments: Sequence[str]) -> int:
    """Run a phone until the standard input ends or SIGTERM comes; return the exit code.

    Writes one line of JSON to the standard output once the phone is ready: ``{"port": N, "adb":
    M}``, where its WebDriver endpoint and its adb daemon listen. Whatever else is written there
    goes to the standard error.
    """
    options = _parser().parse_args(arguments)
    return run_phone(partial(_run, options))


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
    parser.add_argument("--adb-port", type=port, default=0, help="0 (default): a free one")
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

    anchors = certificates(options.factory)
    with ExitStack() as stack:
        try:
            phone = PhoneState(
                options.home,
                options.air,
                name=options.name,
                source=options.source,
                factory_anchors=anchors,
                radio=radio(options.network),
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
        stack.callback(end_in_time)
        announce(json.dumps({"port": endpoint.port, "adb": daemon.port}))
        await_end_of_input()


def _profiles(folder: Path) -> dict[str, str]:
    try:
        return {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.conf"))}
    except (OSError, ValueError) as error:
        raise CannotStart(f"--tunnels {folder}: {error}") from None
