"""``trustpin-lab phone``: a virtual phone that stays, for adb, Appium and a look around."""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lab.devices.phone_models import REFERENCE_CLIENT, VIRTUAL_BROWSER, AndroidVersion, RootMode
from lab.devices.phone_process import PhoneProcess
from lab.model.device import DeviceLost

ADB_PORT = 16555
"""Outside the range in which adb looks for emulators by itself (5554 to 5585)."""


def phone(
    name: Annotated[str, typer.Option(help="Its name, also its serial number.")] = "virtual",
    adb_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for a free one.")] = ADB_PORT,
    android: Annotated[AndroidVersion, typer.Option(help="Its version.")] = AndroidVersion.V14,
    root: Annotated[RootMode, typer.Option(help="How it is rooted.")] = RootMode.ADBD,
    sdk: Annotated[str, typer.Option(help="The pinning client in its app.")] = REFERENCE_CLIENT,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of its files, which are kept; one that is removed otherwise."),
    ] = None,
) -> None:
    """Start a virtual phone and keep it until Ctrl-C.

    It has the sample app, an unpinned browser, and no network until a lab gives it one: the
    folder "air" is where it looks for access points.
    """
    with tempfile.TemporaryDirectory(prefix="trustpin-lab-phone-") as temporary:
        folder = Path(temporary) if home is None else home.absolute()
        air = folder / "air"
        try:
            air.mkdir(mode=0o700, parents=True, exist_ok=True)
            process = PhoneProcess(
                [
                    *("--name", name, "--sdk", sdk, "--adb-port", str(adb_port)),
                    *("--android", android, "--root", root),
                    *("--home", str(folder / "phone"), "--air", str(air)),
                ]
            )
        except (DeviceLost, OSError) as error:
            typer.echo(f"trustpin-lab: the phone cannot be started: {error}", err=True)
            raise typer.Exit(1) from None
        try:
            _tell(name, process, air)
            _await_end(process)
        finally:
            process.end()


def _tell(name: str, process: PhoneProcess, air: Path) -> None:
    adb, automation = f"127.0.0.1:{process.adb_port}", f"http://127.0.0.1:{process.port}"
    typer.echo(f'The phone "{name}" is there until Ctrl-C.')
    typer.echo(f"  adb connect {adb}")
    typer.echo("  devices.yaml:")
    typer.echo(f"    - id: {name}\n      platform: android")
    typer.echo(f"      adb: {{tcp: '{adb}'}}\n      appium: {{direct: '{automation}'}}")
    routes = json.dumps({"proxy": "lan", "air": str(air)})
    typer.echo(f"      browser: {VIRTUAL_BROWSER}\n      routes: {routes}")


def _await_end(process: PhoneProcess) -> None:
    """Wait for Ctrl-C, SIGTERM, or the end of the phone."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while (words := process.obituary(patience=1.0)) is None:
            pass
    except KeyboardInterrupt:
        return
    typer.echo(f"trustpin-lab: the phone ended: {words}", err=True)
    raise typer.Exit(1)
