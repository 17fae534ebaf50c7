"""``trustpin-lab report``: reports made again from bundles, of several runs as of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.bundles import checked_bundles, read_reports
from lab.cli.saying import fail

if TYPE_CHECKING:
    from lab.evidence.renderers import Renderer

EXIT_CONFLICTS = 1
ORIGINS = "derived.txt"
"""From which bundles a report was made, and what in them does not agree: beside every format."""


def report(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Folders of runs: reports/<run>.")
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME,...",
            help="html, junit, sarif, sarif-failures, xlsx, markdown, json; all where left out.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files go; not into a bundle.")
    ] = Path("report"),
    unverified: Annotated[
        bool,
        typer.Option("--unverified", help="Report on bundles that do not verify, too, and say so."),
    ] = False,
) -> None:
    """Make the reports of a run again, or one report of the runs of several devices or workers.

    Every bundle is verified first. The bundles stay the evidence: what is made here is derived.
    Exit code 0: written. 1: written, but the bundles do not agree; what does not is said. 2: a
    mistake in the options, or the files cannot be written. 3: a bundle does not verify.
    """
    # Here, not above: other commands need nothing of this.
    from lab.evidence.files import ReportsUnwritable, put, writing
    from lab.gate.merging import Part, merge
    from lab.gate.rendering import NotHere, check_outside, reader

    forms = _forms(form)
    try:
        check_outside(output)
    except NotHere as error:
        fail(f"--output: {error}")
    checked = checked_bundles(bundles, unverified=unverified)
    parts = [
        Part(
            str(each.folder),
            run,
            verified=not each.broken,
            complete=each.verification.complete,
            key_id=each.verification.key_id,
        )
        for run, each in read_reports(checked)
    ]
    merged = merge(parts, ("trustpin-lab", "report", *(part.name for part in parts)))
    read = reader([each.folder for each in checked])
    try:
        with writing(output):
            output.mkdir(parents=True, exist_ok=True)
            for one in forms:
                put(output / one.file, one.render(merged.report, read))
                typer.echo(str(output / one.file))
            told = "".join(f"{note}\n" for note in merged.report.info.notes)
            put(output / ORIGINS, told.encode("utf-8", "replace"))
    except ReportsUnwritable as error:
        fail(str(error))
    for text in merged.conflicts:
        typer.echo(f"Conflict: {text}", err=True)
    if merged.conflicts:
        raise typer.Exit(EXIT_CONFLICTS)


def _forms(text: str | None) -> tuple[Renderer, ...]:
    from lab.devices.problems import nearest, quote
    from lab.gate.rendering import FORMS, chosen

    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and not names:
        fail(f"--format: name a form{nearest('', (form.name for form in FORMS))}")
    try:
        return chosen(names)
    except KeyError as error:
        name = str(error.args[0])
        fail(f"--format: {quote(name)} is none{nearest(name, (form.name for form in FORMS))}")
