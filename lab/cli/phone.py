"""``trustpin-lab phone``: a virtual phone that stays, for adb, usbmuxd, Appium and a look."""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lab.devices.iphone_models import IOS_CLIENT, IosVersion
from lab.devices.phone_models import REFERENCE_CLIENT, VIRTUAL_BROWSER, AndroidVersion, RootMode
from lab.devices.phone_process import ANDROID_PHONE, IPHONE, PhoneProcess
from lab.model.device import DeviceLost

ADB_PORT = 16555
"""Outside the range in which adb looks for emulators by itself (5554 to 5585)."""
USBMUXD_PORT = 17015
"""Not the 27015 of a computer's own usbmuxd over TCP."""


def phone(
    name: Annotated[str, typer.Option(help="Its name, also its serial number.")] = "virtual",
    adb_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for a free one.")] = ADB_PORT,
    android: Annotated[AndroidVersion, typer.Option(help="Its version.")] = AndroidVersion.V14,
    root: Annotated[RootMode, typer.Option(help="How it is rooted.")] = RootMode.ADBD,
    ios: Annotated[bool, typer.Option("--ios", help="Be an iPhone instead.")] = False,
    ios_version: Annotated[IosVersion, typer.Option(help="Its version.")] = IosVersion.V18_5,
    usbmuxd_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the usbmuxd that has it; 0 for a free one.")
    ] = USBMUXD_PORT,
    supervisor: Annotated[
        Path | None,
        typer.Option(help="PEM certificate of who supervises the iPhone; nobody where left out."),
    ] = None,
    sdk: Annotated[
        str | None, typer.Option(help="The pinning client in its app.", show_default="the lab's")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of its files, which are kept; one that is removed otherwise."),
    ] = None,
) -> None:
    """Start a virtual phone and keep it until Ctrl-C.

    It has the sample app, an unpinned browser, and no network until a lab gives it one: the
    folder "air" is where it looks for access points. It is an Android phone; with --ios, an
    iPhone behind a usbmuxd of its own.
    """
    own = ["--adb-port", str(adb_port), "--android", android, "--root", root]
    if ios:
        own = ["--usbmuxd-port", str(usbmuxd_port), "--ios", ios_version]
        own += [] if supervisor is None else ["--supervisor", str(supervisor)]
    with tempfile.TemporaryDirectory(prefix="trustpin-lab-phone-") as temporary:
        folder = Path(temporary) if home is None else home.absolute()
        air = folder / "air"
        try:
            air.mkdir(mode=0o700, parents=True, exist_ok=True)
            process = PhoneProcess(
                [
                    *("--name", name, "--sdk", sdk or (IOS_CLIENT if ios else REFERENCE_CLIENT)),
                    *own,
                    *("--home", str(folder / "phone"), "--air", str(air)),
                ],
                program=IPHONE if ios else ANDROID_PHONE,
            )
        except (DeviceLost, OSError) as error:
            typer.echo(f"trustpin-lab: the phone cannot be started: {error}", err=True)
            raise typer.Exit(1) from None
        try:
            if ios:
                _tell_of_iphone(name, ios_version, process, air)
            else:
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


def _tell_of_iphone(name: str, version: str, process: PhoneProcess, air: Path) -> None:
    from lab.devices.ios.usbmux import Usbmux

    usbmuxd = f"127.0.0.1:{process.link_port}"
    agent = f"http://127.0.0.1:{process.port}"
    (attached,) = Usbmux(usbmuxd).attached()
    typer.echo(f'The iPhone "{name}" is there until Ctrl-C.')
    typer.echo(f"  export USBMUXD_SOCKET_ADDRESS={usbmuxd}")
    typer.echo("  devices.yaml:")
    typer.echo(f"    - id: {name}\n      platform: ios\n      udid: {attached.udid}")
    typer.echo(f"      version: '{version}'\n      usbmuxd: {usbmuxd}")
    registry = process.ports["registry"]
    typer.echo(f"      appium: {{direct: true, agent: '{agent}', registry: {registry}}}")
    typer.echo(f"      routes: {json.dumps({'proxy': 'by_hand', 'air': str(air)})}")


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
