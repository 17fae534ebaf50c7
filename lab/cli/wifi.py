"""``trustpin-lab wifi``: the rogue Wi-Fi as an access point on a radio of this machine."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Never

import typer

from lab.cli.saying import check_picture, fail, show_qr

if TYPE_CHECKING:
    from lab.network.hardware.plan import AccessPlan

DEFAULT_SSID = "Free Airport Wi-Fi"

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

wifi = typer.Typer(
    name="wifi",
    no_args_is_help=True,
    help="Be the rogue Wi-Fi, with a radio of this machine, for phones that are not of it.",
)


@wifi.command()
def up(
    interface: Annotated[str, typer.Option(help="The interface with the radio, such as wlan1.")],
    ssid: Annotated[str, typer.Option(help="The network's name.")] = DEFAULT_SSID,
    security: Annotated[str, typer.Option(help="open, wpa2 or wpa3.")] = "open",
    passphrase: Annotated[
        str | None,
        typer.Option(
            help="With wpa2 and wpa3: the environment variable that holds it, as '${NAME}'.",
            metavar="${NAME}",
        ),
    ] = None,
    country: Annotated[
        str, typer.Option(help="The country whose rules for radio are kept, such as DE.")
    ] = "DE",
    channel: Annotated[int, typer.Option(help="1 to 11 are free everywhere.")] = 6,
    upstream: Annotated[
        str | None,
        typer.Option(
            help="The interface to the internet, for what is not the lab's. Without it there is "
            "none.",
        ),
    ] = None,
    qr: Annotated[
        Path | None,
        typer.Option(help="Write the QR code into this .svg or .png, instead of printing it."),
    ] = None,
) -> None:
    """Put the access point up, say how phones join it, and take it down on Ctrl-C.

    Needs root, hostapd and dnsmasq. While it is up, ``pytest --wifi hardware`` attacks the phones
    on it; it needs no root.
    """
    from lab.network.hardware import standing
    from lab.network.hardware.interface import Refused, check_machine
    from lab.network.hardware.machine import ThisMachine
    from lab.network.hardware.raising import HardwareAccessPoint

    check_picture(qr)
    plan = _plan(interface, ssid, security, passphrase, country, channel, upstream)
    machine = ThisMachine()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        check_machine(machine, plan, root=os.geteuid() == 0)
        with HardwareAccessPoint(machine, plan, typer.echo, folder=standing.FOLDER) as point:
            _tell_how_to_join(plan, qr)
            try:
                point.broken.wait()
            finally:
                _tell_of_strangers(point.strangers.told())
        fail("the access point broke down, and was taken down", code=1)
    except KeyboardInterrupt:
        typer.echo("taken down")
    except (Refused, OSError) as error:
        fail(str(error), code=1)


@wifi.command()
def down() -> None:
    """Take down an access point that was left behind by a process that was killed, or that is up.

    Only what is the lab's own is touched.
    """
    from lab.network.hardware import standing
    from lab.network.hardware.interface import Refused
    from lab.network.hardware.machine import ThisMachine
    from lab.network.hardware.raising import take_down

    try:
        was = take_down(ThisMachine(), folder=standing.FOLDER)
    except (standing.NotStanding, Refused, OSError) as error:
        fail(str(error), code=1)
    told = "nothing to take down" if was is None else f"{was.interface}: taken down"
    typer.echo(told)


def _plan(
    interface: str,
    ssid: str,
    security: str,
    passphrase: str | None,
    country: str,
    channel: int,
    upstream: str | None,
) -> AccessPlan:
    from lab.adversary.names import ATTACKER_ADDRESS, HONEST_PREFIX
    from lab.catalogue.hosts import DOMAIN
    from lab.network.hardware.plan import AccessPlan, BadPlan, Security

    if security not in set(Security):
        fail(f"--security: {security!r} is none of {', '.join(Security)}")
    try:
        return AccessPlan(
            interface,
            ssid,
            country,
            channel,
            DOMAIN,
            (f"{HONEST_PREFIX}0/24", ATTACKER_ADDRESS),
            Security(security),
            None if passphrase is None else _filled(passphrase, os.environ),
            upstream,
        )
    except BadPlan as error:
        fail(str(error))


def _filled(passphrase: str, environ: Mapping[str, str]) -> str:
    """Return the passphrase out of the environment: arguments are everybody's to read."""
    match = _VARIABLE.fullmatch(passphrase)
    if match is None:
        fail("--passphrase: name an environment variable that holds it, as '${NAME}'")
    value = environ.get(match[1])
    if value is None:
        fail(f"--passphrase: the environment variable {match[1]} is not set")
    return value


def _tell_how_to_join(plan: AccessPlan, picture: Path | None) -> None:
    from lab.network.hardware.joining import joining_text

    typer.echo(f'"{plan.ssid}" is on the air (channel {plan.channel}, {plan.security})')
    show_qr(joining_text(plan), picture, "scan it with the phone's camera")
    typer.echo(
        "Phones with Android 11 and newer are told to join by pytest --wifi hardware (routes.wifi "
        "in devices.yaml). Others: scan the code, and let the phone stay on a network without "
        "internet when it asks. Ctrl-C takes the network down."
    )


def _tell_of_strangers(told: list[str]) -> None:
    if told:
        typer.echo("Not the lab's, and not opened:")
    for line in told:
        typer.echo(f"  {line}")


def _interrupt(_number: int, _frame: FrameType | None) -> Never:
    raise KeyboardInterrupt
