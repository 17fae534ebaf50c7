"""``trustpin-lab devices`` and ``trustpin-lab doctor``: what there is, and what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.devices.findings import Finding, Health
from lab.devices.settings import (
    AndroidSettings,
    CommandSettings,
    DeviceSettings,
    IosSettings,
    Settings,
    SettingsError,
    load,
)

EXIT_BAD = 1
EXIT_USAGE = 2
AT_ONCE = 8
"""Phones that are asked at the same time."""

COLOURS = {Health.GOOD: "green", Health.LIMITED: "yellow", Health.BAD: "bold red"}

DevicesFile = Annotated[
    Path, typer.Option("--devices-file", help="The list of devices.", metavar="PATH")
]


def devices(devices_file: DevicesFile = Path("devices.yaml")) -> None:
    """List the devices, and how they are now."""
    settings = _loaded(devices_file)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "platform", "pool", "state"):
        table.add_column(title, overflow="fold")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        states = pool.map(lambda device: _state(settings, device), settings.devices)
        for device, state in zip(settings.devices, states, strict=True):
            table.add_row(device.id, device.platform, getattr(device, "pool", None) or "", state)
    Console(soft_wrap=True).print(table)


def doctor(
    device: Annotated[
        str | None, typer.Argument(help="The device's id; all where left out.", show_default=False)
    ] = None,
    devices_file: DevicesFile = Path("devices.yaml"),
) -> None:
    """Check all that a run needs, prove the routes, and say how to mend what is missing.

    Exit code 0: every device is ready. 1: one is not. Phones are put back as they were.
    """
    settings = _loaded(devices_file)
    try:
        chosen = settings.devices if device is None else (settings.device(device),)
        settings.check_programs([each.id for each in chosen], required=True)
    except SettingsError as error:
        _complain(error)
    # Here, not above: a mistake in the file is told without loading any of this.
    from lab.trial.bench import Bench
    from lab.trial.doctor import examine

    console = Console(soft_wrap=True, highlight=False)
    healths: set[Health] = set()
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        for each in chosen:
            console.print(Text(each.id, style="bold"))
            healths |= _told(console, examine(each, bench))
    if Health.BAD in healths:
        raise typer.Exit(EXIT_BAD)


def _told(console: Console, findings: Iterable[Finding]) -> set[Health]:
    """Print findings as they come, and return how good they are."""
    healths = set()
    for finding in findings:
        healths.add(finding.health)
        line = Text("  ")
        line.append(f"{finding.health:<8}", style=COLOURS[finding.health])
        line.append(f"{finding.what:<12}{finding.text}")
        console.print(line)
        if finding.mend:
            console.print(Text(f"{'':<22}→ {finding.mend}"))
    return healths


def _state(settings: Settings, device: DeviceSettings) -> str:
    try:
        settings.check_programs([device.id], required=True)
    except SettingsError as error:
        return "; ".join(problem.text for problem in error.problems)
    if isinstance(device, CommandSettings):
        return "ready: a program of this machine"
    if isinstance(device, AndroidSettings | IosSettings):
        findings = list(_looked_at(device))
        worst = [f for f in findings if f.health is Health.BAD]
        if worst:
            return "; ".join(f"{f.what}: {f.text}" for f in worst)
        told = [f.text for f in findings if f.what in ("adb", "usbmuxd", "system")]
        return "; ".join(told + [f.text for f in findings if f.what == "lease"])
    return "ready: started by the lab"


def _looked_at(device: AndroidSettings | IosSettings) -> Iterable[Finding]:
    if isinstance(device, IosSettings):
        from lab.devices.ios.checks import look as look_at_iphone

        return look_at_iphone(device)
    from lab.devices.android.checks import look

    return look(device)


def _loaded(devices_file: Path) -> Settings:
    try:
        return load(devices_file)
    except SettingsError as error:
        _complain(error)


def _complain(error: SettingsError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(EXIT_USAGE)
