"""``trustpin-lab wireguard``: the profile that a phone's WireGuard app is given, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.saying import check_picture, fail, show_qr
from lab.devices.settings import AndroidSettings, SettingsError, load
from lab.devices.state_folder import StateError
from lab.pki.credential import write_private


def wireguard(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its id in devices.yaml.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Write the profile into this file, to be copied to the phone."),
    ] = None,
    qr: Annotated[
        Path | None,
        typer.Option(help="Write its QR code into this .svg or .png, to be scanned by the app."),
    ] = None,
    devices_file: Annotated[
        Path, typer.Option("--devices-file", help="The list of devices.", metavar="PATH")
    ] = Path("devices.yaml"),
) -> None:
    """Make the WireGuard profile of a phone that is led through a tunnel (proxy: wireguard).

    Without options its QR code is printed. The profile holds the phone's private key, and stays
    the same from run to run: the phone needs it once.
    """
    check_picture(qr)
    name, text = _profile(device, devices_file)
    try:
        if output is not None:
            write_private(output, text.encode("ascii"))
            typer.echo(f"{output}: import it in the WireGuard app as the tunnel {name!r}")
        if output is None or qr is not None:
            show_qr(text, qr, "scan it in the WireGuard app (+, scan from QR code)")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", code=1)
    typer.echo(f"Name the tunnel {name!r}, and turn on 'Allow remote control apps' in the app.")


def _profile(device: str, devices_file: Path) -> tuple[str, str]:
    # Here, not above: a mistake in the file is told without loading any of this.
    from lab.devices.registry import keys_file
    from lab.network.wireguard import BadKeys, kept_keys, profile, tunnel

    try:
        settings = load(devices_file).device(device)
        section = settings.routes.wireguard if isinstance(settings, AndroidSettings) else None
        if section is None:
            fail(f"{device}: it is not led through a tunnel (routes: {{proxy: wireguard}})")
        keys = kept_keys(keys_file(device))
    except SettingsError as error:
        fail(str(error))
    except (BadKeys, StateError) as error:
        fail(str(error), code=1)
    return section.tunnel, profile(tunnel(keys, section.listen))
