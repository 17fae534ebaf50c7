"""``trustpin-lab restore``: put devices back to what they were before a run that died."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.saying import fail
from lab.devices.journal import Pending, pending
from lab.devices.journal_entry import shown
from lab.devices.lease import Holder
from lab.devices.restore import RestoreReport
from lab.devices.restore import restore as undo
from lab.devices.state_folder import StateError, journals_folder

if TYPE_CHECKING:
    from lab.devices.settings import Settings

RUN = "restore"
"""What stands in a lease for the run's name."""


def restore(
    device: Annotated[
        str | None,
        typer.Argument(
            metavar="DEVICE",
            help="The device's id in devices.yaml, or its serial number. All where left out.",
            show_default=False,
        ),
    ] = None,
    devices_file: Annotated[
        Path,
        typer.Option(
            "--devices-file",
            help="The list of devices that DEVICE is looked up in, and how each is driven where a "
            "screen must be.",
            metavar="PATH",
        ),
    ] = Path("devices.yaml"),
) -> None:
    """Put back what a run that died has left changed on devices.

    Exit code 0: nothing is left to put back. 1: something is, and the output says why.
    """
    try:
        found = pending(journals_folder())
    except StateError as error:
        fail(str(error), code=1)
    chosen = found if device is None else _of(found, device)
    if device is not None and not chosen:
        _check_known(device, devices_file)
    known = _settings_of(devices_file) if chosen else None
    reports = [_restored(journal, known) for journal in chosen]
    if not reports:
        typer.echo("nothing to put back")
    if not all(report.complete for report in reports):
        raise typer.Exit(1)


def _of(found: tuple[Pending, ...], device: str) -> tuple[Pending, ...]:
    """Return the journals of this device, and those that may be its own: a header that cannot
    be read does not tell."""
    return tuple(
        journal
        for journal in found
        if journal.header is None or device in (journal.header.device, journal.header.key)
    )


def _restored(journal: Pending, known: Settings | None) -> RestoreReport:
    # Here, not above: where nothing is pending, nothing of any device is needed.
    from lab.devices import registry

    typer.echo(str(journal))
    settings = None
    if known is not None and journal.header is not None and journal.header.device in known.ids:
        settings = known.device(journal.header.device)
    report = undo(
        journal,
        lambda address: registry.open_for_restore(address, settings),
        Holder.of_this_process(RUN),
    )
    for what in report.undone:
        typer.echo(f"  put back  {what}")
    for stuck in report.stuck:
        typer.echo(f"  stays     {stuck.what}: {stuck.reason} ({stuck.file})")
    if report.problem and journal.header is not None:
        typer.echo(f"  stays     {report.problem}")
    return report


def _settings_of(devices_file: Path) -> Settings | None:
    """Return what devices.yaml says, None where it cannot be read: most of what is to be put back
    takes no more than the journal."""
    from lab.devices.problems import SettingsError
    from lab.devices.settings import load

    try:
        return load(devices_file)
    except SettingsError:
        return None


def _check_known(device: str, devices_file: Path) -> None:
    """End with exit code 2 where the word is no device's: nothing to put back there would be no
    news."""
    from lab.devices.problems import SettingsError
    from lab.devices.settings import load

    try:
        load(devices_file).device(device)
    except SettingsError as error:
        fail(f"nothing is known of a device {shown(device)!r}: {error}")
