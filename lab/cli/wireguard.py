"""``trustpin-lab wireguard``: the profile that a phone's WireGuard app is given, once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Never

import typer

from lab.devices.settings import AndroidSettings, SettingsError, load
from lab.devices.state_folder import StateError

PICTURES = frozenset({".svg", ".png"})


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
    if qr is not None and qr.suffix.lower() not in PICTURES:
        _fail(f"{qr}: give a name that ends in .svg or .png")
    name, text = _profile(device, devices_file)
    try:
        if output is not None:
            _write_private(output, text.encode("ascii"))
            typer.echo(f"{output}: import it in the WireGuard app as the tunnel {name!r}")
        if output is None or qr is not None:
            _show(text, qr)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}", code=1)
    typer.echo(f"Name the tunnel {name!r}, and turn on 'Allow remote control apps' in the app.")


def _profile(device: str, devices_file: Path) -> tuple[str, str]:
    # Here, not above: a mistake in the file is told without loading any of this.
    from lab.devices.registry import keys_file
    from lab.network.wireguard import BadKeys, kept_keys, profile, tunnel

    try:
        settings = load(devices_file).device(device)
        section = settings.routes.wireguard if isinstance(settings, AndroidSettings) else None
        if section is None:
            _fail(f"{device}: it is not led through a tunnel (routes: {{proxy: wireguard}})")
        keys = kept_keys(keys_file(device))
    except SettingsError as error:
        _fail(str(error))
    except (BadKeys, StateError) as error:
        _fail(str(error), code=1)
    return section.tunnel, profile(tunnel(keys, section.listen))


def _show(text: str, picture: Path | None) -> None:
    import segno

    code = segno.make(text, micro=False)
    if picture is None:
        code.terminal(compact=True)
        return
    picture.touch(mode=0o600)
    code.save(str(picture), scale=6)
    typer.echo(f"{picture}: scan it in the WireGuard app (+, scan from QR code)")


def _write_private(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)


def _fail(message: str, *, code: int = 2) -> Never:
    typer.echo(f"trustpin-lab: {message}", err=True)
    raise typer.Exit(code)
