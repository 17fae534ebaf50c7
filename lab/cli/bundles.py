"""What commands that are given bundles have in common: all are verified before they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lab.cli.saying import fail

if TYPE_CHECKING:
    from lab.evidence.run import RunReport
    from lab.gate.reading import Checked

EXIT_FORGED = 3
"""A bundle does not verify."""
CHANGED = "a bundle was changed while it was read"


def checked_bundles(folders: Iterable[Path], *, unverified: bool = False) -> tuple[Checked, ...]:
    """Return the bundles with what came of checking them. The command ends where there is no
    bundle, or where one does not verify, unless ``unverified`` ones will do: then it is said."""
    # Here, not above: other commands need nothing of this.
    from lab.evidence.verify_crew import NotChecked
    from lab.gate.reading import check

    try:
        checked = check(folders)
    except NotChecked as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror or error}")
    broken = [each for each in checked if each.broken]
    for each in broken:
        for finding in each.broken:
            typer.echo(f"{each.folder}: {finding}", err=True)
        typer.echo(f"{each.folder} DOES NOT VERIFY.", err=True)
    if broken and not unverified:
        raise typer.Exit(EXIT_FORGED)
    return checked


def read_reports(checked: Iterable[Checked]) -> tuple[tuple[RunReport, Checked], ...]:
    """Return the run in each bundle. The command ends where one cannot be read."""
    from lab.evidence.record import RecordInvalid
    from lab.gate.reading import read_report

    found = []
    for each in checked:
        try:
            found.append((read_report(each), each))
        except RecordInvalid as error:
            fail(f"{each.folder}: no results that can be read: {error}")
        except OSError as error:
            fail(f"{error.filename}: {error.strerror or error}")
    return tuple(found)
