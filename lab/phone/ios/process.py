"""An iPhone as a process: started by the lab, told to end by the end of its standard input."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lab.phone.ios.identity import BUILDS, NEWEST
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
    """Run an iPhone until the standard input ends or SIGTERM comes; return the exit code.

    Writes one line of JSON to the standard output once the phone is ready: ``{"wda": N,
    "usbmuxd": M, "registry": L}``, where its WebDriverAgent (0: it is installed, and does not run),
    the usbmuxd that has it, and the registry of its tunnel listen. Whatever else is written there
    goes to the standard error.
    """
    options = _parser().parse_args(arguments)
    return run_phone(partial(_run, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.phone.ios", description=main.__doc__)
    parser.add_argument("--name", required=True, help="the phone's name; its udid follows from it")
    parser.add_argument("--home", required=True, type=Path, help="folder of its file system")
    parser.add_argument("--air", required=True, type=Path, help="folder of access points")
    parser.add_argument("--sdk", required=True, help="package.module:Class of the pinning client")
    parser.add_argument("--source", help="address that its connections come from")
    parser.add_argument("--ios", choices=tuple(BUILDS), default=NEWEST, help="version of its iOS")
    parser.add_argument(
        "--supervisor",
        type=Path,
        help="PEM file with the certificate of who supervises it; without it, nobody does",
    )
    parser.add_argument("--usbmuxd-port", type=port, default=0, help="0 (default): a free one")
    parser.add_argument(
        "--preinstalled",
        action="store_true",
        help="WebDriverAgent is on it and does not run until developer tools launch it",
    )
    parser.add_argument("--factory", type=Path, help="PEM file with the CAs that it ships with")
    parser.add_argument(
        "--network", type=int, help="descriptor of a line to the network namespace that it lives in"
    )
    return parser


def _run(options: argparse.Namespace, announce: Callable[[str], None]) -> None:
    """Run the phone until told to end. Raises CannotStart."""
    make_sdk = load_class(options.sdk)
    # Here, not above: a wrong --sdk is told without loading any of this.
    from cryptography.hazmat.primitives.serialization import Encoding

    from lab.phone.ios.app_shelf import AppShelf
    from lab.phone.ios.apps import BUILT_IN
    from lab.phone.ios.installed import make_screen
    from lab.phone.ios.lockdown import Lockdownd
    from lab.phone.ios.lockdown.frames import FrameBuffer
    from lab.phone.ios.phone import IPhone
    from lab.phone.ios.processes import RUNNER_PORT, AppProcesses
    from lab.phone.ios.remote.tunnel import own_address
    from lab.phone.ios.remote.way import RemoteWay
    from lab.phone.ios.services import make_services
    from lab.phone.ios.state import IPhoneState
    from lab.phone.ios.usbmux import Usbmuxd
    from lab.phone.ios.wda import WebDriverAgent
    from lab.phone.ios.wda.runner import Runners

    anchors = certificates(options.factory)
    supervisors = [c.public_bytes(Encoding.DER) for c in certificates(options.supervisor)]
    with ExitStack() as stack:
        try:
            state = IPhoneState(
                options.home,
                options.air,
                name=options.name,
                version=options.ios,
                supervisors=supervisors,
                source=options.source,
                factory_anchors=anchors,
                radio=radio(options.network),
            )
        except OSError as error:
            raise CannotStart(f"--home {options.home}: {error.strerror}") from None
        state.process_names = {name: app.executable for name, app in BUILT_IN.items()}
        screen = make_screen(state, make_sdk, options.name)
        stack.callback(screen.close)
        apps = AppShelf(state.kept, screen, BUILT_IN, state.open_process)
        phone = IPhone(state, apps, FrameBuffer(state.now))
        state.opened = phone.watch_connection
        services = make_services(phone)
        lockdownd = Lockdownd(phone, services)
        stack.callback(lockdownd.close)
        address = own_address()
        agent_port, runners = 0, Runners(state, screen, lockdownd.ports, address)
        if not options.preinstalled:
            agent = WebDriverAgent(state, screen)
            stack.callback(agent.close)
            lockdownd.ports.listen(RUNNER_PORT, agent.serve)
            agent_port = agent.port
        processes = AppProcesses(
            screen,
            state.pids,
            lambda: frozenset(app.bundle_id for app in apps.installed()),
            runners.start if options.preinstalled else None,
        )
        stack.callback(processes.close)
        way = RemoteWay(phone, address, services, lockdownd.converse, processes)
        stack.callback(way.close)
        try:
            usbmuxd = Usbmuxd(options.home / "computer", port=options.usbmuxd_port)
        except OSError as error:
            raise CannotStart(f"--usbmuxd-port {options.usbmuxd_port}: {error.strerror}") from None
        stack.callback(usbmuxd.close)
        usbmuxd.attach(lockdownd, paired=True)
        stack.callback(end_in_time)
        ready = {"wda": agent_port, "usbmuxd": usbmuxd.port, "registry": way.registry_port}
        announce(json.dumps(ready))
        await_end_of_input()
